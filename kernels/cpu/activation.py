"""Activation functions in Numba: chunks of a flat array on all threads, and in each a loop of one line, which LLVM vectorises.

The bodies are functions of one chunk, so that a small array takes the same loop without waking threads. ReLU has kernels of its
own: who needs no other function need not wait until the others are compiled.
"""
import numba

from .chunks import CHUNK, chunk, count
from .compiler import inner, kernel
from .elementary import exp, tanh as tanh_of

_TANH, _SIGMOID = range(2)


def relu(x, y):
    """As kernels.reference.activation.relu."""
    _relu(x.reshape(-1), y.reshape(-1))


def relu_grad_input(grad_y, y, grad_x):
    """As kernels.reference.activation.relu_grad_input."""
    _relu_grad_input(grad_y.reshape(-1), y.reshape(-1), grad_x.reshape(-1))


def leaky_relu(x, y, slope):
    """As kernels.reference.activation.leaky_relu."""
    _leaky_relu(x.reshape(-1), x.reshape(-1), y.reshape(-1), x.dtype.type(slope))


def leaky_relu_grad_input(grad_y, y, grad_x, slope):
    """As kernels.reference.activation.leaky_relu_grad_input."""
    _leaky_relu(grad_y.reshape(-1), y.reshape(-1), grad_x.reshape(-1), grad_y.dtype.type(slope))


def tanh(x, y):
    """As kernels.reference.activation.tanh."""
    _squash(_TANH, x.reshape(-1), y.reshape(-1))


def tanh_grad_input(grad_y, y, grad_x):
    """As kernels.reference.activation.tanh_grad_input."""
    _squash_grad_input(_TANH, grad_y.reshape(-1), y.reshape(-1), grad_x.reshape(-1))


def sigmoid(x, y):
    """As kernels.reference.activation.sigmoid."""
    _squash(_SIGMOID, x.reshape(-1), y.reshape(-1))


def sigmoid_grad_input(grad_y, y, grad_x):
    """As kernels.reference.activation.sigmoid_grad_input."""
    _squash_grad_input(_SIGMOID, grad_y.reshape(-1), y.reshape(-1), grad_x.reshape(-1))


@kernel
def _relu(x, y):
    if x.size <= CHUNK:
        _relu_chunk(x, y)
    else:
        for i in numba.prange(count(x.size)):
            _relu_chunk(chunk(x, i), chunk(y, i))


@inner
def _relu_chunk(x, y):
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = zero if x[i] < zero else x[i]   # asked this way round, NaN stays


@kernel
def _relu_grad_input(grad_y, y, grad_x):
    if y.size <= CHUNK:
        _relu_grad_input_chunk(grad_y, y, grad_x)
    else:
        for i in numba.prange(count(y.size)):
            _relu_grad_input_chunk(chunk(grad_y, i), chunk(y, i), chunk(grad_x, i))


@inner
def _relu_grad_input_chunk(grad_y, y, grad_x):
    zero = y.dtype.type(0)
    for i in range(y.size):
        grad_x[i] = zero if y[i] <= zero else grad_y[i]


@kernel
def _leaky_relu(values, signs, results, slope):
    """results = values where signs > 0, else slope values: ReLU itself and its gradient alike."""
    if values.size <= CHUNK:
        _leaky_relu_chunk(values, signs, results, slope)
    else:
        for i in numba.prange(count(values.size)):
            _leaky_relu_chunk(chunk(values, i), chunk(signs, i), chunk(results, i), slope)


@inner
def _leaky_relu_chunk(values, signs, results, slope):
    zero = values.dtype.type(0)
    for i in range(values.size):
        results[i] = values[i] if signs[i] > zero else slope * values[i]


@kernel
def _squash(function, x, y):
    if x.size <= CHUNK:
        _squash_chunk(function, x, y)
    else:
        for i in numba.prange(count(x.size)):
            _squash_chunk(function, chunk(x, i), chunk(y, i))


@inner
def _squash_chunk(function, x, y):
    one = x.dtype.type(1)
    if function == _TANH:
        for i in range(x.size):
            y[i] = tanh_of(x[i])
    else:
        for i in range(x.size):
            y[i] = one / (one + exp(-x[i]))   # for very negative x: 1 / infinity


@kernel
def _squash_grad_input(function, grad_y, y, grad_x):
    if y.size <= CHUNK:
        _squash_grad_input_chunk(function, grad_y, y, grad_x)
    else:
        for i in numba.prange(count(y.size)):
            _squash_grad_input_chunk(function, chunk(grad_y, i), chunk(y, i), chunk(grad_x, i))


@inner
def _squash_grad_input_chunk(function, grad_y, y, grad_x):
    one = y.dtype.type(1)
    if function == _TANH:
        for i in range(y.size):
            grad_x[i] = grad_y[i] * (one - y[i] * y[i])
    else:
        for i in range(y.size):
            grad_x[i] = grad_y[i] * y[i] * (one - y[i])
