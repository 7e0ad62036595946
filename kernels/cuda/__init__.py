"""Every kernel in numba-cuda, for a GPU or its simulator. Files, names and arguments are those of kernels.reference."""
from .activation import (
    leaky_relu, leaky_relu_grad_input, relu, relu_grad_input, sigmoid, sigmoid_grad_input, tanh, tanh_grad_input,
)
from .adaptive_pooling import (
    adaptive_avg_pool2d, adaptive_avg_pool2d_grad_input, adaptive_max_pool2d, adaptive_max_pool2d_grad_input,
)
from .algorithms import algorithm as algorithm, algorithm_of as algorithm_of   # for study; see algorithms.py
from .array import DeviceArray as DeviceArray
from .concatenation import concatenate, split
from .convolution import conv2d, conv2d_grad_input, conv2d_grad_weight
from .elementwise import absolute, add, divide, exp, log, multiply, negative, power, sign, sqrt, subtract
from .matmul import matmul
from .normalization import (
    batch_norm, batch_norm_grad, batch_norm_training, batch_statistics, local_response_norm, local_response_norm_grad_input,
)
from .optimizer import adam, adam_all as adam_all, sgd, sgd_all as sgd_all
from .padding import pad, pad_grad_input
from .pooling import avg_pool2d, avg_pool2d_grad_input, max_pool2d, max_pool2d_grad_input
from .random import dropout
from .reduction import max, max_grad_input, sum
from .resampling import resample, resample_grad_input
from .softmax import cross_entropy, cross_entropy_grad_input, log_softmax, log_softmax_grad_input, softmax, softmax_grad_input

__all__ = [
    "absolute", "adam", "adaptive_avg_pool2d", "adaptive_avg_pool2d_grad_input", "adaptive_max_pool2d",
    "adaptive_max_pool2d_grad_input", "add", "avg_pool2d", "avg_pool2d_grad_input", "batch_norm", "batch_norm_grad",
    "batch_norm_training", "batch_statistics", "concatenate", "conv2d", "conv2d_grad_input", "conv2d_grad_weight",
    "cross_entropy", "cross_entropy_grad_input", "divide", "dropout", "exp", "leaky_relu", "leaky_relu_grad_input",
    "local_response_norm", "local_response_norm_grad_input", "log", "log_softmax", "log_softmax_grad_input", "matmul", "max",
    "max_grad_input", "max_pool2d", "max_pool2d_grad_input", "multiply", "negative", "pad", "pad_grad_input", "power", "relu",
    "relu_grad_input", "resample", "resample_grad_input", "sgd", "sigmoid", "sigmoid_grad_input", "sign", "softmax",
    "softmax_grad_input", "split", "sqrt", "subtract", "sum", "tanh", "tanh_grad_input",
]
