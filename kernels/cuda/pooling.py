"""Pooling on a device. Every thread gathers: no two write the same number, so nothing depends on their order.

Three rungs. The plain kernels compute one number a thread, in loops over whatever window there is. Others are made for one window and
stride, so that the loops unroll and the arithmetic of positions is done by the compiler; a thread makes several numbers, which share
what they read and where it is. And what networks use most moves 16 bytes at a time: see fours, and planes for the mean of a whole plane.
"""
import functools

import numpy as np
from numba import cuda, int32, uint32

from .fours import counted, go_in_fours, max_in_fours, mean_in_fours
from .grid import launch_on_grid, position
from .intrinsics import store4
from .launch import blocks, kernel
from .planes import exceeds, mean_of_planes, share_in_planes

_UNROLLED = 25    # positions of a window, at most, that a kernel is made for
_NOWHERE = 256    # a switch that no window has


def max_pool2d(x, y, switches, window, stride, padding):
    """As kernels.reference.pooling.max_pool2d. A thread takes windows one below the other, and looks at each row of theirs once."""
    if go_in_fours(x, y, window, stride, padding, switches):
        max_in_fours(x, y, switches, window, stride, padding)
    elif _is_small(window):
        tall = _tall(window, stride)
        _launch(_maxima(window, stride, tall), x, y, tall, x, y, switches, *padding)
    else:
        _launch(_plain_maxima, x, y, 1, x, y, switches, *window, *stride, *padding)


def max_pool2d_grad_input(grad_y, switches, grad_x, window, stride, padding):
    """As kernels.reference.pooling.max_pool2d_grad_input. A thread makes a patch of grad_x from all windows that cover some of it."""
    if _is_small(window) and max(stride) <= 2:
        patch = _patch(grad_x)
        _launch_patches(_gather_from_maxima(window, stride, padding, patch), grad_y, grad_x, patch, grad_y, switches, grad_x)
    else:
        _launch_patches(_plain_gather_from_maxima, grad_y, grad_x, (1, 1), grad_y, switches, grad_x, *window, *stride, *padding)


def avg_pool2d(x, y, window, stride, padding, count_include_pad):
    """As kernels.reference.pooling.avg_pool2d. A thread takes windows one below the other, and adds up each row of theirs once."""
    border = _border(padding, count_include_pad)
    if _is_whole(x, y, window, padding):
        mean_of_planes(x, y)
    elif go_in_fours(x, y, window, stride, padding):
        mean_in_fours(x, y, window, stride, padding, border)
    elif _is_small(window):
        tall = _tall(window, stride)
        _launch(_means(window, stride, tall), x, y, tall, x, y, *padding, *border)
    else:
        _launch(_plain_means, x, y, 1, x, y, *window, *stride, *padding, *border)


def avg_pool2d_grad_input(grad_y, grad_x, window, stride, padding, count_include_pad):
    """As kernels.reference.pooling.avg_pool2d_grad_input. A thread makes a patch of grad_x from all windows that cover some of it."""
    border = _border(padding, count_include_pad)
    if _is_whole(grad_x, grad_y, window, padding):
        share_in_planes(grad_y, grad_x)
    elif _is_small(window) and max(stride) <= 2:
        patch = _patch(grad_x)
        _launch_patches(_gather_from_means(window, stride, padding, patch), grad_y, grad_x, patch, grad_y, grad_x, *border)
    else:
        _launch_patches(_plain_gather_from_means, grad_y, grad_x, (1, 1), grad_y, grad_x, *window, *stride, *padding, *border)


def _is_small(window):
    return window[0] * window[1] <= _UNROLLED


def _tall(window, stride):
    """How many windows, one below the other, a thread takes: the more they share."""
    return 4 if stride[0] == 1 and window[0] <= 3 else 2 if window[0] <= 3 else 1


def _is_whole(x, y, window, padding):
    """Is there one window to a plane, which is all of it?"""
    return y.shape[2:] == (1, 1) and window == x.shape[2:] and padding == (0, 0)


def _patch(grad_x):
    """Rows and columns of a gradient that one thread makes: they are seen by almost the same windows. Four in a row are one store."""
    return 2, 4 if grad_x.dtype == np.float32 and grad_x.shape[3] % 4 == 0 and grad_x.address % 16 == 0 else 2


def _border(padding, count_include_pad):
    """How much of the padding is counted in a mean."""
    return padding if count_include_pad else (0, 0)


def _launch(pool, x, y, tall, *arguments):
    """A thread for every column of y and every `tall` rows of a plane of it."""
    launch_on_grid(pool, (*y.shape[:2], blocks(y.shape[2], tall), y.shape[3]), *arguments, *x.shape[2:], *y.shape[2:])


def _launch_patches(gather, grad_y, grad_x, patch, *arguments):
    """A thread for every patch of a plane of grad_x."""
    launch_on_grid(gather, (*grad_x.shape[:2], *map(blocks, grad_x.shape[2:], patch)), *arguments, *grad_x.shape[2:], *grad_y.shape[2:])


@kernel
def _plain_maxima(x, y, switches, rows, columns, down, right, padding, side_padding, height, width, out_height, out_width, threads,
                  lines, per_lines, lines_shift, across, per_across, across_shift):
    thread = int32(cuda.grid(1))
    if thread >= threads:
        return
    plane, i, j = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
    top, left = int32(i * down - padding), int32(j * right - side_padding)
    first_row, first_column = max(top, int32(0)), max(left, int32(0))
    end_row, end_column = min(int32(top + rows), height), min(int32(left + columns), width)
    best = x[uint32((plane * height + first_row) * width + first_column)]
    switch = int32((first_row - top) * columns + first_column - left)
    for row in range(first_row, end_row):
        for column in range(first_column, end_column):
            value = x[uint32((plane * height + row) * width + column)]
            if exceeds(value, best):
                best, switch = value, int32((row - top) * columns + column - left)
    y[uint32(thread)] = best
    switches[uint32(thread)] = switch


@functools.cache
def _maxima(window, stride, tall):
    """Made for a window: `tall` windows one below the other, a thread.

    Rows and columns outside the image are moved to its edge: what is seen twice is not larger than itself, and a switch counts from
    where it really is. So all loads can begin at once, and none of them asks.
    """
    (rows, columns), (down, right) = window, stride
    seen = (tall - 1) * down + rows

    @kernel
    def maxima(x, y, switches, padding, side_padding, height, width, out_height, out_width, threads,
               lines, per_lines, lines_shift, across, per_across, across_shift):
        thread = int32(cuda.grid(1))
        if thread >= threads:
            return
        plane, group, j = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
        top, left = int32(group * (tall * down) - padding), int32(j * right - side_padding)
        best_of_row, column_of_row = cuda.local.array(seen, x.dtype), cuda.local.array(seen, np.int32)
        for r in range(seen):
            start = int32((plane * height + min(max(int32(top + r), int32(0)), int32(height - 1))) * width)
            column = max(left, int32(0))
            best = x[uint32(start + column)]
            for c in range(1, columns):
                other = min(max(int32(left + c), int32(0)), int32(width - 1))
                value = x[uint32(start + other)]
                if exceeds(value, best):
                    best, column = value, other
            best_of_row[r], column_of_row[r] = best, column
        for number in range(tall):
            i = int32(group * tall + number)
            origin = int32(top + number * down)
            best, column, row = best_of_row[number * down], column_of_row[number * down], max(origin, int32(0))
            for r in range(1, rows):
                if exceeds(best_of_row[number * down + r], best):
                    best, column = best_of_row[number * down + r], column_of_row[number * down + r]
                    row = min(max(int32(origin + r), int32(0)), int32(height - 1))
            if i < out_height:
                place = uint32((plane * out_height + i) * out_width + j)
                y[place] = best
                switches[place] = int32((row - origin) * columns + column - left)
    return maxima


@kernel
def _plain_means(x, y, rows, columns, down, right, padding, side_padding, border, side_border, height, width, out_height, out_width,
                 threads, lines, per_lines, lines_shift, across, per_across, across_shift):
    thread = int32(cuda.grid(1))
    if thread >= threads:
        return
    plane, i, j = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
    top, left = int32(i * down - padding), int32(j * right - side_padding)
    total = x.dtype.type(0)
    for row in range(max(top, int32(0)), min(int32(top + rows), height)):
        for column in range(max(left, int32(0)), min(int32(left + columns), width)):
            total += x[uint32((plane * height + row) * width + column)]
    count = (counted(int32(i * down - padding), rows, height, border)
             * counted(int32(j * right - side_padding), columns, width, side_border))
    y[uint32(thread)] = total / x.dtype.type(count)


@functools.cache
def _means(window, stride, tall):
    """Made for a window: `tall` windows one below the other, a thread; what lies outside the image is 0.

    There another number is read and not used: so all loads can begin at once, and none of them asks.
    """
    (rows, columns), (down, right) = window, stride
    seen = (tall - 1) * down + rows

    @kernel
    def means(x, y, padding, side_padding, border, side_border, height, width, out_height, out_width, threads,
              lines, per_lines, lines_shift, across, per_across, across_shift):
        thread = int32(cuda.grid(1))
        if thread >= threads:
            return
        plane, group, j = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
        top, left = int32(group * (tall * down) - padding), int32(j * right - side_padding)
        sum_of_row = cuda.local.array(seen, x.dtype)
        for r in range(seen):
            row = int32(top + r)
            start, total = int32((plane * height + row) * width + left), x.dtype.type(0)
            for c in range(columns):
                exists = uint32(row) < uint32(height) and uint32(left + c) < uint32(width)
                value = x[uint32(start + c if exists else 0)]
                total += value if exists else x.dtype.type(0)
            sum_of_row[r] = total
        in_columns = counted(left, columns, width, side_border)
        for number in range(tall):
            i = int32(group * tall + number)
            total = x.dtype.type(0)
            for r in range(rows):
                total += sum_of_row[number * down + r]
            if i < out_height:
                count = in_columns * counted(int32(i * down - padding), rows, height, border)
                y[uint32((plane * out_height + i) * out_width + j)] = total / x.dtype.type(count)
    return means


@kernel
def _plain_gather_from_maxima(grad_y, switches, grad_x, rows, columns, down, right, padding, side_padding, height, width, out_height,
                              out_width, threads, lines, per_lines, lines_shift, across, per_across, across_shift):
    thread = int32(cuda.grid(1))
    if thread >= threads:
        return
    plane, row, column = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
    row, column = int32(row + padding), int32(column + side_padding)
    total = grad_x.dtype.type(0)
    for i in range(_first(row, rows, down), min(_begun(row, down), out_height)):
        for j in range(_first(column, columns, right), min(_begun(column, right), out_width)):
            place = uint32((plane * out_height + i) * out_width + j)
            if switches[place] == (row - i * down) * columns + column - j * right:
                total += grad_y[place]
    grad_x[uint32(thread)] = total


@cuda.jit(device=True)
def _first(position, window, step):
    """The first window that covers a position, padding included."""
    return int32(uint32(max(int32(position - window + step), int32(0))) // uint32(step))


@cuda.jit(device=True)
def _begun(position, step):
    """How many windows begin at it or before, padding included."""
    return int32(uint32(position) // uint32(step) + uint32(1))


def _covering(window, step, padding, patch):
    """The windows that cover some of patch number a, which are those from a patch / step + first on: (first, how many).

    Position d of the patch is the input's a patch + d; with the padding before it, place a patch + d + padding of all windows, of
    which number a patch / step + m begins at a patch + m step.
    """
    first, last = -((window - 1 - padding) // step), (patch - 1 + padding) // step
    return first, last - first + 1


@functools.cache
def _gather_from_maxima(window, stride, padding, patch):
    """Made for a window: the maxima of every window that covers some of a patch are looked up once.

    Where there is none another one is read and not used: so all loads can begin at once, and none of them asks.
    """
    (rows, columns), (down, right), (tall, wide) = window, stride, patch
    (first, high), (side_first, broad) = [_covering(*axis) for axis in zip(window, stride, padding, (tall, wide))]
    nearest, side_nearest = padding[0] - first * down, padding[1] - side_first * right   # from the first window to the patch
    step, side_step, positions = tall // down, wide // right, tall * wide

    @kernel
    def gather(grad_y, switches, grad_x, height, width, out_height, out_width, threads,
               lines, per_lines, lines_shift, across, per_across, across_shift):
        thread = int32(cuda.grid(1))
        if thread >= threads:
            return
        plane, a, b = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
        total = cuda.local.array(positions, grad_x.dtype)
        for number in range(positions):
            total[number] = grad_x.dtype.type(0)
        for m in range(high):
            for n in range(broad):
                i, j = int32(a * step + first + m), int32(b * side_step + side_first + n)
                exists = uint32(i) < uint32(out_height) and uint32(j) < uint32(out_width)
                place = uint32((plane * out_height + i) * out_width + j if exists else 0)
                gradient, switch = grad_y[place], int32(switches[place])
                if not exists:
                    switch = int32(_NOWHERE)
                for d in range(tall):
                    for e in range(wide):
                        r, c = nearest + d - m * down, side_nearest + e - n * right
                        if 0 <= r < rows and 0 <= c < columns and switch == r * columns + c:
                            total[d * wide + e] += gradient
        for d in range(tall):
            row = int32(a * tall + d)
            if row < height:
                place = int32((plane * height + row) * width + b * wide)
                if wide == 4:
                    store4(grad_x, uint32(place), total[4 * d], total[4 * d + 1], total[4 * d + 2], total[4 * d + 3])
                else:
                    grad_x[uint32(place)] = total[2 * d]
                    if b * 2 + 1 < width:
                        grad_x[uint32(place + 1)] = total[2 * d + 1]
    return gather


@kernel
def _plain_gather_from_means(grad_y, grad_x, rows, columns, down, right, padding, side_padding, border, side_border, height, width,
                             out_height, out_width, threads, lines, per_lines, lines_shift, across, per_across, across_shift):
    thread = int32(cuda.grid(1))
    if thread >= threads:
        return
    plane, row, column = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
    row, column = int32(row + padding), int32(column + side_padding)
    total = grad_x.dtype.type(0)
    for i in range(_first(row, rows, down), min(_begun(row, down), out_height)):
        for j in range(_first(column, columns, right), min(_begun(column, right), out_width)):
            count = (counted(int32(i * down - padding), rows, height, border)
                     * counted(int32(j * right - side_padding), columns, width, side_border))
            total += grad_y[uint32((plane * out_height + i) * out_width + j)] / grad_x.dtype.type(count)
    grad_x[uint32(thread)] = total


@functools.cache
def _gather_from_means(window, stride, padding, patch):
    """Made for a window: the share of every window that covers some of a patch is computed once."""
    (rows, columns), (down, right), (tall, wide) = window, stride, patch
    (first, high), (side_first, broad) = [_covering(*axis) for axis in zip(window, stride, padding, (tall, wide))]
    nearest, side_nearest = padding[0] - first * down, padding[1] - side_first * right
    step, side_step, positions = tall // down, wide // right, tall * wide

    @kernel
    def gather(grad_y, grad_x, border, side_border, height, width, out_height, out_width, threads,
               lines, per_lines, lines_shift, across, per_across, across_shift):
        thread = int32(cuda.grid(1))
        if thread >= threads:
            return
        plane, a, b = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
        total = cuda.local.array(positions, grad_x.dtype)
        for number in range(positions):
            total[number] = grad_x.dtype.type(0)
        for m in range(high):
            for n in range(broad):
                i, j = int32(a * step + first + m), int32(b * side_step + side_first + n)
                exists = uint32(i) < uint32(out_height) and uint32(j) < uint32(out_width)
                share = grad_y[uint32((plane * out_height + i) * out_width + j if exists else 0)]
                count = (counted(int32(i * down - padding[0]), rows, height, border)
                         * counted(int32(j * right - padding[1]), columns, width, side_border))
                share = share / grad_x.dtype.type(count) if exists else grad_x.dtype.type(0)
                for d in range(tall):
                    for e in range(wide):
                        if 0 <= nearest + d - m * down < rows and 0 <= side_nearest + e - n * right < columns:
                            total[d * wide + e] += share
        for d in range(tall):
            row = int32(a * tall + d)
            if row < height:
                place = int32((plane * height + row) * width + b * wide)
                if wide == 4:
                    store4(grad_x, uint32(place), total[4 * d], total[4 * d + 1], total[4 * d + 2], total[4 * d + 3])
                else:
                    grad_x[uint32(place)] = total[2 * d]
                    if b * 2 + 1 < width:
                        grad_x[uint32(place + 1)] = total[2 * d + 1]
    return gather
