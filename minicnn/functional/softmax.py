"""Softmax and its logarithm, made differentiable."""
import math

from minicnn.autograd import Function
from minicnn.device import empty, kernels_for
from minicnn.functional import arguments


class OverRows(Function):
    """Over the last axis. Keeps its output, from which its slope can be told; `kernel` is the name of the kernel."""

    def forward(self, x):
        self.y = empty(x)
        getattr(kernels_for(x), self.kernel)(_rows(x), _rows(self.y))
        return self.y

    def backward(self, gradient):
        grad_x = empty(gradient)
        getattr(kernels_for(gradient), f"{self.kernel}_grad_input")(_rows(gradient), _rows(self.y), _rows(grad_x))
        return (grad_x,)


class Softmax(OverRows):
    kernel = "softmax"


class LogSoftmax(OverRows):
    kernel = "log_softmax"


def _rows(array):
    """An array as a matrix whose rows are its last axis."""
    return array.reshape(math.prod(array.shape[:-1]), array.shape[-1])


def softmax(x, dim):
    """exp(x) / sum of exp(x) along axis `dim`: probabilities. As torch.nn.functional.softmax."""
    return _along(dim, "softmax", Softmax(), x)


def log_softmax(x, dim):
    """log(softmax(x)) along axis `dim`, exact also where softmax rounds to 0. As torch.nn.functional.log_softmax."""
    return _along(dim, "log_softmax", LogSoftmax(), x)


def _along(dim, name, function, x):
    dim = arguments.axis(name, dim, x.ndim)
    if dim == x.ndim - 1:
        return function(x)
    return function(x.transpose(dim, -1)).transpose(dim, -1)
