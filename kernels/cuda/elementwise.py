"""Arithmetic number by number on a device: functions of numbers, of which pointwise.py and broadcasting.py make kernels.

Where the reference takes arrays a and b, one of them may be a number: a Python or NumPy number, or a numpy.ndarray without axes. It goes
along with the launch, and need not be brought to the device.
"""
import math

from numba import cuda

from .broadcasting import Broadcast
from .pointwise import OfOne


def add(a, b, y):
    """As kernels.reference.elementwise.add."""
    _ADD(a, b, y)


def subtract(a, b, y):
    """As kernels.reference.elementwise.subtract."""
    _SUBTRACT(a, b, y)


def multiply(a, b, y):
    """As kernels.reference.elementwise.multiply."""
    _MULTIPLY(a, b, y)


def divide(a, b, y):
    """As kernels.reference.elementwise.divide."""
    _DIVIDE(a, b, y)


def power(a, b, y):
    """As kernels.reference.elementwise.power. The square, by far the most frequent, is a product."""
    if not hasattr(b, "machine") and b == 2:
        _MULTIPLY(a, a, y)
    else:
        _POWER(a, b, y)


def negative(x, y):
    """As kernels.reference.elementwise.negative."""
    _NEGATIVE(x, y)


def exp(x, y):
    """As kernels.reference.elementwise.exp."""
    _EXP(x, y)


def log(x, y):
    """As kernels.reference.elementwise.log."""
    _LOG(x, y)


def sqrt(x, y):
    """As kernels.reference.elementwise.sqrt."""
    _SQRT(x, y)


def absolute(x, y):
    """As kernels.reference.elementwise.absolute."""
    _ABSOLUTE(x, y)


def sign(x, y):
    """As kernels.reference.elementwise.sign."""
    _SIGN(x, y)


@Broadcast
@cuda.jit(device=True)
def _ADD(a, b):
    return a + b


@Broadcast
@cuda.jit(device=True)
def _SUBTRACT(a, b):
    return a - b


@Broadcast
@cuda.jit(device=True)
def _MULTIPLY(a, b):
    return a * b


@Broadcast
@cuda.jit(device=True)
def _DIVIDE(a, b):
    return a / b


@Broadcast
@cuda.jit(device=True)
def _POWER(a, b):
    return a * a if b == type(b)(2) else math.pow(a, b)


@OfOne
@cuda.jit(device=True)
def _NEGATIVE(x):
    return -x


@OfOne
@cuda.jit(device=True)
def _EXP(x):
    return math.exp(x)


@OfOne
@cuda.jit(device=True)
def _LOG(x):
    return math.log(x)


@OfOne
@cuda.jit(device=True)
def _SQRT(x):
    return math.sqrt(x)


@OfOne
@cuda.jit(device=True)
def _ABSOLUTE(x):
    return math.fabs(x)


@OfOne
@cuda.jit(device=True)
def _SIGN(x):
    zero, one = type(x)(0), type(x)(1)
    return one if x > zero else (-one if x < zero else zero)
