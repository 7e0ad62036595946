"""Softmax of rows that a warp holds in registers: all of a row is asked for at once, and read and written only once.

Each lane has every 32nd number of the row, or vector of four. Places behind the row's end hold minus infinity, which a sum of exponentials
does not notice, or 0; to fetch them, a lane reads the row's beginning once more, so that no load waits for a decision.
"""
import functools
import math

import numpy as np
from numba import cuda, uint32

from .intrinsics import load4, store4
from .launch import blocks, kernel
from .segments import in_fours
from .warp import WARP, maximum, warp_max, warp_sum

_ROWS = 8         # of a block
_LONGEST = 4096   # bytes of a row


def fit(classes, itemsize):
    return 0 < classes * itemsize <= _LONGEST


def softmax(x, y, logarithm, labels=None, losses=None, smoothing=None, ignore_index=None):
    """Softmax or its `logarithm`; with labels, the losses of cross entropy, too."""
    rows, classes = x.shape
    made = _softmax(*_share(classes, x, y))
    made[blocks(rows, _ROWS), (WARP, _ROWS)](x.reshape(-1), y.reshape(-1), labels, losses, rows, classes, logarithm, smoothing,
                                         ignore_index)


def gradient(grad_y, y, grad_x, logarithm):
    rows, classes = y.shape
    made = _gradient(*_share(classes, grad_y, y, grad_x))
    made[blocks(rows, _ROWS), (WARP, _ROWS)](grad_y.reshape(-1), y.reshape(-1), grad_x.reshape(-1), rows, classes, logarithm)


def _share(classes, *arrays):
    """How many numbers or vectors a lane has, a power of two; and how many numbers make one."""
    width = 4 if in_fours(classes, *arrays) else 1
    return 1 << (blocks(classes, width * WARP) - 1).bit_length(), width


@functools.cache
def _loader(count, width):
    """load(values, x, start, length, beyond) for rows of that share"""
    @cuda.jit(device=True, forceinline=True)
    def load(values, x, start, length, beyond):
        for k in range(count):
            place = uint32(width * (uint32(cuda.threadIdx.x) + uint32(k * WARP)))
            inside = place < length
            source = uint32(start + (place if inside else uint32(0)))
            if width == 4:
                a, b, c, d = load4(x, source)
                values[4 * k], values[4 * k + 1] = a if inside else beyond, b if inside else beyond
                values[4 * k + 2], values[4 * k + 3] = c if inside else beyond, d if inside else beyond
            else:
                a = x[source]
                values[k] = a if inside else beyond
    return load


@functools.cache
def _storer(count, width):
    """store(values, y, start, length) for rows of that share"""
    @cuda.jit(device=True, forceinline=True)
    def store(values, y, start, length):
        for k in range(count):
            place = uint32(width * (uint32(cuda.threadIdx.x) + uint32(k * WARP)))
            if place < length:
                if width == 4:
                    store4(y, uint32(start + place), values[4 * k], values[4 * k + 1], values[4 * k + 2], values[4 * k + 3])
                else:
                    y[uint32(start + place)] = values[k]
    return store


@functools.cache
def _softmax(count, width):
    load, store, held = _loader(count, width), _storer(count, width), count * width

    @kernel(launch_bounds=WARP * _ROWS)
    def softmax(x, y, labels, losses, rows, length, logarithm, smoothing, ignore_index):
        row, length, number = uint32(cuda.blockIdx.x * _ROWS + cuda.threadIdx.y), uint32(length), x.dtype.type
        values = cuda.local.array(held, x.dtype)
        if row >= uint32(rows):
            return
        start = uint32(row * length)
        load(values, x, start, length, number(-np.inf))
        greatest = values[0]
        for k in range(1, held):
            greatest = maximum(greatest, values[k])
        greatest, total, differences = warp_max(greatest), number(0), number(0)
        for k in range(held):
            difference = values[k] - greatest
            power = math.exp(difference)
            total += power
            values[k] = power if logarithm is None else difference
            if smoothing is not None:
                differences += difference if _exists(k, length) else number(0)
        total = warp_sum(total)
        scale, shift = number(1) / total, math.log(total)
        for k in range(held):
            values[k] = values[k] * scale if logarithm is None else values[k] - shift
        store(values, y, start, length)
        if labels is not None:
            if smoothing is not None:
                differences = warp_sum(differences)
            if cuda.threadIdx.x == 0:
                label, loss = labels[row], number(0)
                if label != ignore_index:
                    loss = shift - (x[uint32(start + uint32(label))] - greatest)
                    if smoothing is not None:
                        loss = (number(1) - smoothing) * loss + smoothing * (shift - differences / number(length))
                losses[row] = loss

    @cuda.jit(device=True, forceinline=True)
    def _exists(k, length):
        return uint32(width * (uint32(cuda.threadIdx.x) + uint32(k // width * WARP))) < length
    return softmax


@functools.cache
def _gradient(count, width):
    load, store, held = _loader(count, width), _storer(count, width), count * width

    @kernel(launch_bounds=WARP * _ROWS)
    def gradient(grad_y, y, grad_x, rows, length, logarithm):
        row, length, zero = uint32(cuda.blockIdx.x * _ROWS + cuda.threadIdx.y), uint32(length), y.dtype.type(0)
        grads, results = cuda.local.array(held, y.dtype), cuda.local.array(held, y.dtype)
        if row >= uint32(rows):
            return
        start, total = uint32(row * length), zero
        load(grads, grad_y, start, length, zero)
        load(results, y, start, length, zero)
        for k in range(held):
            total += grads[k] * results[k] if logarithm is None else grads[k]
        total = warp_sum(total)
        for k in range(held):
            grads[k] = results[k] * (grads[k] - total) if logarithm is None else grads[k] - math.exp(results[k]) * total
        store(grads, grad_x, start, length)
    return gradient
