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
    _EQUAL(_numbers(a), _numbers(b), _numbers(y))


def not_equal(a, b, y):
    """y = a != b"""
    _NOT_EQUAL(_numbers(a), _numbers(b), _numbers(y))


def greater(a, b, y):
    """y = a > b"""
    _GREATER(_numbers(a), _numbers(b), _numbers(y))


def greater_equal(a, b, y):
    """y = a >= b"""
    _GREATER_EQUAL(_numbers(a), _numbers(b), _numbers(y))


def less(a, b, y):
    """y = a < b"""
    _LESS(_numbers(a), _numbers(b), _numbers(y))


def less_equal(a, b, y):
    """y = a <= b"""
    _LESS_EQUAL(_numbers(a), _numbers(b), _numbers(y))


def both(a, b, y):
    """y = a and b, arrays of truth."""
    _BOTH(_numbers(a), _numbers(b), _numbers(y))


def either(a, b, y):
    """y = a or b, arrays of truth."""
    _EITHER(_numbers(a), _numbers(b), _numbers(y))


def clear(x, where, y):
    """y = 0 where that is true, else x; `where` is broadcast to the shape of x."""
    _CLEAR(x, _numbers(where), y)


def _numbers(array):
    """Truth as 0 and 1."""
    if isinstance(array, DeviceArray) and array.dtype == bool:
        return DeviceArray(array.machine, array.memory, array.address, array.shape, np.dtype("uint8"), array.strides)
    return array


@Broadcast
@cuda.jit(device=True)
def _EQUAL(a, b):
    return uint8(a == b)


@Broadcast
@cuda.jit(device=True)
def _NOT_EQUAL(a, b):
    return uint8(a != b)


@Broadcast
@cuda.jit(device=True)
def _GREATER(a, b):
    return uint8(a > b)


@Broadcast
@cuda.jit(device=True)
def _GREATER_EQUAL(a, b):
    return uint8(a >= b)


@Broadcast
@cuda.jit(device=True)
def _LESS(a, b):
    return uint8(a < b)


@Broadcast
@cuda.jit(device=True)
def _LESS_EQUAL(a, b):
    return uint8(a <= b)


@Broadcast
@cuda.jit(device=True)
def _BOTH(a, b):
    return uint8(a & b)


@Broadcast
@cuda.jit(device=True)
def _EITHER(a, b):
    return uint8(a | b)


@Broadcast
@cuda.jit(device=True)
def _CLEAR(x, where):
    return x if where == 0 else type(x)(0)
