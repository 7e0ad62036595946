"""Normalisation in Numba.

A channel of a batch is one piece of work. While it is in the second-level cache it is gone over twice, first for its sums and then
for its results, so that each number comes from memory once. Sums go over at most CHUNK numbers in the arrays' own precision,
and are themselves added up in double precision.
"""
import math

import numba
import numpy as np

from .chunks import CHUNK
from .compiler import inner, kernel
from .normalizing import gradient_moments, input_gradient, moments, normalize

_STRIP = 512   # positions whose channels are normalised together: those of a window stay in the first-level cache


def batch_statistics(x, mean, variance):
    """As kernels.reference.normalization.batch_statistics."""
    flat = x.reshape(-1)
    _batch_norm(flat, mean, mean, flat, mean, variance, flat, *_sizes(x), 0.0, False, False, True, False)


def batch_norm(x, mean, variance, weight, bias, residual, y, epsilon, rectify):
    """As kernels.reference.normalization.batch_norm."""
    _batch_norm(*_operands(x, weight, bias, residual, mean), mean, variance, y.reshape(-1), *_sizes(x), float(epsilon),
                residual is not None, rectify, False, True)


def batch_norm_training(x, weight, bias, residual, mean, variance, y, epsilon, rectify, running_mean=None, running_variance=None,
                        batches=None, momentum=0.0):
    """As kernels.reference.normalization.batch_norm_training. The running statistics are few numbers, which NumPy moves as quickly."""
    _batch_norm(*_operands(x, weight, bias, residual, mean), mean, variance, y.reshape(-1), *_sizes(x), float(epsilon),
                residual is not None, rectify, True, True)
    if running_mean is not None:
        running_mean += momentum * (mean - running_mean)
    if running_variance is not None:
        count = x.size // len(mean)
        running_variance += momentum * (variance * (count / (count - 1)) - running_variance)
    if batches is not None:
        batches += 1


def batch_norm_grad(grad_y, x, mean, variance, weight, y, grad_x, grad_weight, grad_bias, grad_residual, epsilon, training):
    """As kernels.reference.normalization.batch_norm_grad.

    What ReLU lets pass of grad_y is worked out in the first pass, and kept where it is needed anyway: in grad_residual, or else in
    grad_x, over which the second pass then writes its result.
    """
    x, grad_y, sizes = x.reshape(-1), grad_y.reshape(-1), _sizes(x)
    passed = grad_y
    if y is not None:
        passed = next((array.reshape(-1) for array in (grad_residual, grad_x) if array is not None), np.empty_like(x))
    elif grad_residual is not None:
        grad_residual[...] = grad_y.reshape(grad_residual.shape)
    number = mean.dtype
    _batch_norm_grad(grad_y, x, x if y is None else y.reshape(-1), passed, mean, variance,
                     np.ones(len(mean), number) if weight is None else weight,
                     passed if grad_x is None else grad_x.reshape(-1),
                     np.empty(len(mean), number) if grad_weight is None else grad_weight,
                     np.empty(len(mean), number) if grad_bias is None else grad_bias,
                     *sizes, float(epsilon), training, y is not None,
                     training or y is not None or grad_weight is not None or grad_bias is not None, grad_x is not None)


def _operands(x, weight, bias, residual, mean):
    """x, weight, bias and residual as the kernel takes them, for which nothing may be None; what stands for the residual is not read."""
    x = x.reshape(-1)
    return (x, np.ones_like(mean) if weight is None else weight, np.zeros_like(mean) if bias is None else bias,
            x if residual is None else residual.reshape(-1))


def _sizes(x):
    images, channels, *positions = x.shape
    return images, channels, math.prod(positions)


@kernel
def _batch_norm(x, weight, bias, residual, mean, variance, y, images, channels, positions, epsilon, with_residual, rectify, measured,
                normalized):
    """Statistics if `measured`, results if `normalized`. Where there is nothing to measure, pieces follow each other in memory."""
    scale = np.empty(channels, x.dtype)
    images_at_once, channels_at_once, pieces = images, 1, channels
    if not measured:
        images_at_once, channels_at_once = 1, max(1, CHUNK // max(1, positions))
        pieces = images * ((channels + channels_at_once - 1) // channels_at_once)
        for c in range(channels):
            scale[c] = weight[c] / math.sqrt(np.float64(variance[c]) + epsilon)
    if x.size <= CHUNK:
        for piece in range(pieces):
            _batch_norm_piece(x, weight, bias, residual, mean, variance, scale, y, images_at_once, channels_at_once, channels, positions,
                              epsilon, with_residual, rectify, measured, normalized, piece)
    else:
        for piece in numba.prange(pieces):
            _batch_norm_piece(x, weight, bias, residual, mean, variance, scale, y, images_at_once, channels_at_once, channels, positions,
                              epsilon, with_residual, rectify, measured, normalized, np.int64(piece))   # unsigned in a prange


@inner
def _batch_norm_piece(x, weight, bias, residual, mean, variance, scale, y, images_at_once, channels_at_once, channels, positions, epsilon,
                      with_residual, rectify, measured, normalized, piece):
    blocks = (channels + channels_at_once - 1) // channels_at_once
    first_image, first_channel = piece // blocks * images_at_once, piece % blocks * channels_at_once
    least = x.dtype.type(0 if rectify else -np.inf)
    for c in range(first_channel, min(channels, first_channel + channels_at_once)):
        if measured:
            mean[c], variance[c] = _statistics(x, images_at_once, channels, positions, c)
            scale[c] = weight[c] / math.sqrt(np.float64(variance[c]) + epsilon)
        if normalized:
            for image in range(first_image + images_at_once - 1, first_image - 1, -1):   # backwards: what was read last is still near
                start = (image * channels + c) * positions
                normalize(x, residual, y, start, positions, mean[c], scale[c], bias[c], least, with_residual)


@inner
def _statistics(x, images, channels, positions, c):
    """Mean and variance of a channel in one pass over it.

    Sums of squares are sound where the mean is small beside the deviation, so all is measured from the mean of the first image,
    which is gone over once more for that: it cannot be so far from the mean of all that it would cost more than a factor
    of `images` in rounding errors, for then its distance is most of the variance.
    """
    shift, total, square = x.dtype.type(0), 0.0, 0.0
    for turn in range(1 + images if images else 0):
        if turn == 1:
            if abs(total / positions) < np.inf:   # infinity less infinity would be NaN, and the mean is infinite
                shift = x.dtype.type(total / positions)
            total = square = 0.0
        first = (max(0, turn - 1) * channels + c) * positions
        for start in range(first, first + positions, CHUNK):
            part, part_square = moments(x, start, min(CHUNK, first + positions - start), shift)
            total += part
            square += part_square
    off = total / (images * positions)
    variance = square / (images * positions) - off * off
    return shift + off, 0.0 if variance < 0.0 else variance


@kernel
def _batch_norm_grad(grad_y, x, y, passed, mean, variance, weight, grad_x, grad_weight, grad_bias, images, channels, positions, epsilon,
                     training, rectified, sums_wanted, input_wanted):
    if x.size <= CHUNK:
        for c in range(channels):
            _batch_norm_grad_channel(grad_y, x, y, passed, mean, variance, weight, grad_x, grad_weight, grad_bias, images, channels,
                                     positions, epsilon, training, rectified, sums_wanted, input_wanted, c)
    else:
        for c in numba.prange(channels):
            _batch_norm_grad_channel(grad_y, x, y, passed, mean, variance, weight, grad_x, grad_weight, grad_bias, images, channels,
                                     positions, epsilon, training, rectified, sums_wanted, input_wanted, np.int64(c))


@inner
def _batch_norm_grad_channel(grad_y, x, y, passed, mean, variance, weight, grad_x, grad_weight, grad_bias, images, channels, positions,
                             epsilon, training, rectified, sums_wanted, input_wanted, c):
    number = x.dtype.type
    deviation = math.sqrt(np.float64(variance[c]) + epsilon)
    total = product = 0.0
    if sums_wanted:
        for image in range(images):
            start = (image * channels + c) * positions
            for position in range(0, positions, CHUNK):
                part, part_product = gradient_moments(grad_y, x, y, passed, start + position, min(CHUNK, positions - position), mean[c],
                                                      rectified)
                total += part
                product += part_product
        grad_bias[c] = total
        grad_weight[c] = product / deviation
    if input_wanted:
        count = images * positions
        scale, offset = number(weight[c] / deviation), number(total / count)
        slope = number(product / (deviation * deviation * count))
        for image in range(images - 1, -1, -1):   # backwards: what was read last is still near
            input_gradient(passed, x, grad_x, (image * channels + c) * positions, positions, mean[c], scale, offset, slope, training)


def local_response_norm(x, y, size, alpha, beta, k):
    """As kernels.reference.normalization.local_response_norm. A piece of work is a strip of positions of an image, through its channels."""
    _local_response_norm(x.reshape(-1), y.reshape(-1), *_sizes(x), size, alpha / size, float(beta), float(k))


def local_response_norm_grad_input(grad_y, x, grad_x, size, alpha, beta, k):
    """As kernels.reference.normalization.local_response_norm_grad_input; d is worked out again, which is quicker than to read it."""
    _local_response_norm_grad_input(grad_y.reshape(-1), x.reshape(-1), grad_x.reshape(-1), *_sizes(x), size, alpha / size, float(beta),
                                    float(k))


@kernel
def _local_response_norm(x, y, images, channels, positions, size, factor, beta, k):
    strips = (positions + _STRIP - 1) // _STRIP
    if x.size <= CHUNK:
        for piece in range(images * strips):
            _local_response_norm_strip(x, y, channels, positions, size, factor, beta, k, piece)
    else:
        for piece in numba.prange(images * strips):
            _local_response_norm_strip(x, y, channels, positions, size, factor, beta, k, np.int64(piece))


@inner
def _local_response_norm_strip(x, y, channels, positions, size, factor, beta, k, piece):
    strips = (positions + _STRIP - 1) // _STRIP
    first = piece // strips * channels * positions + piece % strips * _STRIP
    width = min(_STRIP, positions - piece % strips * _STRIP)
    d, scale = np.empty(width, x.dtype), np.empty(width, x.dtype)
    for c in range(channels):
        _denominators(x, first, c, channels, positions, size, factor, beta, k, d, scale)
        row, result = x[first + c * positions:first + c * positions + width], y[first + c * positions:first + c * positions + width]
        for i in range(width):
            result[i] = row[i] * scale[i]


@kernel
def _local_response_norm_grad_input(grad_y, x, grad_x, images, channels, positions, size, factor, beta, k):
    strips = (positions + _STRIP - 1) // _STRIP
    if x.size <= CHUNK:
        for piece in range(images * strips):
            _local_response_norm_grad_strip(grad_y, x, grad_x, channels, positions, size, factor, beta, k, piece)
    else:
        for piece in numba.prange(images * strips):
            _local_response_norm_grad_strip(grad_y, x, grad_x, channels, positions, size, factor, beta, k, np.int64(piece))


@inner
def _local_response_norm_grad_strip(grad_y, x, grad_x, channels, positions, size, factor, beta, k, piece):
    """A channel's t is kept until the last channel that it matters to is done: t of `size` channels at a time."""
    strips = (positions + _STRIP - 1) // _STRIP
    first = piece // strips * channels * positions + piece % strips * _STRIP
    width = min(_STRIP, positions - piece % strips * _STRIP)
    d, scale, t = np.empty(width, x.dtype), np.empty(width, x.dtype), np.empty((size, width), x.dtype)
    slope = x.dtype.type(2 * factor * beta)
    for c in range(channels + size // 2):
        if c < channels:
            _denominators(x, first, c, channels, positions, size, factor, beta, k, d, scale)
            start = first + c * positions
            row, gradient, result, own = x[start:start + width], grad_y[start:start + width], grad_x[start:start + width], t[c % size]
            for i in range(width):
                result[i] = gradient[i] * scale[i]
                own[i] = result[i] * row[i] / d[i]
        done = c - size // 2   # all t of channels whose window it is in are known
        if done >= 0:
            for i in range(width):
                d[i] = 0
            for j in range(max(0, done - (size - 1) // 2), min(channels, c + 1)):
                own = t[j % size]
                for i in range(width):
                    d[i] += own[i]
            start = first + done * positions
            row, result = x[start:start + width], grad_x[start:start + width]
            for i in range(width):
                result[i] -= slope * row[i] * d[i]


@inner
def _denominators(x, first, c, channels, positions, size, factor, beta, k, d, scale):
    """d of channel c, and scale = d^-beta, for the strip of positions that begins at x[first] in channel 0."""
    number = x.dtype.type
    factor, one, exponent = number(factor), number(1), number(-beta)
    for i in range(d.size):
        d[i] = k
    for j in range(max(0, c - size // 2), min(channels, c + (size + 1) // 2)):
        row = x[first + j * positions:first + j * positions + d.size]
        for i in range(d.size):
            d[i] += factor * row[i] * row[i]
    if beta == 0.75:   # as in every network that has this layer, and ten times as quick as a power
        for i in range(d.size):
            root = np.sqrt(d[i])
            scale[i] = one / (root * np.sqrt(root))
    else:
        for i in range(d.size):
            scale[i] = d[i] ** exponent
