"""Reductions, made differentiable: `dim` is an axis, a tuple of axes, or None for all."""
import collections
import math

import numpy as np

from minicnn import arithmetic
from minicnn.autograd import Function
from minicnn.device import as_array, broadcast, empty, kernels_for, on_host
from minicnn.functional import arguments
from minicnn.tensor import FLOATING, Tensor


class Sum(Function):
    """The gradient of a sum goes to each of its terms. `divisor` makes a mean of it."""

    def __init__(self, axes, keepdim, divisor=None):
        self.axes, self.keepdim, self.divisor = axes, keepdim, divisor

    def forward(self, x):
        y = arithmetic.sum(x, self.axes)
        self.kept_shape = y.shape
        if self.divisor is not None:
            y = divided(y, self.divisor)
        return y if self.keepdim else _without(self.axes, y)

    def backward(self, gradient):
        if self.divisor is not None:
            gradient = divided(gradient, self.divisor)
        return (broadcast(gradient.reshape(self.kept_shape), self.input_shapes[0]),)


class Max(Function):
    """The gradient of a maximum goes to where it was; equal maxima share it."""

    def __init__(self, axes, keepdim):
        self.axes, self.keepdim = axes, keepdim

    def forward(self, x):
        self.x, self.y = x, arithmetic.max(x, self.axes)
        return self.y if self.keepdim else _without(self.axes, self.y)

    def backward(self, gradient):
        grad_x = empty(self.x)
        kernels_for(gradient).max_grad_input(gradient.reshape(self.y.shape), self.x, self.y, grad_x, self.axes)
        return (grad_x,)


def divided(array, divisor):
    """A single number, such as a loss, is divided on the spot: every training step does it, and a kernel would cost more than it."""
    if array.size > 1 or not on_host(array):
        return arithmetic.divide(array, divisor)
    if divisor:
        return np.asarray(array / divisor, array.dtype)
    with np.errstate(divide="ignore", invalid="ignore"):   # the mean of nothing is NaN
        return np.asarray(array / divisor, array.dtype)


def _without(axes, y):
    """y without the axes of size 1 that a reduction leaves behind."""
    return y.reshape([size for axis, size in enumerate(y.shape) if axis not in axes])


def sum(x, dim=None, keepdim=False):
    """As torch.sum: integers and booleans add up to int64."""
    axes = arguments.axes("sum", dim, x.ndim)
    if x.dtype not in FLOATING:
        return Tensor(as_array(x.settle().sum(axes, keepdims=keepdim, dtype=np.int64)))
    return Sum(axes, keepdim)(x)


def mean(x, dim=None, keepdim=False):
    """As torch.mean."""
    axes = arguments.axes("mean", dim, x.ndim)
    return Sum(axes, keepdim, divisor=_count(x, axes))(x)


def amax(x, dim=None, keepdim=False):
    """The largest value over the axes. As torch.amax: equal maxima share the gradient evenly."""
    axes = arguments.axes("amax", dim, x.ndim)
    if not _count(x, axes):
        raise ValueError(f"amax: x {x.shape} has nothing along dim {dim} to choose from")
    return Max(axes, keepdim)(x)


Maximum = collections.namedtuple("Maximum", "values indices")


def max(x, dim=None, keepdim=False):
    """As torch.max: without `dim` the largest of all; with an axis `dim`, a pair: values, and where each was (the first).

    The gradient is that of `amax`.
    """
    if dim is None:
        return amax(x)
    return Maximum(amax(x, dim, keepdim), argmax(x, dim, keepdim))


def argmax(x, dim=None, keepdim=False):
    """Where along axis `dim` the largest value is, the first one; without `dim`, where in x.flatten(). As torch.argmax."""
    if dim is not None:
        dim = arguments.axis("argmax", dim, x.ndim)
    if not x.numel():
        raise ValueError(f"argmax: x {x.shape} is empty")
    return Tensor(as_array(x.settle().argmax(dim, keepdims=keepdim)))


def _count(x, axes):
    """How many elements are reduced to one."""
    return math.prod([x.shape[axis] for axis in axes])
