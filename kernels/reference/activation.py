"""Activation functions by their definitions: x, y and their gradients are arrays of one shape, whatever it is.

A gradient needs only the output y: it is grad_x = grad_y dy/dx, and dy/dx of all of them can be said in y.
"""
import numpy as np


def relu(x, y):
    """y = max(x, 0); NaN stays NaN."""
    np.maximum(x, 0, out=y)


def relu_grad_input(grad_y, y, grad_x):
    """grad_x = grad_y where y > 0 (or NaN), else 0."""
    grad_x[...] = np.where(y <= 0, 0, grad_y)


def leaky_relu(x, y, slope):
    """y = x where x > 0, else slope x; the slope is not negative, so that y has the sign of x (Maas et al., ICML 2013 workshop)."""
    y[...] = np.where(x > 0, x, slope * x)


def leaky_relu_grad_input(grad_y, y, grad_x, slope):
    """grad_x = grad_y where y > 0, else slope grad_y."""
    grad_x[...] = np.where(y > 0, grad_y, slope * grad_y)


def tanh(x, y):
    """y = (e^x - e^-x) / (e^x + e^-x)"""
    np.tanh(x, out=y)


def tanh_grad_input(grad_y, y, grad_x):
    """grad_x = grad_y (1 - y^2)"""
    grad_x[...] = grad_y * (1 - y * y)


def sigmoid(x, y):
    """y = 1 / (1 + e^-x), from e^-|x| so that nothing overflows."""
    small = np.exp(-np.abs(x))
    y[...] = np.where(x >= 0, 1, small) / (1 + small)


def sigmoid_grad_input(grad_y, y, grad_x):
    """grad_x = grad_y y (1 - y)"""
    grad_x[...] = grad_y * y * (1 - y)
