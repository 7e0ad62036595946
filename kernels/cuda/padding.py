"""Padding on a device. The reference's words for the border are numbers here, and each thread works out which number of x it shows.

A row is the last axis, or as many of the last ones as have no border.
"""
import math

import numpy as np
from numba import cuda, int32, uint32

from . import moving
from .array import DeviceArray, contiguous_strides, empty_like
from .launch import blocks, kernel
from .moving import words
from .pointwise import BLOCK
from .strides import last

_MODES = {"constant": 0, "reflect": 1, "replicate": 2, "circular": 3}
_CONSTANT, _REFLECT, _REPLICATE = 0, 1, 2
AXES = 4   # that the kernel works with; a row is one of them
WARP, ROWS = 32, 8   # a block's threads


def pad(x, y, before, mode, value):
    """As kernels.reference.padding.pad: a warp for each row of y, so that where it comes from is worked out once for the whole row."""
    sizes, padded, before = _merged(x.shape, y.shape, before)
    bits = np.array(value).astype(x.dtype).reshape(1).view(f"u{x.itemsize}")[0]
    _pad_axes(words(x.reshape(-1), x.itemsize), words(y.reshape(-1), x.itemsize), sizes, padded, before, _MODES[mode], bits)


def pad_grad_input(grad_y, grad_x, before, mode):
    """As kernels.reference.padding.pad_grad_input.

    Of a constant border nothing comes back: the middle is copied. The other modes treat each axis by itself, one after the other: there
    each number of grad_x is the sum of a few numbers, whose places a thread can tell.
    """
    if mode == "constant":
        strides = contiguous_strides(grad_y.shape, grad_y.itemsize)
        address = grad_y.address + sum(first * stride for first, stride in zip(before, strides))
        moving.copy(DeviceArray(grad_y.machine, grad_y.memory, address, grad_x.shape, grad_y.dtype, strides), grad_x)
        return
    bordered = [axis for axis, (size, padded) in enumerate(zip(grad_x.shape, grad_y.shape)) if size != padded]
    if not bordered:
        moving.copy(grad_y, grad_x)
    for axis in bordered:
        shape = (*grad_y.shape[:axis], grad_x.shape[axis], *grad_y.shape[axis + 1:])
        result = grad_x if axis == bordered[-1] else empty_like(grad_x, shape)
        size, padded, inner = shape[axis], grad_y.shape[axis], math.prod(shape[axis + 1:])
        _pad_grad_axis[blocks(result.size, BLOCK), BLOCK](grad_y.reshape(-1), result.reshape(-1), padded, size, inner, before[axis],
                                                          _MODES[mode], blocks(padded, max(1, size)))
        grad_y = result


def _merged(shape, padded_shape, before):
    """Neighbouring axes without a border made one: sizes of x, of y, and what comes before."""
    axes = [(1, 1, 0)]   # an axis that all can be part of
    for size, padded, first in zip(shape, padded_shape, before):
        if size == padded and axes[-1][0] == axes[-1][1]:
            axes[-1] = axes[-1][0] * size, axes[-1][1] * size, 0
        else:
            axes.append((size, padded, first))
    return tuple(zip(*axes[len(axes) > 1 and axes[0] == (1, 1, 0):]))


def _pad_axes(x, y, sizes, padded, before, mode, value):
    """Of more than AXES, the first is walked through here."""
    if len(sizes) <= AXES:
        rows = math.prod(padded[:-1])
        if padded[-1]:
            _pad[blocks(rows, ROWS), (WARP, ROWS)](x, y, rows, mode, value, *last(sizes, 1), *last(padded, 1)[1:], *last(before, 0))
        return
    size, padded_size = math.prod(sizes[1:]), math.prod(padded[1:])
    for place in range(padded[0]):
        shown, target = int(_shown.py_func(place - before[0], sizes[0], mode)), _piece(y, place, padded_size)
        if shown < 0:
            moving.fill(target, value)
        else:
            _pad_axes(_piece(x, shown, size), target, sizes[1:], padded[1:], before[1:], mode, value)


def _piece(array, place, size):
    """The numbers of a flat array from place * size on."""
    return DeviceArray(array.machine, array.memory, array.address + place * size * array.itemsize, (size,), array.dtype)


@cuda.jit(device=True)
def _shown(place, size, mode):
    """Which number of x is seen at a place, counted from the first of x on; -1 for the value of a constant border."""
    if 0 <= place < size:
        return place
    if mode == _CONSTANT:
        return -1
    if mode == _REFLECT:
        return -place if place < 0 else 2 * (size - 1) - place
    if mode == _REPLICATE:
        return 0 if place < 0 else size - 1
    far = int32(uint32(place if place >= 0 else -place) % uint32(size))
    return far if place >= 0 or far == 0 else size - far


@kernel
def _pad(x, y, rows, mode, value, n0, n1, n2, width, padded1, padded2, padded_width, before0, before1, before2, left):
    row = int32(cuda.blockIdx.x * ROWS + cuda.threadIdx.y)
    if row < rows:
        rest = uint32(row)
        j2, rest = int32(rest % uint32(padded2)), uint32(rest // uint32(padded2))
        j1, j0 = int32(rest % uint32(padded1)), int32(rest // uint32(padded1))
        i0, i1, i2 = _shown(j0 - before0, n0, mode), _shown(j1 - before1, n1, mode), _shown(j2 - before2, n2, mode)
        border = i0 < 0 or i1 < 0 or i2 < 0
        start, source = uint32(row * padded_width), int32(((i0 * n1 + i1) * n2 + i2) * width)
        for j in range(int32(cuda.threadIdx.x), padded_width, WARP):
            i = _shown(int32(j) - left, width, mode)
            y[uint32(start + uint32(j))] = value if border or i < 0 else x[uint32(source + i)]


@kernel
def _pad_grad_axis(grad_y, grad_x, padded, size, inner, before, mode, copies):
    """grad_y (outer, padded, inner) to grad_x (outer, size, inner); a circular border shows a number so many times at most."""
    place = cuda.grid(1)
    if place < grad_x.size:
        rest = uint32(place)
        column, rest = uint32(rest % uint32(inner)), uint32(rest // uint32(inner))
        i, outer = int32(rest % uint32(size)), uint32(rest // uint32(size))
        start = int32(outer * uint32(padded * inner) + column)
        if mode == _REFLECT:
            total = grad_y[uint32(start + (i + before) * inner)]
            if 0 < i <= before:
                total += grad_y[uint32(start + (before - i) * inner)]
            mirrored = before + 2 * (size - 1) - i
            if i < size - 1 and mirrored < padded:
                total += grad_y[uint32(start + mirrored * inner)]
        elif mode == _REPLICATE:
            total = grad_y.dtype.type(0)
            for j in range(0 if i == 0 else i + before, padded if i == size - 1 else i + before + 1):
                total += grad_y[uint32(start + j * inner)]
        else:
            total, first = grad_y.dtype.type(0), int32(uint32(i + before) % uint32(size))
            for copy in range(copies):
                if first + copy * size < padded:
                    total += grad_y[uint32(start + (first + copy * size) * inner)]
        grad_x[place] = total
