"""Kernels as expressions: arrays in, a new array out.

Autograd and the gradient formulas of `minicnn.functional` are written with these: `multiply(gradient, b)`, `divide(gradient, 2)`.
Shapes broadcast; a number as second operand takes the array's type.
"""
from functools import partial

import numpy as np

from minicnn.device import empty, is_number, kernels_for, on_host


def _unary(kernel, x):
    y = empty(x)
    getattr(kernels_for(x), kernel)(x, y)
    return y


def _binary(kernel, a, b):
    if on_host(b):
        b = np.asarray(b, a.dtype)
    y = empty(b if is_number(a) else a, a.shape if a.shape == b.shape or not b.ndim else _broadcast(kernel, a.shape, b.shape))
    getattr(kernels_for(a, b), kernel)(a, b, y)
    return y


def _broadcast(kernel, a, b):
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        raise ValueError(f"{kernel}: shapes {a} and {b} do not fit: counted from the last, sizes must be equal or 1") from None


def _reduction(kernel, x, axes):
    """Over `axes`, which keep size 1."""
    y = empty(x, tuple([1 if axis in axes else size for axis, size in enumerate(x.shape)]))
    getattr(kernels_for(x), kernel)(x, y, axes)
    return y


negative, exp, log, sqrt, absolute, sign = [
    partial(_unary, kernel) for kernel in ("negative", "exp", "log", "sqrt", "absolute", "sign")]
add, subtract, multiply, divide, power = [
    partial(_binary, kernel) for kernel in ("add", "subtract", "multiply", "divide", "power")]
sum, max = partial(_reduction, "sum"), partial(_reduction, "max")


def sum_to(x, shape):
    """Undo a broadcast from `shape`: sum over the axes along which values were repeated."""
    if x.shape == shape:
        return x
    added = x.ndim - len(shape)
    repeated = tuple(axis for axis in range(x.ndim) if axis < added or shape[axis - added] != x.shape[axis])
    return sum(x, repeated).reshape(shape)
