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
    _add(a, b, y)


def subtract(a, b, y):
    """As kernels.reference.elementwise.subtract."""
    _subtract(a, b, y)


def multiply(a, b, y):
    """As kernels.reference.elementwise.multiply."""
    _multiply(a, b, y)


def divide(a, b, y):
    """As kernels.reference.elementwise.divide."""
    _divide(a, b, y)


def power(a, b, y):
    """As kernels.reference.elementwise.power. The square, by far the most frequent, is a product."""
    if not hasattr(b, "machine") and b == 2:
        _multiply(a, a, y)
    else:
        _power(a, b, y)


def negative(x, y):
    """As kernels.reference.elementwise.negative."""
    _negative(x, y)


def exp(x, y):
    """As kernels.reference.elementwise.exp."""
    _exp(x, y)


def log(x, y):
    """As kernels.reference.elementwise.log."""
    _log(x, y)


def sqrt(x, y):
    """As kernels.reference.elementwise.sqrt."""
    _sqrt(x, y)


def absolute(x, y):
    """As kernels.reference.elementwise.absolute."""
    _absolute(x, y)


def sign(x, y):
    """As kernels.reference.elementwise.sign."""
    _sign(x, y)


@Broadcast
@cuda.jit(device=True)
def _add(a, b):
    return a + b


@Broadcast
@cuda.jit(device=True)
def _subtract(a, b):
    return a - b


@Broadcast
@cuda.jit(device=True)
def _multiply(a, b):
    return a * b


@Broadcast
@cuda.jit(device=True)
def _divide(a, b):
    return a / b


@Broadcast
@cuda.jit(device=True)
def _power(a, b):
    return a * a if b == type(b)(2) else math.pow(a, b)


@OfOne
@cuda.jit(device=True)
def _negative(x):
    return -x


@OfOne
@cuda.jit(device=True)
def _exp(x):
    return math.exp(x)


@OfOne
@cuda.jit(device=True)
def _log(x):
    return math.log(x)


@OfOne
@cuda.jit(device=True)
def _sqrt(x):
    return math.sqrt(x)


@OfOne
@cuda.jit(device=True)
def _absolute(x):
    return math.fabs(x)


@OfOne
@cuda.jit(device=True)
def _sign(x):
    zero, one = type(x)(0), type(x)(1)
    return one if x > zero else (-one if x < zero else zero)
