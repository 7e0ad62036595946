"""Every kernel in plain NumPy: its definition. Files, names and arguments are those of kernels.cpu."""
from .activation import relu, relu_grad_input, sigmoid, sigmoid_grad_input, tanh, tanh_grad_input
from .concatenation import concatenate, split
from .convolution import conv2d, conv2d_grad_input, conv2d_grad_weight
from .elementwise import absolute, add, divide, exp, log, multiply, negative, power, sign, sqrt, subtract
from .matmul import matmul
from .optimizer import adam, sgd
from .padding import pad, pad_grad_input
from .pooling import avg_pool2d, avg_pool2d_grad_input, max_pool2d, max_pool2d_grad_input
from .random import dropout
from .reduction import max, max_grad_input, sum
from .resampling import resample, resample_grad_input
from .softmax import cross_entropy, cross_entropy_grad_input, log_softmax, log_softmax_grad_input, softmax, softmax_grad_input

__all__ = [
    "absolute", "adam", "add", "avg_pool2d", "avg_pool2d_grad_input", "concatenate", "conv2d", "conv2d_grad_input",
    "conv2d_grad_weight", "cross_entropy", "cross_entropy_grad_input", "divide", "dropout", "exp", "log", "log_softmax",
    "log_softmax_grad_input", "matmul", "max", "max_grad_input", "max_pool2d", "max_pool2d_grad_input", "multiply", "negative",
    "pad", "pad_grad_input", "power", "relu", "relu_grad_input", "resample", "resample_grad_input", "sgd", "sigmoid",
    "sigmoid_grad_input", "sign", "softmax", "softmax_grad_input", "split", "sqrt", "subtract", "sum", "tanh", "tanh_grad_input",
]
