"""Arithmetic number by number. Two operands are broadcast against each other, and y has the shape they broadcast to."""
import numpy as np


def add(a, b, y):
    """y = a + b"""
    np.add(a, b, out=y)


def subtract(a, b, y):
    """y = a - b"""
    np.subtract(a, b, out=y)


def multiply(a, b, y):
    """y = a b"""
    np.multiply(a, b, out=y)


def divide(a, b, y):
    """y = a / b; x / 0 is an infinity, 0 / 0 is NaN"""
    np.divide(a, b, out=y)


def power(a, b, y):
    """y = a^b; NaN for a negative a and a b that is no integer"""
    np.power(a, b, out=y)


def negative(x, y):
    """y = -x"""
    np.negative(x, out=y)


def exp(x, y):
    """y = e^x"""
    np.exp(x, out=y)


def log(x, y):
    """y = the natural logarithm of x; -infinity for 0, NaN below"""
    np.log(x, out=y)


def sqrt(x, y):
    """y = the square root of x; NaN below 0"""
    np.sqrt(x, out=y)


def absolute(x, y):
    """y = |x|"""
    np.absolute(x, out=y)


def sign(x, y):
    """y = 1 where x > 0, -1 where x < 0, else 0 (for NaN as well, as PyTorch has it)"""
    y[...] = (x > 0) * 1 - (x < 0) * 1
