"""Pooling that halves, four windows in a row to a thread: for windows of 2 columns side by side, or of 3 that begin one before the image.

Both see eight columns of a row, which are two loads of 16 bytes, and of 3 the one before as well; results leave in one store. So a
warp moves kilobytes at a time, and what a window shares with the next is read once.
"""
import functools

import numpy as np
from numba import cuda, int32, uint32

from .array import DeviceArray
from .grid import launch_on_grid, position
from .intrinsics import load4, store4
from .launch import blocks, kernel
from .planes import exceeds

_TALL = 2   # such fours, one below the other, that a thread makes


def go_in_fours(x, y, window, stride, padding, switches=None):
    """Can these be pooled here?"""
    return (x.dtype == np.float32 and window[0] <= 3 and (window[1], padding[1]) in ((2, 0), (3, 1)) and stride in ((1, 2), (2, 2))
            and x.shape[3] % 8 == 0 and 2 * y.shape[3] == x.shape[3] and x.address % 16 == y.address % 16 == 0
            and (switches is None or switches.address % 4 == 0))


def max_in_fours(x, y, switches, window, stride, padding):
    """As kernels.reference.pooling.max_pool2d."""
    packed = DeviceArray(switches.machine, switches.memory, switches.address, (switches.size // 4,), np.dtype(np.uint32))
    _launch(_maxima(window, stride[0]), x, y, x, y, packed, padding[0], *x.shape[2:], *y.shape[2:])


def mean_in_fours(x, y, window, stride, padding, border):
    """As kernels.reference.pooling.avg_pool2d; border is how much of the padding is counted."""
    _launch(_means(window, stride[0]), x, y, x, y, padding[0], *border, *x.shape[2:], *y.shape[2:])


def _launch(pool, x, y, *arguments):
    launch_on_grid(pool, (*y.shape[:2], blocks(y.shape[2], _TALL), y.shape[3] // 4), *arguments)


@cuda.jit(device=True)
def counted(origin, window, length, border):
    """How many positions of a window that begins at `origin` a mean is over: `border` of padding counts, what hangs over it does not."""
    return int32(min(int32(origin + window), int32(length + border)) - max(origin, int32(-border)))


@functools.cache
def _maxima(window, down):
    """The rows outside the image are moved to its edge, and so is the column before it, as in pooling."""
    rows, columns = window
    before, seen = columns - 2, (_TALL - 1) * down + rows
    fours = 4 * seen

    @kernel
    def maxima(x, y, switches, padding, height, width, out_height, out_width, threads,
               lines, per_lines, lines_shift, across, per_across, across_shift):
        thread = int32(cuda.grid(1))
        if thread >= threads:
            return
        plane, group, b = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
        top = int32(group * (_TALL * down) - padding)
        line = cuda.local.array(9, x.dtype)
        best_of_row, column_of_row = cuda.local.array(fours, x.dtype), cuda.local.array(fours, np.int32)
        hidden = int32(1 if b == 0 else 0)   # columns of the first window before the image
        for r in range(seen):
            row = min(max(int32(top + r), int32(0)), int32(height - 1))
            start = int32((plane * height + row) * width + 8 * b)
            line[before], line[before + 1], line[before + 2], line[before + 3] = load4(x, uint32(start))
            line[before + 4], line[before + 5], line[before + 6], line[before + 7] = load4(x, uint32(start + 4))
            if before:
                line[0] = x[uint32(start - 1 + hidden)]
            for k in range(4):
                best, column = line[2 * k], int32(0)
                if before and k == 0:
                    column = hidden
                for c in range(1, columns):
                    if exceeds(line[2 * k + c], best):
                        best, column = line[2 * k + c], int32(c)
                best_of_row[4 * r + k], column_of_row[4 * r + k] = best, column
        best_of_four = cuda.local.array(4, x.dtype)
        for number in range(_TALL):
            i, origin = int32(group * _TALL + number), int32(top + number * down)
            packed = uint32(0)
            for k in range(4):
                first = 4 * number * down + k
                best, column, row = best_of_row[first], column_of_row[first], max(origin, int32(0))
                for r in range(1, rows):
                    if exceeds(best_of_row[first + 4 * r], best):
                        best, column = best_of_row[first + 4 * r], column_of_row[first + 4 * r]
                        row = min(max(int32(origin + r), int32(0)), int32(height - 1))
                best_of_four[k] = best
                packed = uint32(packed | uint32(((row - origin) * columns + column) << 8 * k))
            if i < out_height:
                place = uint32((plane * out_height + i) * out_width + 4 * b)
                store4(y, place, best_of_four[0], best_of_four[1], best_of_four[2], best_of_four[3])
                switches[place // uint32(4)] = packed
    return maxima


@functools.cache
def _means(window, down):
    """What lies outside the image is 0."""
    rows, columns = window
    before, seen = columns - 2, (_TALL - 1) * down + rows
    fours = 4 * seen

    @kernel
    def means(x, y, padding, border, side_border, height, width, out_height, out_width, threads,
              lines, per_lines, lines_shift, across, per_across, across_shift):
        thread = int32(cuda.grid(1))
        if thread >= threads:
            return
        plane, group, b = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
        top, zero = int32(group * (_TALL * down) - padding), x.dtype.type(0)
        line, sum_of_row = cuda.local.array(9, x.dtype), cuda.local.array(fours, x.dtype)
        for r in range(seen):
            row = int32(top + r)
            start = int32((plane * height + row) * width + 8 * b)
            for number in range(9):
                line[number] = zero
            if uint32(row) < uint32(height):
                line[before], line[before + 1], line[before + 2], line[before + 3] = load4(x, uint32(start))
                line[before + 4], line[before + 5], line[before + 6], line[before + 7] = load4(x, uint32(start + 4))
                if before and b > 0:
                    line[0] = x[uint32(start - 1)]
            for k in range(4):
                total = line[2 * k]
                for c in range(1, columns):
                    total += line[2 * k + c]
                sum_of_row[4 * r + k] = total
        mean = cuda.local.array(4, x.dtype)
        for number in range(_TALL):
            i = int32(group * _TALL + number)
            in_rows = counted(int32(top + number * down), rows, height, border)
            for k in range(4):
                first = 4 * number * down + k
                total = sum_of_row[first]
                for r in range(1, rows):
                    total += sum_of_row[first + 4 * r]
                mean[k] = total / x.dtype.type(in_rows * counted(int32(8 * b + 2 * k - before), columns, width, side_border))
            if i < out_height:
                store4(y, uint32((plane * out_height + i) * out_width + 4 * b), mean[0], mean[1], mean[2], mean[3])
    return means
