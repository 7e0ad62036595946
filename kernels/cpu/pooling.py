"""Pooling in Numba, a plane (one channel of one image) at a time.

Three ways: halving, for maxima of windows of 2 x 2 side by side; windows, for those 3 columns wide, or 2 wide side by side, which
is what networks use; spans, for all others. And the mean or the maximum of a whole plane is a loop over it.
"""
import functools

import numba
import numpy as np

from .chunks import CHUNK, count
from .compiler import inner, kernel
from .halving import halve_rows, unhalve_rows
from .machine import VECTOR_UNIT
from .spans import max_over_spans, mean_over_spans, origins_of, planes, scatter_to_maxima, share_over_spans, spans_of
from .windows import (
    SIDE, gather_from_maxima, gather_from_maxima_around, gather_from_means, max_of_plane, max_of_windows, mean_of_windows, sum_of_plane,
)

_NARROW = VECTOR_UNIT.bytes // 8   # windows in a row, or fewer: most lanes of a strip would be empty, so maxima are scattered one by one


def max_pool2d(x, y, switches, window, stride, padding):
    """As kernels.reference.pooling.max_pool2d."""
    if _halves(x, y, window, stride, padding):
        _halve(x, y, switches)
    elif _in_strips(window, stride):
        _max_in_strips(x, y, switches, window[0], stride[0], padding, *_counted_out(window, stride))
    elif _is_whole(x, y, window, padding):
        max_of_planes(x.reshape(-1), y.reshape(-1), switches.reshape(-1), window[0] * window[1])
    else:
        max_over_spans(planes(x), planes(y), planes(switches), *_spans(x, y, window, stride, padding), window[1])


def max_pool2d_grad_input(grad_y, switches, grad_x, window, stride, padding):
    """As kernels.reference.pooling.max_pool2d_grad_input."""
    if _halves(grad_x, grad_y, window, stride, padding):
        _, _, out_height, out_width = grad_y.shape
        _, _, height, width = grad_x.shape
        if height > 2 * out_height:   # a last odd row or column is in no window
            grad_x[:, :, 2 * out_height:] = 0
        if width > 2 * out_width:
            grad_x[..., 2 * out_width:] = 0
        _unhalve(grad_y, switches, grad_x)
    elif window == (SIDE, SIDE) and stride == (1, 1) and grad_x.shape == grad_y.shape and padding == (SIDE // 2, SIDE // 2):
        _max_around_grad_input(grad_y.reshape(-1), switches.reshape(-1), grad_x.reshape(-1), grad_x.shape[3])
    elif _in_strips(window, stride) and grad_y.shape[3] > _NARROW:
        _max_in_strips_grad_input(grad_y, switches, grad_x, _reach(grad_x, grad_y, window, stride, padding), stride[0], padding,
                                  *_counted_out(window, stride))
    else:
        scatter_to_maxima(grad_y.reshape(-1), switches.reshape(-1), grad_x.reshape(-1), grad_x.shape[2] * grad_x.shape[3],
                          *_targets(grad_x.shape[2:], grad_y.shape[2:], window, stride, padding))


def avg_pool2d(x, y, window, stride, padding, count_include_pad):
    """As kernels.reference.pooling.avg_pool2d."""
    if _is_whole(x, y, window, padding):
        _mean_of_planes(x, y.reshape(-1), window[0] * window[1])
        return
    counted = _counted(x, y, window, stride, padding, count_include_pad)
    if _in_strips(window, stride):
        _mean_in_strips(x, y, window[0], stride[0], padding, *_counted_out(window, stride), *counted)
    else:
        mean_over_spans(planes(x), planes(y), *_spans(x, y, window, stride, padding), *counted)


def avg_pool2d_grad_input(grad_y, grad_x, window, stride, padding, count_include_pad):
    """As kernels.reference.pooling.avg_pool2d_grad_input."""
    if _is_whole(grad_x, grad_y, window, padding):
        _share_in_planes(grad_y.reshape(-1), grad_x.reshape(-1), window[0] * window[1])
        return
    counted = _counted(grad_x, grad_y, window, stride, padding, count_include_pad)
    if _in_strips(window, stride):
        _mean_in_strips_grad_input(grad_y, grad_x, _reach(grad_x, grad_y, window, stride, padding), stride[0], padding,
                                   *_counted_out(window, stride), *counted)
    else:
        share_over_spans(planes(grad_y), planes(grad_x), *_spans(grad_x, grad_y, window, stride, padding), *counted)


def _halves(x, y, window, stride, padding):
    """Is this a halving, none of whose windows hangs over the edge?"""
    return window == stride == (2, 2) and padding == (0, 0) and 2 * y.shape[2] <= x.shape[2] and 2 * y.shape[3] <= x.shape[3]


def _is_whole(x, y, window, padding):
    """Is there one window to a plane, which is all of it?"""
    return y.shape[2:] == (1, 1) and window == x.shape[2:] and padding == (0, 0)


def _in_strips(window, stride):
    return stride[1] <= 2 and (window[1] == 3 or window[1] == stride[1] == 2)


def _counted_out(window, stride):
    """The columns of a window and those from one window to the next, as tuples of so many elements."""
    return tuple(range(window[1])), tuple(range(stride[1]))


def _spans(x, y, *geometry):
    """Tables of the windows' rows and columns."""
    return [spans_of(*axis) for axis in zip(x.shape[2:], y.shape[2:], *geometry)]


def _reach(x, y, *geometry):
    return _reach_of(x.shape[2], y.shape[2], *(pair[0] for pair in geometry))


@functools.lru_cache(maxsize=1024)
def _reach_of(length, windows, window, stride, padding):
    """(first, end) for every row of the image: the rows of windows that see it."""
    row = np.arange(length) + padding
    return np.stack([np.maximum(0, (row - window) // stride + 1), np.minimum(windows, row // stride + 1)], axis=1)


@functools.lru_cache(maxsize=1024)
def _targets(size, windows, window, stride, padding):
    """For every window, how many numbers of a plane lie before its origin; and for every switch, how many between that and there."""
    row, column = np.divmod(np.arange(window[0] * window[1]), window[1])
    return origins_of(*map(spans_of, size, windows, window, stride, padding), size[1]), row * size[1] + column


def _counted(x, y, window, stride, padding, count_include_pad):
    """For every row and every column of windows: over how many numbers along it the mean is."""
    return [_counted_of(*axis, count_include_pad, x.dtype) for axis in zip(x.shape[2:], y.shape[2:], window, stride, padding)]


@functools.lru_cache(maxsize=1024)
def _counted_of(length, windows, window, stride, padding, count_include_pad, dtype):
    border = padding if count_include_pad else 0
    origin = np.arange(windows) * stride - padding
    return (np.minimum(origin + window, length + border) - np.maximum(origin, -border)).astype(dtype)


@kernel
def _halve(x, y, switches):
    planes = x.shape[0] * x.shape[1]
    if x.size <= CHUNK:
        for plane in range(planes):
            _halve_plane(x, y, switches, plane)
    else:
        for plane in numba.prange(planes):
            _halve_plane(x, y, switches, plane)


@inner
def _halve_plane(x, y, switches, plane):
    _, _, height, width = x.shape
    _, _, out_height, out_width = y.shape
    for i in range(out_height):
        upper = (plane * height + 2 * i) * width
        halve_rows(x, upper, upper + width, y, switches, (plane * out_height + i) * out_width, out_width)


@kernel
def _unhalve(grad_y, switches, grad_x):
    planes = grad_x.shape[0] * grad_x.shape[1]
    if grad_x.size <= CHUNK:
        for plane in range(planes):
            _unhalve_plane(grad_y, switches, grad_x, plane)
    else:
        for plane in numba.prange(planes):
            _unhalve_plane(grad_y, switches, grad_x, plane)


@inner
def _unhalve_plane(grad_y, switches, grad_x, plane):
    _, _, height, width = grad_x.shape
    _, _, out_height, out_width = grad_y.shape
    for i in range(out_height):
        upper = (plane * height + 2 * i) * width
        unhalve_rows(grad_y, switches, (plane * out_height + i) * out_width, grad_x, upper, upper + width, out_width)


@kernel
def _max_in_strips(x, y, switches, rows, down, padding, columns, phases):
    planes = x.shape[0] * x.shape[1]
    if x.size <= CHUNK:
        for plane in range(planes):
            max_of_windows(x, y, switches, plane, rows, down, padding, columns, phases)
    else:
        for plane in numba.prange(planes):
            max_of_windows(x, y, switches, plane, rows, down, padding, columns, phases)


@kernel
def _max_in_strips_grad_input(grad_y, switches, grad_x, reach, down, padding, columns, phases):
    planes = grad_x.shape[0] * grad_x.shape[1]
    if grad_x.size <= CHUNK:
        for plane in range(planes):
            gather_from_maxima(grad_y, switches, grad_x, plane, reach, down, padding, columns, phases)
    else:
        for plane in numba.prange(planes):
            gather_from_maxima(grad_y, switches, grad_x, plane, reach, down, padding, columns, phases)


@kernel
def _max_around_grad_input(grad_y, switches, grad_x, width):
    if grad_x.size <= CHUNK:
        gather_from_maxima_around(grad_y, switches, grad_x, 0, grad_x.size, grad_x.size, width)
    else:
        for i in numba.prange(count(grad_x.size)):
            gather_from_maxima_around(grad_y, switches, grad_x, i * CHUNK, min(grad_x.size, (i + 1) * CHUNK), grad_x.size, width)


@kernel
def max_of_planes(x, y, switches, size):
    """The maximum of every plane of `size` numbers, and where in the plane it is; flat arrays."""
    if x.size <= CHUNK:
        for plane in range(y.size):
            max_of_plane(x, y, switches, plane, size)
    else:
        for plane in numba.prange(y.size):
            max_of_plane(x, y, switches, plane, size)


@kernel
def _mean_in_strips(x, y, rows, down, padding, columns, phases, rows_counted, columns_counted):
    planes = x.shape[0] * x.shape[1]
    if x.size <= CHUNK:
        for plane in range(planes):
            mean_of_windows(x, y, plane, rows, down, padding, columns, phases, rows_counted, columns_counted)
    else:
        for plane in numba.prange(planes):
            mean_of_windows(x, y, plane, rows, down, padding, columns, phases, rows_counted, columns_counted)


@kernel
def _mean_in_strips_grad_input(grad_y, grad_x, reach, down, padding, columns, phases, rows_counted, columns_counted):
    planes = grad_x.shape[0] * grad_x.shape[1]
    if grad_x.size <= CHUNK:
        for plane in range(planes):
            gather_from_means(grad_y, grad_x, plane, reach, down, padding, columns, phases, rows_counted, columns_counted)
    else:
        for plane in numba.prange(planes):
            gather_from_means(grad_y, grad_x, plane, reach, down, padding, columns, phases, rows_counted, columns_counted)


@kernel
def _mean_of_planes(x, y, size):
    if x.size <= CHUNK:
        for plane in range(y.size):
            y[plane] = sum_of_plane(x, plane) / size
    else:
        for plane in numba.prange(y.size):
            y[plane] = sum_of_plane(x, plane) / size


@kernel
def _share_in_planes(grad_y, grad_x, size):
    if grad_x.size <= CHUNK:
        for plane in range(grad_y.size):
            _fill(grad_x[plane * size:(plane + 1) * size], grad_y[plane] / size)
    else:
        for plane in numba.prange(grad_y.size):
            _fill(grad_x[plane * size:(plane + 1) * size], grad_y[plane] / size)


@inner
def _fill(x, value):
    for i in range(x.size):
        x[i] = value
