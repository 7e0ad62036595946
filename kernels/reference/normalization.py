"""Normalisation by its definition, in plain NumPy.

    x, y, residual and gradients of these   (N, C, ...)   N images or rows of C channels; what follows are positions, if anything does
    mean, variance, weight, bias, ...       (C,)          a number for each channel
"""
import numpy as np


def batch_statistics(x, mean, variance):
    """mean[c] = mean of x[:, c], variance[c] = mean of (x[:, c] - mean[c])^2, over all images and positions; NaN if there are none."""
    axes = _all_but_channels(x)
    count = np.float64(x.size // max(1, len(mean)))   # nothing divided by nothing is NaN
    mean[...] = x.sum(axis=axes) / count
    variance[...] = ((x - _spread(mean, x)) ** 2).sum(axis=axes) / count


def batch_norm(x, mean, variance, weight, bias, residual, y, epsilon, rectify):
    """y = weight (x - mean) / sqrt(variance + epsilon) + bias + residual, and then max(y, 0) if `rectify`; NaN stays NaN.

    Weight, bias and residual may be None: 1, 0 and 0. Ioffe & Szegedy, "Batch normalization" (ICML 2015); addition and
    rectification follow in residual networks (He et al., CVPR 2016), and go along here.
    """
    scale = (1 if weight is None else weight) / np.sqrt(variance + epsilon)
    values = (x - _spread(mean, x)) * _spread(scale, x)
    if bias is not None:
        values = values + _spread(bias, x)
    if residual is not None:
        values = values + residual
    y[...] = np.maximum(values, 0) if rectify else values


def batch_norm_training(x, weight, bias, residual, mean, variance, y, epsilon, rectify, running_mean=None, running_variance=None,
                        batches=None, momentum=0.0):
    """Both at once: mean and variance are written as `batch_statistics` has them, y as `batch_norm` has it with those.

    What is given of the rest is changed in place, for a batch with more than one number a channel:

        running_mean += momentum (mean - running_mean)
        running_variance += momentum (variance count / (count - 1) - running_variance)   without bias: count numbers were measured
        batches += 1                                                                     int64, without axes
    """
    batch_statistics(x, mean, variance)
    batch_norm(x, mean, variance, weight, bias, residual, y, epsilon, rectify)
    if running_mean is not None:
        running_mean += momentum * (mean - running_mean)
    if running_variance is not None:
        count = x.size // len(mean)
        running_variance += momentum * (variance * (count / (count - 1)) - running_variance)
    if batches is not None:
        batches += 1


def batch_norm_grad(grad_y, x, mean, variance, weight, y, grad_x, grad_weight, grad_bias, grad_residual, epsilon, training):
    """The gradients of `batch_norm`, or of `batch_norm_training` if `training`: there mean and variance depend on x as well.

    y is None if it was not rectified. Of the outputs those may be None that are not wanted. With
    g = grad_y where y > 0 (or NaN), else 0, n = (x - mean) / s, s = sqrt(variance + epsilon), and means over images and positions:

        grad_residual = g,   grad_bias = sum of g,   grad_weight = sum of g n,   grad_x = weight g / s
        if training:                                                             grad_x = weight (g - mean(g) - n mean(g n)) / s
    """
    axes = _all_but_channels(x)
    g = grad_y if y is None else np.where(y <= 0, 0, grad_y)
    deviation = np.sqrt(variance + epsilon)
    n = (x - _spread(mean, x)) / _spread(deviation, x)
    if grad_residual is not None:
        grad_residual[...] = g
    if grad_bias is not None:
        grad_bias[...] = g.sum(axis=axes)
    if grad_weight is not None:
        grad_weight[...] = (g * n).sum(axis=axes)
    if grad_x is not None:
        if training:
            count = x.size // max(1, len(mean))
            g = g - (g.sum(axis=axes, keepdims=True) + n * (g * n).sum(axis=axes, keepdims=True)) / count
        grad_x[...] = g * _spread((1 if weight is None else weight) / deviation, x)


def _all_but_channels(x):
    return (0, *range(2, x.ndim))


def _spread(values, x):
    """One value for each channel, in a shape that broadcasts with x."""
    return values.reshape(-1, *[1] * (x.ndim - 2))


def local_response_norm(x, y, size, alpha, beta, k):
    """y[n, c] = x[n, c] / d[n, c]^beta, d[n, c] = k + alpha / size (the sum of x[n, j]^2 over the channels j of the window of c).

    The window is the `size` channels from c - size // 2 on, as far as there are any. Krizhevsky, Sutskever & Hinton (NIPS 2012,
    section 3.3), who have alpha where this has alpha / size.
    """
    y[...] = x / _denominators(x, size, alpha, k) ** beta


def local_response_norm_grad_input(grad_y, x, grad_x, size, alpha, beta, k):
    """grad_x[n, i] = grad_y[n, i] / d[n, i]^beta - 2 alpha beta / size x[n, i] (the sum of t[n, c] over those c whose window has i in it),
    where t = grad_y x / d^(beta + 1)."""
    d = _denominators(x, size, alpha, k)
    t = grad_y * x / d ** (beta + 1)
    grad_x[...] = grad_y / d ** beta
    for c, window in _windows(x, size):
        grad_x[:, window] -= 2 * alpha * beta / size * x[:, window] * t[:, c:c + 1]


def _denominators(x, size, alpha, k):
    d = np.full_like(x, k)
    for c, window in _windows(x, size):
        d[:, c] += alpha / size * (x[:, window] ** 2).sum(axis=1)
    return d


def _windows(x, size):
    """Each channel with its window."""
    for c in range(x.shape[1]):
        yield c, slice(max(0, c - size // 2), c + (size + 1) // 2)
