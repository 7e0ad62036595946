"""Softmax and cross entropy in Numba: each row is a few loops that LLVM vectorises, with the exponential of elementary.py."""
import numba
import numpy as np

from .chunks import CHUNK
from .compiler import inner, kernel
from .elementary import exp, maximum


@kernel
def softmax(x, y):
    """As kernels.reference.softmax.softmax."""
    if x.size <= CHUNK:
        for n in range(len(x)):
            _softmax_row(x[n], y[n])
    else:
        for n in numba.prange(len(x)):
            _softmax_row(x[n], y[n])


@kernel
def softmax_grad_input(grad_y, y, grad_x):
    """As kernels.reference.softmax.softmax_grad_input."""
    if y.size <= CHUNK:
        for n in range(len(y)):
            _softmax_grad_input_row(grad_y[n], y[n], grad_x[n])
    else:
        for n in numba.prange(len(y)):
            _softmax_grad_input_row(grad_y[n], y[n], grad_x[n])


@kernel
def log_softmax(x, y):
    """As kernels.reference.softmax.log_softmax."""
    if x.size <= CHUNK:
        for n in range(len(x)):
            _log_softmax_row(x[n], y[n])
    else:
        for n in numba.prange(len(x)):
            _log_softmax_row(x[n], y[n])


@kernel
def log_softmax_grad_input(grad_y, y, grad_x):
    """As kernels.reference.softmax.log_softmax_grad_input."""
    if y.size <= CHUNK:
        for n in range(len(y)):
            _log_softmax_grad_input_row(grad_y[n], y[n], grad_x[n])
    else:
        for n in numba.prange(len(y)):
            _log_softmax_grad_input_row(grad_y[n], y[n], grad_x[n])


def cross_entropy(logits, labels, losses, probabilities, label_smoothing, ignore_index):
    """As kernels.reference.softmax.cross_entropy."""
    _cross_entropy(logits, labels, losses, probabilities, float(label_smoothing), ignore_index)


def cross_entropy_grad_input(grad_losses, probabilities, labels, grad_logits, label_smoothing, ignore_index):
    """As kernels.reference.softmax.cross_entropy_grad_input."""
    _cross_entropy_grad_input(grad_losses, probabilities, labels, grad_logits, float(label_smoothing), ignore_index)


@kernel
def _cross_entropy(logits, labels, losses, probabilities, label_smoothing, ignore_index):
    if logits.size <= CHUNK:
        for n in range(len(logits)):
            losses[n] = _cross_entropy_row(logits[n], labels[n], probabilities[n], label_smoothing, ignore_index)
    else:
        for n in numba.prange(len(logits)):
            losses[n] = _cross_entropy_row(logits[n], labels[n], probabilities[n], label_smoothing, ignore_index)


@kernel
def _cross_entropy_grad_input(grad_losses, probabilities, labels, grad_logits, label_smoothing, ignore_index):
    if probabilities.size <= CHUNK:
        for n in range(len(labels)):
            _cross_entropy_grad_input_row(grad_losses[n], probabilities[n], labels[n], grad_logits[n], label_smoothing,
                                          ignore_index)
    else:
        for n in numba.prange(len(labels)):
            _cross_entropy_grad_input_row(grad_losses[n], probabilities[n], labels[n], grad_logits[n], label_smoothing,
                                          ignore_index)


@inner
def _softmax_row(x, y):
    """y = softmax(x); returns log(sum over k of e^x[k])."""
    greatest = x[0]
    for k in range(x.size):
        greatest = maximum(greatest, x[k])
    for k in range(x.size):
        y[k] = exp(x[k] - greatest)
    total = x.dtype.type(0)
    for k in range(x.size):
        total += y[k]
    scale = x.dtype.type(1) / total
    for k in range(x.size):
        y[k] *= scale
    return greatest + np.log(total)


@inner
def _softmax_grad_input_row(grad_y, y, grad_x):
    product = y.dtype.type(0)
    for k in range(y.size):
        product += grad_y[k] * y[k]
    for k in range(y.size):
        grad_x[k] = y[k] * (grad_y[k] - product)


@inner
def _log_softmax_row(x, y):
    greatest = x[0]
    for k in range(x.size):
        greatest = maximum(greatest, x[k])
    total = x.dtype.type(0)
    for k in range(x.size):
        total += exp(x[k] - greatest)
    logarithm = np.log(total)
    for k in range(x.size):
        y[k] = x[k] - greatest - logarithm


@inner
def _log_softmax_grad_input_row(grad_y, y, grad_x):
    total = y.dtype.type(0)
    for k in range(y.size):
        total += grad_y[k]
    for k in range(y.size):
        grad_x[k] = grad_y[k] - exp(y[k]) * total


@inner
def _cross_entropy_row(logits, label, probabilities, label_smoothing, ignore_index):
    """The loss of one row; probabilities are written."""
    logarithm = _softmax_row(logits, probabilities)
    if label == ignore_index:
        return logits.dtype.type(0)
    loss = (1 - label_smoothing) * (logarithm - logits[label])
    if label_smoothing > 0:   # without it, a logit of minus infinity would make 0 times infinity
        total = 0.0   # in double precision, and of the logits alone: logarithm - logits[k] are about equal, so are their roundings
        for k in range(logits.size):
            total += logits[k]
        loss += label_smoothing * (logarithm - total / logits.size)
    return logits.dtype.type(loss)


@inner
def _cross_entropy_grad_input_row(grad_loss, probabilities, label, grad_logits, label_smoothing, ignore_index):
    number = probabilities.dtype.type
    if label == ignore_index:
        grad_loss = number(0)
    others = number(label_smoothing / probabilities.size)
    for k in range(probabilities.size):
        grad_logits[k] = (probabilities[k] - others) * grad_loss
    if label != ignore_index:
        grad_logits[label] -= number(1 - label_smoothing) * grad_loss
