"""Optimiser steps in Numba: each number of a parameter and of its state is read and written once."""
import numba
import numpy as np

from .chunks import CHUNK, chunk, count
from .compiler import inner, kernel

_PLAIN, _MOMENTUM, _NESTEROV = range(3)


def sgd(parameter, gradient, velocity, lr, momentum, weight_decay, nesterov):
    """As kernels.reference.optimizer.sgd."""
    if velocity is None:
        form, velocity = _PLAIN, parameter   # not touched in this form
    else:
        form = _NESTEROV if nesterov else _MOMENTUM
    _sgd(form, parameter.reshape(-1), gradient.reshape(-1), velocity.reshape(-1), float(lr), float(momentum), float(weight_decay))


def adam(parameter, gradient, mean, square, lr, beta1, beta2, epsilon, weight_decay, step):
    """As kernels.reference.optimizer.adam; the corrections for the start are worked out once."""
    _adam(parameter.reshape(-1), gradient.reshape(-1), mean.reshape(-1), square.reshape(-1), lr / (1 - beta1 ** step),
          float(beta1), float(beta2), float(epsilon), float(weight_decay), (1 - beta2 ** step) ** -0.5)


@kernel
def _sgd(form, parameter, gradient, velocity, lr, momentum, weight_decay):
    if parameter.size <= CHUNK:
        _sgd_chunk(form, parameter, gradient, velocity, lr, momentum, weight_decay)
    else:
        for i in numba.prange(count(parameter.size)):
            _sgd_chunk(form, chunk(parameter, i), chunk(gradient, i), chunk(velocity, i), lr, momentum, weight_decay)


@inner
def _sgd_chunk(form, parameter, gradient, velocity, lr, momentum, weight_decay):
    number = parameter.dtype.type
    lr, momentum, weight_decay = number(lr), number(momentum), number(weight_decay)
    if form == _PLAIN:
        for i in range(parameter.size):
            parameter[i] -= lr * (gradient[i] + weight_decay * parameter[i])
    elif form == _MOMENTUM:
        for i in range(parameter.size):
            velocity[i] = momentum * velocity[i] + (gradient[i] + weight_decay * parameter[i])
            parameter[i] -= lr * velocity[i]
    else:
        for i in range(parameter.size):
            step = gradient[i] + weight_decay * parameter[i]
            velocity[i] = momentum * velocity[i] + step
            parameter[i] -= lr * (step + momentum * velocity[i])


@kernel
def _adam(parameter, gradient, mean, square, lr, beta1, beta2, epsilon, weight_decay, square_scale):
    if parameter.size <= CHUNK:
        _adam_chunk(parameter, gradient, mean, square, lr, beta1, beta2, epsilon, weight_decay, square_scale)
    else:
        for i in numba.prange(count(parameter.size)):
            _adam_chunk(chunk(parameter, i), chunk(gradient, i), chunk(mean, i), chunk(square, i),
                        lr, beta1, beta2, epsilon, weight_decay, square_scale)


@inner
def _adam_chunk(parameter, gradient, mean, square, lr, beta1, beta2, epsilon, weight_decay, square_scale):
    """parameter -= lr mean / (square_scale sqrt(square) + epsilon), once mean and square are up to date."""
    number = parameter.dtype.type
    lr, epsilon, weight_decay, square_scale = number(lr), number(epsilon), number(weight_decay), number(square_scale)
    keep_mean, keep_square, add_mean, add_square = number(beta1), number(beta2), number(1 - beta1), number(1 - beta2)
    for i in range(parameter.size):
        g = gradient[i] + weight_decay * parameter[i]
        mean[i] = keep_mean * mean[i] + add_mean * g
        square[i] = keep_square * square[i] + add_square * g * g
        parameter[i] -= lr * mean[i] / (square_scale * np.sqrt(square[i]) + epsilon)
