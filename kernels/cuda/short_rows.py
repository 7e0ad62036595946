"""Softmax of short rows: a thread has a row for itself, in shared memory.

Threads that read their own short rows from memory would each touch a line of it for a few bytes. So a block copies all of its rows to
shared memory first, in fours that lie side by side, and back at the end. There, one number in 33 is left out: else threads whose rows are
32 numbers apart would wait for each other.
"""
import math

from numba import cuda, uint32

from .intrinsics import load4, store4
from .launch import blocks, kernel
from .segments import in_fours
from .warp import maximum

_ROWS = 128      # of a block
_LONGEST = 256   # bytes of a row
_FLOATS = 4      # of a vector


def fit(classes, itemsize):
    return 0 < classes * itemsize <= _LONGEST


def softmax(x, y, logarithm, labels=None, losses=None, smoothing=None, ignore_index=None):
    """Softmax or its `logarithm`; with labels, the losses of cross entropy, too."""
    rows, classes = x.shape
    _softmax[blocks(rows, _ROWS), _ROWS, _bytes(x)](x.reshape(-1), y.reshape(-1), labels, losses, rows, classes, logarithm, smoothing,
                                                    ignore_index, in_fours(0, x, y))


def gradient(grad_y, y, grad_x, logarithm):
    rows, classes = y.shape
    _gradient[blocks(rows, _ROWS), _ROWS, 2 * _bytes(y)](grad_y.reshape(-1), y.reshape(-1), grad_x.reshape(-1), rows, classes, logarithm,
                                                         in_fours(0, grad_y, y, grad_x))


def _bytes(x):
    """Of shared memory for the rows of a block."""
    return _size(_ROWS * x.shape[1]) * x.dtype.itemsize


def _size(count):
    return count + blocks(count, 32)


@cuda.jit(device=True, forceinline=True)
def _place(i):
    """Of number i in shared memory. A four that begins at a multiple of four is not torn."""
    return uint32(i + (i >> uint32(5)))


@cuda.jit(device=True, forceinline=True)
def _put(tile, i, four):
    place = _place(i)
    tile[place], tile[uint32(place + 1)], tile[uint32(place + 2)], tile[uint32(place + 3)] = four


@cuda.jit(device=True, forceinline=True)
def _copy_in(x, start, count, tile, first, four):
    """tile[first:] = x[start:start + count]. Four loads of a thread are under way together; one with nothing to fetch repeats the last."""
    thread, threads = uint32(cuda.threadIdx.x), uint32(cuda.blockDim.x)
    vectors = uint32(0)
    if four is not None:
        vectors = uint32(count // uint32(_FLOATS))
        for i in range(thread, vectors, uint32(4 * threads)):
            j, k, m = uint32(i + threads), uint32(i + uint32(2 * threads)), uint32(i + uint32(3 * threads))
            last = uint32(vectors - 1)
            a, b = load4(x, uint32(start + 4 * i)), load4(x, uint32(start + 4 * min(j, last)))
            c, d = load4(x, uint32(start + 4 * min(k, last))), load4(x, uint32(start + 4 * min(m, last)))
            _put(tile, uint32(first + 4 * i), a)
            if j < vectors:
                _put(tile, uint32(first + 4 * j), b)
            if k < vectors:
                _put(tile, uint32(first + 4 * k), c)
            if m < vectors:
                _put(tile, uint32(first + 4 * m), d)
    for i in range(uint32(4 * vectors + thread), count, threads):
        tile[_place(uint32(first + i))] = x[uint32(start + i)]


@cuda.jit(device=True, forceinline=True)
def _copy_out(tile, y, start, count, four):
    thread, threads = uint32(cuda.threadIdx.x), uint32(cuda.blockDim.x)
    vectors = uint32(0)
    if four is not None:
        vectors = uint32(count // uint32(_FLOATS))
        for i in range(thread, vectors, threads):
            place = _place(uint32(4 * i))
            store4(y, uint32(start + 4 * i), tile[place], tile[uint32(place + 1)], tile[uint32(place + 2)], tile[uint32(place + 3)])
    for i in range(uint32(4 * vectors + thread), count, threads):
        y[uint32(start + i)] = tile[_place(i)]


@kernel(launch_bounds=_ROWS)
def _softmax(x, y, labels, losses, rows, length, logarithm, smoothing, ignore_index, four):
    tile, number = cuda.shared.array(0, x.dtype), x.dtype.type
    first, length = uint32(cuda.blockIdx.x * _ROWS), uint32(length)
    here, thread = min(uint32(_ROWS), uint32(uint32(rows) - first)), uint32(cuda.threadIdx.x)
    start, count, own = uint32(first * length), uint32(here * length), uint32(thread * length)
    _copy_in(x, start, count, tile, uint32(0), four)
    cuda.syncthreads()
    if thread < here:
        greatest, total, differences = tile[_place(own)], number(0), number(0)
        for i in range(uint32(own + 1), uint32(own + length)):
            greatest = maximum(greatest, tile[_place(i)])
        label, label_difference = uint32(0), number(0)
        if labels is not None:
            label = uint32(labels[uint32(first + thread)])
            if label < length:
                label_difference = tile[_place(uint32(own + label))] - greatest
        for i in range(own, uint32(own + length)):
            difference = tile[_place(i)] - greatest
            power = math.exp(difference)
            total += power
            tile[_place(i)] = power if logarithm is None else difference
            if smoothing is not None:
                differences += difference
        scale, shift = number(1) / total, math.log(total)
        for i in range(own, uint32(own + length)):
            if logarithm is None:
                tile[_place(i)] *= scale
            else:
                tile[_place(i)] -= shift
        if labels is not None:
            loss = number(0)
            if labels[uint32(first + thread)] != ignore_index:
                loss = shift - label_difference
                if smoothing is not None:
                    loss = (number(1) - smoothing) * loss + smoothing * (shift - differences / number(length))
            losses[uint32(first + thread)] = loss
    cuda.syncthreads()
    _copy_out(tile, y, start, count, four)


@kernel(launch_bounds=_ROWS)
def _gradient(grad_y, y, grad_x, rows, length, logarithm, four):
    tile = cuda.shared.array(0, y.dtype)
    first, length = uint32(cuda.blockIdx.x * _ROWS), uint32(length)
    here, thread = min(uint32(_ROWS), uint32(uint32(rows) - first)), uint32(cuda.threadIdx.x)
    start, count, own, other = uint32(first * length), uint32(here * length), uint32(thread * length), uint32(_ROWS * length)
    _copy_in(grad_y, start, count, tile, uint32(0), four)
    _copy_in(y, start, count, tile, other, four)
    cuda.syncthreads()
    if thread < here:
        total = y.dtype.type(0)
        for i in range(own, uint32(own + length)):
            grad = tile[_place(i)]
            total += grad * tile[_place(uint32(other + i))] if logarithm is None else grad
        for i in range(own, uint32(own + length)):
            place, result = _place(i), tile[_place(uint32(other + i))]
            if logarithm is None:
                tile[place] = result * (tile[place] - total)
            else:
                tile[place] -= math.exp(result) * total
    cuda.syncthreads()
    _copy_out(tile, grad_x, start, count, four)
