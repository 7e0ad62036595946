"""Activations on a device: functions of a number, of which pointwise.py makes kernels."""
import math

from numba import cuda

from .pointwise import OfOne, OfOneAndNumber, OfTwo


def relu(x, y):
    """As kernels.reference.activation.relu."""
    _relu(x, y)


def relu_grad_input(grad_y, y, grad_x):
    """As kernels.reference.activation.relu_grad_input."""
    _relu_grad(grad_y, y, grad_x)


def leaky_relu(x, y, slope):
    """As kernels.reference.activation.leaky_relu."""
    _leaky_relu(x, slope, y)


def leaky_relu_grad_input(grad_y, y, grad_x, slope):
    """As kernels.reference.activation.leaky_relu_grad_input."""
    _leaky_relu_grad(grad_y, y, grad_x, slope)


def tanh(x, y):
    """As kernels.reference.activation.tanh."""
    _tanh(x, y)


def tanh_grad_input(grad_y, y, grad_x):
    """As kernels.reference.activation.tanh_grad_input."""
    _tanh_grad(grad_y, y, grad_x)


def sigmoid(x, y):
    """As kernels.reference.activation.sigmoid."""
    _sigmoid(x, y)


def sigmoid_grad_input(grad_y, y, grad_x):
    """As kernels.reference.activation.sigmoid_grad_input."""
    _sigmoid_grad(grad_y, y, grad_x)


@OfOne
@cuda.jit(device=True)
def _relu(x):
    zero = type(x)(0)
    return zero if x <= zero else x   # asked this way round, NaN stays


@OfTwo
@cuda.jit(device=True)
def _relu_grad(grad_y, y):
    zero = type(y)(0)
    return zero if y <= zero else grad_y


@OfOneAndNumber
@cuda.jit(device=True)
def _leaky_relu(x, slope):
    return x if x > type(x)(0) else slope * x


@OfTwo
@cuda.jit(device=True)
def _leaky_relu_grad(grad_y, y, slope):
    return grad_y if y > type(y)(0) else slope * grad_y


@OfOne
@cuda.jit(device=True)
def _tanh(x):
    return math.tanh(x)


@OfTwo
@cuda.jit(device=True)
def _tanh_grad(grad_y, y):
    return grad_y * (type(y)(1) - y * y)


@OfOne
@cuda.jit(device=True)
def _sigmoid(x):
    one = type(x)(1)
    return one / (one + math.exp(-x))   # for very negative x: 1 / infinity


@OfTwo
@cuda.jit(device=True)
def _sigmoid_grad(grad_y, y):
    return grad_y * y * (type(y)(1) - y)
