"""Sums and maxima over some axes of an array. y has the shape of x with those axes of size 1."""
import numpy as np


def sum(x, y, axes):
    """y = the sum of x over the axes, a tuple; an empty sum is 0"""
    np.sum(x, axis=axes, keepdims=True, out=y)


def max(x, y, axes):
    """y = the maximum of x over the axes; NaN where there is one among the numbers"""
    np.max(x, axis=axes, keepdims=True, out=y)


def max_grad_input(grad_y, x, y, grad_x, axes):
    """grad_x = grad_y / m at each of the m places where x is the maximum y, else 0; NaN where the maximum is."""
    equal = x == y
    grad_x[...] = equal * (grad_y / equal.sum(axis=axes, keepdims=True, dtype=x.dtype))
