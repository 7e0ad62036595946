"""Every kernel in numba-cuda, for a GPU or its simulator. Files, names and arguments are those of kernels.reference."""
from .activation import (
    leaky_relu, leaky_relu_grad_input, relu, relu_grad_input, sigmoid, sigmoid_grad_input, tanh, tanh_grad_input,
)
from .array import DeviceArray as DeviceArray
from .concatenation import concatenate, split
from .elementwise import absolute, add, divide, exp, log, multiply, negative, power, sign, sqrt, subtract
from .optimizer import adam, adam_all as adam_all, sgd, sgd_all as sgd_all
from .padding import pad, pad_grad_input
from .random import dropout
