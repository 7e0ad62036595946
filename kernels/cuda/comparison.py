"""Comparisons number by number on a device: arrays of truth, of operands that are broadcast as in elementwise.py.

    a, b   arrays of one type on the device, or one of them a number
    y      bool, of the shape that they broadcast to
"""
import numpy as np
from numba import cuda, uint8

from .array import DeviceArray
from .broadcasting import Broadcast


def equal(a, b, y):
    """y = a == b"""
    _equal(_numbers(a), _numbers(b), _numbers(y))


def not_equal(a, b, y):
    """y = a != b"""
    _not_equal(_numbers(a), _numbers(b), _numbers(y))


def greater(a, b, y):
    """y = a > b"""
    _greater(_numbers(a), _numbers(b), _numbers(y))


def greater_equal(a, b, y):
    """y = a >= b"""
    _greater_equal(_numbers(a), _numbers(b), _numbers(y))


def less(a, b, y):
    """y = a < b"""
    _less(_numbers(a), _numbers(b), _numbers(y))


def less_equal(a, b, y):
    """y = a <= b"""
    _less_equal(_numbers(a), _numbers(b), _numbers(y))


def both(a, b, y):
    """y = a and b, arrays of truth."""
    _both(_numbers(a), _numbers(b), _numbers(y))


def either(a, b, y):
    """y = a or b, arrays of truth."""
    _either(_numbers(a), _numbers(b), _numbers(y))


def clear(x, where, y):
    """y = 0 where that is true, else x; `where` is broadcast to the shape of x."""
    _clear(x, _numbers(where), y)


def _numbers(array):
    """Truth as 0 and 1."""
    if isinstance(array, DeviceArray) and array.dtype == bool:
        return DeviceArray(array.machine, array.memory, array.address, array.shape, np.dtype("uint8"), array.strides)
    return array


@Broadcast
@cuda.jit(device=True)
def _equal(a, b):
    return uint8(a == b)


@Broadcast
@cuda.jit(device=True)
def _not_equal(a, b):
    return uint8(a != b)


@Broadcast
@cuda.jit(device=True)
def _greater(a, b):
    return uint8(a > b)


@Broadcast
@cuda.jit(device=True)
def _greater_equal(a, b):
    return uint8(a >= b)


@Broadcast
@cuda.jit(device=True)
def _less(a, b):
    return uint8(a < b)


@Broadcast
@cuda.jit(device=True)
def _less_equal(a, b):
    return uint8(a <= b)


@Broadcast
@cuda.jit(device=True)
def _both(a, b):
    return uint8(a & b)


@Broadcast
@cuda.jit(device=True)
def _either(a, b):
    return uint8(a | b)


@Broadcast
@cuda.jit(device=True)
def _clear(x, where):
    return x if where == 0 else type(x)(0)
