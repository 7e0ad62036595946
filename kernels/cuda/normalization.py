"""Normalisation on a device.

Where a channel is small, one block does all of it: it finds the statistics and then the results, in one launch, and what it reads a
second time is in the cache. Else several blocks share a channel in two launches: the first writes the moments of every part, and in the
second each block merges those of its channel (a warp does, by shuffles) before it goes on to the results. x is read twice in all, the
second time from its end, which is still in the cache.

Kernels are compiled for what is there: arguments may be None, and flags are None or True.
"""
import math

from numba import cuda, uint32

from .array import empty_like
from .intrinsics import reciprocal_root
from .launch import blocks, kernel
from .normalizing import (
    gradient_of_share, mean_and_variance, moments_of_share, normalize_share, shift_of, sums_of_share,
)
from .segments import in_fours, share_of
from .warp import WARP, WARPS, block_moments, block_sum, merge_moments, warp_moments, warp_sum

_LARGEST = 512      # threads of a block that has a channel for itself
_WHOLE = 8 * 1024   # the most numbers, or vectors of four, of such a channel
_BLOCK = 256        # threads of a block that has a part
_WORTH = 4          # what is worth a thread
_WAVES = 4          # how many parts there are for every block that can run at once: the last ones shall not leave the machine idle
_BLOCKS_AT_ONCE = 8
_STRIP = 128        # positions of a block in local response normalisation
_CHANNELS = 32      # of a thread there
_NOT_RUNNING = (None,) * 5   # statistics that are not to be moved


def batch_statistics(x, mean, variance):
    """As kernels.reference.normalization.batch_statistics."""
    _batch_norm(x, mean, variance, None, None, None, None, 0, False, True, *_NOT_RUNNING)


def batch_norm(x, mean, variance, weight, bias, residual, y, epsilon, rectify):
    """As kernels.reference.normalization.batch_norm."""
    _batch_norm(x, mean, variance, weight, bias, residual, y, epsilon, rectify, None, *_NOT_RUNNING)


def batch_norm_training(x, weight, bias, residual, mean, variance, y, epsilon, rectify, running_mean=None, running_variance=None,
                        batches=None, momentum=0.0):
    """As kernels.reference.normalization.batch_norm_training. Whoever writes a channel's statistics moves its running ones as well."""
    count, number = x.size // max(1, len(mean)), mean.dtype.type
    running = running_mean, running_variance, _flat(batches), number(momentum), number(count / max(1, count - 1))
    _batch_norm(x, mean, variance, weight, bias, residual, y, epsilon, rectify, True, *running)


def batch_norm_grad(grad_y, x, mean, variance, weight, y, grad_x, grad_weight, grad_bias, grad_residual, epsilon, training):
    """As kernels.reference.normalization.batch_norm_grad.

    In two launches, what ReLU lets pass of grad_y is kept in grad_residual by the first, if it is wanted, and the second finds it there.
    """
    layout = _Layout(x, grad_y, y, grad_x, grad_residual)
    measure = True if training and grad_x is not None or grad_weight is not None or grad_bias is not None else None
    grid, block, sums = layout.grid, layout.block, None
    grad_y, x, y, grad_x, grad_residual = map(_flat, (grad_y, x, y, grad_x, grad_residual))
    if measure and layout.parts > 1:
        sums, kept = empty_like(x, (2, layout.channels * layout.parts)), None if y is None else grad_residual
        _parts_of_sums[grid, block](grad_y, x, mean, y, kept, sums, *layout.sizes)
        if kept is not None:
            grad_y, y, grad_residual = grad_residual, None, None
        if grad_x is None and grad_residual is None:
            grid, block = layout.channels, WARP
    _gradients[grid, block](grad_y, x, mean, variance, weight, y, grad_x, grad_weight, grad_bias, grad_residual, sums, layout.parts,
                            mean.dtype.type(epsilon), True if training else None, measure, *layout.sizes)


class _Layout:
    """How the work on a batch is dealt: grid, block, parts of each channel, and the sizes that kernels take."""

    def __init__(self, x, *others):
        images, self.channels, *positions = x.shape
        positions = math.prod(positions)
        four = in_fours(positions, *(array for array in (x, *others) if array is not None))
        positions = positions // 4 if four else positions
        count = images * positions
        self.sizes = count, self.channels, max(1, positions), four
        if count <= _WHOLE:
            self.parts, self.block = 1, min(_LARGEST, max(WARP, 1 << (count // _WORTH).bit_length()))
        else:
            at_once = x.machine.multiprocessors * _BLOCKS_AT_ONCE
            self.parts, self.block = max(2, min(_WAVES * at_once // max(1, self.channels), count // (_BLOCK * _WORTH))), _BLOCK
        self.grid = self.channels, self.parts


def _flat(array):
    return None if array is None else array.reshape(-1)


def _batch_norm(x, mean, variance, weight, bias, residual, y, epsilon, rectify, measure, *running):
    """Statistics if `measure`, results if y is given."""
    layout = _Layout(x, residual, y)
    grid, block, moments = layout.grid, layout.block, None
    x, residual, y = map(_flat, (x, residual, y))
    if measure and layout.parts > 1:
        moments = empty_like(x, (3, layout.channels * layout.parts))
        _parts_of_moments[grid, block](x, moments, *layout.sizes)
        if y is None:
            grid, block = layout.channels, WARP
    _normalize[grid, block](x, mean, variance, weight, bias, residual, y, moments, layout.parts, mean.dtype.type(epsilon),
                            True if rectify else None, measure, *running, *layout.sizes)


@kernel
def _parts_of_moments(x, moments, count, channels, positions, four):
    """moments[:, channel, part] = count, mean and squares of x - shift, for one part of a channel"""
    shared = cuda.shared.array((3, WARPS), x.dtype)
    share = share_of(count, channels, positions, None)
    total, mean, squares = moments_of_share(x, shift_of(x, share, four), share, four)
    total, mean, squares = block_moments(total, mean, squares, shared)
    if cuda.threadIdx.x == 0:
        place = uint32(cuda.blockIdx.x * cuda.gridDim.y + cuda.blockIdx.y)
        moments[0, place], moments[1, place], moments[2, place] = total, mean, squares


@kernel(launch_bounds=(_LARGEST, 2))
def _normalize(x, mean, variance, weight, bias, residual, y, moments, parts, epsilon, rectify, measure, running_mean, running_variance,
               batches, momentum, unbiased, count, channels, positions, four):
    """One part of a channel. Its mean and variance are given, or those of the `parts` in `moments`, or, without these, found here."""
    shared = cuda.shared.array((3, WARPS), x.dtype)
    share, number = share_of(count, channels, positions, moments), x.dtype.type
    channel = share[2]
    if measure is not None:
        shift = shift_of(x, share, four)
        if moments is not None:
            total, middle, squares = number(0), number(0), number(0)
            for part in range(uint32(cuda.threadIdx.x % WARP), uint32(parts), uint32(WARP)):
                place = uint32(channel * uint32(parts) + part)
                total, middle, squares = merge_moments(total, middle, squares, moments[0, place], moments[1, place], moments[2, place])
            total, middle, squares = warp_moments(total, middle, squares)
        else:
            total, middle, squares = moments_of_share(x, shift, share, four)
            total, middle, squares = block_moments(total, middle, squares, shared)
        middle, spread = mean_and_variance(total, middle, squares, shift)
        if share[0] == 0:
            mean[channel], variance[channel] = middle, spread
            if running_mean is not None:
                running_mean[channel] += momentum * (middle - running_mean[channel])
            if running_variance is not None:
                running_variance[channel] += momentum * (spread * unbiased - running_variance[channel])
            if batches is not None:
                if channel == 0:
                    batches[0] += 1
    else:
        middle, spread = mean[channel], variance[channel]
    if y is not None:
        scale, offset = number(1), number(0)
        if weight is not None:
            scale = weight[channel]
        if bias is not None:
            offset = bias[channel]
        normalize_share(x, middle, scale / math.sqrt(spread + epsilon), offset, residual, y, rectify, share, four)


@kernel
def _parts_of_sums(grad_y, x, mean, y, grad_residual, sums, count, channels, positions, four):
    """sums[:, channel, part] = the sums of g and of g (x - mean), for one part of a channel"""
    shared = cuda.shared.array(WARPS, x.dtype)
    share = share_of(count, channels, positions, None)
    total, product = sums_of_share(grad_y, x, mean[share[2]], y, grad_residual, share, four)
    total, product = block_sum(total, shared), block_sum(product, shared)
    if cuda.threadIdx.x == 0:
        place = uint32(cuda.blockIdx.x * cuda.gridDim.y + cuda.blockIdx.y)
        sums[0, place], sums[1, place] = total, product


@kernel(launch_bounds=(_LARGEST, 2))
def _gradients(grad_y, x, mean, variance, weight, y, grad_x, grad_weight, grad_bias, grad_residual, sums, parts, epsilon, training, measure,
               count, channels, positions, four):
    """One part of a channel, and its sums, if they are wanted: those of the `parts` in `sums`, or, without these, found here."""
    shared = cuda.shared.array(WARPS, x.dtype)
    share, number = share_of(count, channels, positions, sums), x.dtype.type
    channel = share[2]
    middle, deviation = mean[channel], math.sqrt(variance[channel] + epsilon)
    total, product = number(0), number(0)
    if measure is not None:
        if sums is not None:
            for part in range(uint32(cuda.threadIdx.x % WARP), uint32(parts), uint32(WARP)):
                place = uint32(channel * uint32(parts) + part)
                total, product = total + sums[0, place], product + sums[1, place]
            total, product = warp_sum(total), warp_sum(product)
        else:
            total, product = sums_of_share(grad_y, x, middle, y, None, share, four)
            total, product = block_sum(total, shared), block_sum(product, shared)
        if share[0] == 0:
            if grad_bias is not None:
                grad_bias[channel] = total
            if grad_weight is not None:
                grad_weight[channel] = product / deviation
    if grad_x is not None or grad_residual is not None:
        scale, numbers = number(1) / deviation, number(count) * number(1 if four is None else 4)
        slope = product * scale * scale / numbers
        if weight is not None:
            scale *= weight[channel]
        gradient_of_share(grad_y, x, middle, y, grad_x, grad_residual, scale, total / numbers, slope, training, share, four)


def local_response_norm(x, y, size, alpha, beta, k):
    """As kernels.reference.normalization.local_response_norm.

    Windows of five channels, which networks have, slide through registers; others are added up for each number.
    """
    grid, sizes, settings = _strips(x, size), _sizes(x), _settings(x, size, alpha, beta, k)
    x, y = x.reshape(-1), y.reshape(-1)
    if size == 5:
        _local_response_of_five[grid, _STRIP](x, y, *sizes, *settings)
    else:
        _local_response[grid, _STRIP](x, y, None, None, size, *sizes, *settings)


def local_response_norm_grad_input(grad_y, x, grad_x, size, alpha, beta, k):
    """As kernels.reference.normalization.local_response_norm_grad_input; where windows are not of five channels, t is kept in memory."""
    grid, sizes, settings = _strips(x, size), _sizes(x), _settings(x, size, alpha, beta, k)
    grad_y, x, grad_x, slope = grad_y.reshape(-1), x.reshape(-1), grad_x.reshape(-1), x.dtype.type(2 * alpha * beta / size)
    if size == 5:
        _local_response_gradient_of_five[grid, _STRIP](grad_y, x, grad_x, slope, *sizes, *settings)
    else:
        t = empty_like(x)
        _local_response[grid, _STRIP](x, grad_x, grad_y, t, size, *sizes, *settings)
        _local_response_gradient[grid, _STRIP](x, t, grad_x, slope, size, *sizes)


def _strips(x, size):
    """The grid: a thread has one position of an image, and of its channels one, or several that a window slides along."""
    return blocks(x.size // max(1, x.shape[1]), _STRIP), blocks(x.shape[1], _CHANNELS if size == 5 else 1)


def _sizes(x):
    """Positions of all images, channels, and positions of an image."""
    return x.size // max(1, x.shape[1]), x.shape[1], math.prod(x.shape[2:])


def _settings(x, size, alpha, beta, k):
    """alpha / size, beta (None for 3/4 in single precision, which is two roots, and quick) and k"""
    number = x.dtype.type
    return number(alpha / size), None if beta == 0.75 and x.dtype == "float32" else number(beta), number(k)


@cuda.jit(device=True, forceinline=True)
def _channel_0(i, channels, positions):
    """Where the channels of the i-th position begin."""
    return uint32(i // positions * channels * positions + i % positions)


@cuda.jit(device=True, forceinline=True)
def _over_power(value, d, beta):
    """value / d^beta"""
    if beta is None:
        root = reciprocal_root(d)
        return value * (root * math.sqrt(root))
    return value / math.pow(d, beta)


@kernel
def _local_response(x, y, grad_y, t, size, count, channels, positions, factor, beta, k):
    """One number: y = x / d^beta; for the gradient, y = grad_y / d^beta and t = grad_y x / d^(beta + 1)."""
    i, c, squares = uint32(cuda.grid(1)), cuda.blockIdx.y, x.dtype.type(0)
    if i < count:
        start = _channel_0(i, uint32(channels), uint32(positions))
        for other in range(max(0, c - size // 2), min(channels, c + (size + 1) // 2)):
            value = x[uint32(start + uint32(other * positions))]
            squares += value * value
        place = uint32(start + uint32(c * positions))
        d = k + factor * squares
        if grad_y is None:
            y[place] = _over_power(x[place], d, beta)
        else:
            own = _over_power(grad_y[place], d, beta)
            y[place], t[place] = own, own * x[place] / d


@kernel
def _local_response_gradient(x, t, grad_x, slope, size, count, channels, positions):
    """One number of grad_x, which is grad_y / d^beta so far: less what x does to those whose window it is in."""
    i, c, total = uint32(cuda.grid(1)), cuda.blockIdx.y, x.dtype.type(0)
    if i < count:
        start = _channel_0(i, uint32(channels), uint32(positions))
        for other in range(max(0, c - (size - 1) // 2), min(channels, c + size // 2 + 1)):
            total += t[uint32(start + uint32(other * positions))]
        place = uint32(start + uint32(c * positions))
        grad_x[place] -= slope * x[place] * total


@cuda.jit(device=True, forceinline=True)
def _channel(x, start, channel, channels, positions):
    """The number in that channel; 0 if there is none. (As channels are not negative, -1 is a very large one.)"""
    channel = uint32(channel)
    return x[uint32(start + channel * positions)] if channel < channels else x.dtype.type(0)


@cuda.jit(device=True, forceinline=True)
def _four_channels(x, start, channel, channels, positions):
    """The numbers in that channel and in the next three: four loads that are under way together."""
    return (_channel(x, start, channel, channels, positions), _channel(x, start, channel + 1, channels, positions),
            _channel(x, start, channel + 2, channels, positions), _channel(x, start, channel + 3, channels, positions))


@cuda.jit(device=True, forceinline=True)
def _put(y, start, channel, end, positions, value):
    if channel < end:
        y[uint32(start + uint32(channel) * positions)] = value


@cuda.jit(device=True, forceinline=True)
def _denominator(a, b, c, d, e, factor, k):
    return k + factor * ((a * a + b * b) + (d * d + e * e) + c * c)


@kernel
def _local_response_of_five(x, y, count, channels, positions, factor, beta, k):
    """Some channels of one position: each step brings in the four that come two later, which were asked for one step before."""
    i, first = uint32(cuda.grid(1)), cuda.blockIdx.y * _CHANNELS
    if i < count:
        end, channels, positions = min(channels, first + _CHANNELS), uint32(channels), uint32(positions)
        start, seen = _channel_0(i, channels, positions), min(channels, uint32(end + 2))
        a, b, c, d = _four_channels(x, start, first - 2, seen, positions)
        e, f, g, h = _four_channels(x, start, first + 2, seen, positions)
        for channel in range(first, end, 4):
            p, q, r, s = _four_channels(x, start, channel + 6, seen, positions)
            _put(y, start, channel, end, positions, _over_power(c, _denominator(a, b, c, d, e, factor, k), beta))
            _put(y, start, channel + 1, end, positions, _over_power(d, _denominator(b, c, d, e, f, factor, k), beta))
            _put(y, start, channel + 2, end, positions, _over_power(e, _denominator(c, d, e, f, g, factor, k), beta))
            _put(y, start, channel + 3, end, positions, _over_power(f, _denominator(d, e, f, g, h, factor, k), beta))
            a, b, c, d, e, f, g, h = e, f, g, h, p, q, r, s


@cuda.jit(device=True, forceinline=True)
def _own_and_t(grad_y, channel, channels, x, denominator, beta):
    """grad_y / d^beta and t; 0 where there is no such channel"""
    if uint32(channel) < channels:
        own = _over_power(grad_y, denominator, beta)
        return own, own * x / denominator
    return x - x, x - x


@kernel
def _local_response_gradient_of_five(grad_y, x, grad_x, slope, count, channels, positions, factor, beta, k):
    """Two windows slide, by four channels a step: over x (a to h), for t of a channel, and over t (p to w), for the gradient of the channel
    two before it."""
    i, first, zero = uint32(cuda.grid(1)), cuda.blockIdx.y * _CHANNELS, x.dtype.type(0)
    if i < count:
        end, channels, positions = min(channels, first + _CHANNELS), uint32(channels), uint32(positions)
        start = _channel_0(i, channels, positions)
        a, b, c, d = _four_channels(x, start, first - 4, channels, positions)
        p, q, r, s, own_r, own_s = zero, zero, zero, zero, zero, zero
        for channel in range(first - 2, end + 2, 4):
            e, f, g, h = _four_channels(x, start, channel + 2, channels, positions)
            own_t, own_u, own_v, own_w = _four_channels(grad_y, start, channel, channels, positions)
            own_t, t = _own_and_t(own_t, channel, channels, c, _denominator(a, b, c, d, e, factor, k), beta)
            own_u, u = _own_and_t(own_u, channel + 1, channels, d, _denominator(b, c, d, e, f, factor, k), beta)
            own_v, v = _own_and_t(own_v, channel + 2, channels, e, _denominator(c, d, e, f, g, factor, k), beta)
            own_w, w = _own_and_t(own_w, channel + 3, channels, f, _denominator(d, e, f, g, h, factor, k), beta)
            if channel > first:
                _put(grad_x, start, channel - 2, end, positions, own_r - slope * a * ((p + q) + (s + t) + r))
                _put(grad_x, start, channel - 1, end, positions, own_s - slope * b * ((q + r) + (t + u) + s))
                _put(grad_x, start, channel, end, positions, own_t - slope * c * ((r + s) + (u + v) + t))
                _put(grad_x, start, channel + 1, end, positions, own_u - slope * d * ((s + t) + (v + w) + u))
            a, b, c, d = e, f, g, h
            p, q, r, s, own_r, own_s = t, u, v, w, own_v, own_w
