"""Adaptive pooling on a device: a thread for each number that is written, in loops over its window, or over the windows that see it.

A window of one number a plane is a whole plane: a warp takes it. See planes.
"""
from numba import cuda, int32, uint32

from .division import divider, quotient
from .grid import launch_on_grid, position
from .launch import kernel
from .planes import exceeds, max_of_planes, mean_of_planes, share_in_planes


def adaptive_max_pool2d(x, y, places):
    """As kernels.reference.adaptive_pooling.adaptive_max_pool2d."""
    if y.shape[2:] == (1, 1):
        max_of_planes(x, y, places)
    else:
        launch_on_grid(_maxima, y.shape, x, y, places, *_axes(x, y))


def adaptive_max_pool2d_grad_input(grad_y, places, grad_x):
    """As kernels.reference.adaptive_pooling.adaptive_max_pool2d_grad_input."""
    launch_on_grid(_gather_from_maxima, grad_x.shape, grad_y, places, grad_x, *_axes(grad_y, grad_x))


def adaptive_avg_pool2d(x, y):
    """As kernels.reference.adaptive_pooling.adaptive_avg_pool2d."""
    if y.shape[2:] == (1, 1):
        mean_of_planes(x, y)
    else:
        launch_on_grid(_means, y.shape, x, y, *_axes(x, y))


def adaptive_avg_pool2d_grad_input(grad_y, grad_x):
    """As kernels.reference.adaptive_pooling.adaptive_avg_pool2d_grad_input."""
    if grad_y.shape[2:] == (1, 1):
        share_in_planes(grad_y, grad_x)
    else:
        launch_on_grid(_gather_from_means, grad_x.shape, grad_y, grad_x, *_axes(grad_y, grad_x),
                       *divider(grad_y.shape[2]), *divider(grad_y.shape[3]))


def _axes(seen, made):
    """For rows and columns: how many are seen, how many are made, and how to divide by the latter."""
    return [number for axis in zip(seen.shape[2:], made.shape[2:]) for number in (*axis, *divider(axis[1]))]


@cuda.jit(device=True)
def _reach(number, seen, per_made, shift, made):
    """From floor(number seen / made) to ceil((number + 1) seen / made).

    That is what window `number` sees of the input's axis; and, input and output exchanged, which windows see a position: i H / OH < h + 1
    just where i < (h + 1) OH / H, and (i + 1) H / OH > h just where i >= floor(h OH / H).
    """
    return int32(quotient(number * seen, per_made, shift)), int32(quotient((number + 1) * seen + made - 1, per_made, shift))


@kernel
def _maxima(x, y, places, height, out_height, per_row, row_shift, width, out_width, per_column, column_shift, threads,
            lines, per_lines, lines_shift, across, per_across, across_shift):
    thread = int32(cuda.grid(1))
    if thread >= threads:
        return
    plane, i, j = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
    top, end_row = _reach(i, height, per_row, row_shift, out_height)
    left, end_column = _reach(j, width, per_column, column_shift, out_width)
    place = int32(top * width + left)
    best = x[uint32(plane * height * width + place)]
    for row in range(top, end_row):
        for column in range(left, end_column):
            value = x[uint32((plane * height + row) * width + column)]
            if exceeds(value, best):
                best, place = value, int32(row * width + column)
    y[uint32(thread)] = best
    places[uint32(thread)] = place


@kernel
def _gather_from_maxima(grad_y, places, grad_x, out_height, height, per_row, row_shift, out_width, width, per_column, column_shift, threads,
                        lines, per_lines, lines_shift, across, per_across, across_shift):
    thread = int32(cuda.grid(1))
    if thread >= threads:
        return
    plane, row, column = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
    first_row, end_row = _reach(row, out_height, per_row, row_shift, height)
    first_column, end_column = _reach(column, out_width, per_column, column_shift, width)
    total = grad_x.dtype.type(0)
    for i in range(first_row, end_row):
        for j in range(first_column, end_column):
            window = uint32((plane * out_height + i) * out_width + j)
            if places[window] == row * width + column:
                total += grad_y[window]
    grad_x[uint32(thread)] = total


@kernel
def _means(x, y, height, out_height, per_row, row_shift, width, out_width, per_column, column_shift, threads,
           lines, per_lines, lines_shift, across, per_across, across_shift):
    thread = int32(cuda.grid(1))
    if thread >= threads:
        return
    plane, i, j = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
    top, end_row = _reach(i, height, per_row, row_shift, out_height)
    left, end_column = _reach(j, width, per_column, column_shift, out_width)
    total = x.dtype.type(0)
    for row in range(top, end_row):
        for column in range(left, end_column):
            total += x[uint32((plane * height + row) * width + column)]
    y[uint32(thread)] = total / x.dtype.type((end_row - top) * (end_column - left))


@kernel
def _gather_from_means(grad_y, grad_x, out_height, height, per_row, row_shift, out_width, width, per_column, column_shift,
                       per_out_row, out_row_shift, per_out_column, out_column_shift, threads,
                       lines, per_lines, lines_shift, across, per_across, across_shift):
    thread = int32(cuda.grid(1))
    if thread >= threads:
        return
    plane, row, column = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
    first_row, end_row = _reach(row, out_height, per_row, row_shift, height)
    first_column, end_column = _reach(column, out_width, per_column, column_shift, width)
    total = grad_x.dtype.type(0)
    for i in range(first_row, end_row):
        top, bottom = _reach(i, height, per_out_row, out_row_shift, out_height)
        for j in range(first_column, end_column):
            left, right = _reach(j, width, per_out_column, out_column_shift, out_width)
            total += grad_y[uint32((plane * out_height + i) * out_width + j)] / grad_x.dtype.type((bottom - top) * (right - left))
    grad_x[uint32(thread)] = total
