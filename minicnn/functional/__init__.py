"""Differentiable functions of tensors: one file for each file of kernels, and what only moves data in `shape`.

Here autograd meets the kernels, and here arguments are checked. Names, argument order, defaults and results are PyTorch's;
where one differs, its docstring says so.
"""
from minicnn.functional.activation import leaky_relu, relu, relu_rule, sigmoid, tanh
from minicnn.functional.adaptive_pooling import adaptive_avg_pool2d, adaptive_max_pool2d
from minicnn.functional.concatenation import cat, stack
from minicnn.functional.convolution import conv2d, conv_transpose2d
from minicnn.functional.elementwise import absolute, add, divide, exp, log, multiply, negative, power, sqrt, subtract
from minicnn.functional.loss import cross_entropy, mse_loss
from minicnn.functional.matmul import linear, matmul
from minicnn.functional.normalization import batch_norm, local_response_norm
from minicnn.functional.padding import pad
from minicnn.functional.pooling import avg_pool2d, max_pool2d
from minicnn.functional.random import dropout
from minicnn.functional.reduction import amax, argmax, max, mean, sum
from minicnn.functional.resampling import interpolate
from minicnn.functional.shape import cast, clone, flatten, index, permute, reshape, squeeze, to_device, transpose, unsqueeze
from minicnn.functional.softmax import log_softmax, softmax

__all__ = ["absolute", "adaptive_avg_pool2d", "adaptive_max_pool2d", "add", "amax", "argmax", "avg_pool2d", "batch_norm",
           "cast", "cat", "clone", "conv2d", "conv_transpose2d", "cross_entropy", "divide", "dropout", "exp", "flatten",
           "index", "interpolate", "leaky_relu", "linear", "local_response_norm", "log", "log_softmax", "matmul", "max",
           "max_pool2d", "mean", "mse_loss", "multiply", "negative", "pad", "permute", "power", "relu", "relu_rule", "reshape", "sigmoid",
           "softmax", "sqrt", "squeeze", "stack", "subtract", "sum", "tanh", "to_device", "transpose", "unsqueeze"]
