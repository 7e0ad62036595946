"""Pooling over windows of any kind, which a table for each axis describes: a line (first, end, ...) for every row, or column, of windows,
cut to the image beforehand.

A window is reduced in two steps: first down its columns, for the whole width of the image at once, a loop over contiguous memory
that vectorises and whose result, the band, is shared by neighbouring windows; then along the band.
"""
import functools

import numba
import numpy as np

from .chunks import CHUNK
from .compiler import inner, kernel
from .moving import clear_row
from .rows import max_of_rows


def planes(array):
    """(N, C, H, W) as (N C, H, W)."""
    images, channels, height, width = array.shape
    return array.reshape(images * channels, height, width)


@functools.lru_cache(maxsize=1024)
def spans_of(length, windows, window, stride, padding):
    """(first, end, origin) of every window along an axis: what it sees of the image, and where it would begin without an edge."""
    origin = np.arange(windows) * stride - padding
    return np.stack([np.maximum(origin, 0), np.minimum(origin + window, length), origin], axis=1)


@functools.lru_cache(maxsize=1024)
def adaptive_spans_of(length, windows):
    """The same for windows that divide an axis as evenly as they can. Their origin is the image's."""
    number = np.arange(windows)
    return np.stack([number * length // windows, -((number + 1) * -length // windows), 0 * number], axis=1)


@kernel
def max_over_spans(x, y, switches, rows, columns, pitch):
    """x (P, H, W), y and switches (P, OH, OW), rows (OH, 3), columns (OW, 3).

    A switch is pitch * row + column of the maximum, both counted from the window's origin.
    """
    if x.size <= CHUNK:
        _max_planes(x, y, switches, rows, columns, pitch, 0, len(x))
    else:
        at_once = max(1, CHUNK // (x.shape[1] * x.shape[2]))   # planes in a piece of work
        for piece in numba.prange((len(x) + at_once - 1) // at_once):
            first = np.int64(piece) * at_once   # unsigned in a prange
            _max_planes(x, y, switches, rows, columns, pitch, first, min(len(x), first + at_once))


@inner
def _greater(a, b):
    """Is a the greater number, or the first NaN?"""
    return (not a <= b) & (b == b)


@inner
def _max_planes(x, y, switches, rows, columns, pitch, first_plane, end_plane):
    width = x.shape[2]
    band, band_row = np.empty(width, x.dtype), np.empty(width, np.int32)   # maxima of the columns, and the rows they were in
    for plane in range(first_plane, end_plane):
        for i in range(y.shape[1]):
            first, end, origin = rows[i]
            max_of_rows(x, plane, first, end, band, band_row)
            for j in range(y.shape[2]):
                start, stop, left = columns[j]
                best, switch = band[start], (band_row[start] - origin) * pitch + start - left
                for k in range(start + 1, stop):
                    value, place = band[np.uint64(k)], (band_row[np.uint64(k)] - origin) * pitch + k - left
                    equal = (value == best) | ((value != value) & (best != best))
                    if _greater(value, best) | (equal & (place < switch)):   # of equal ones, a column further on may hold the first
                        best, switch = value, place
                y[plane, i, j], switches[plane, i, j] = best, switch


def origins_of(rows, columns, width):
    """For every window, row by row: how many numbers of a plane of this width lie before its origin."""
    return (rows[:, 2:] * width + columns[:, 2]).reshape(-1)


@kernel
def scatter_to_maxima(grad_y, switches, grad_x, size, origins, places):
    """Flat arrays; a plane of grad_x has `size` numbers. places[switch] says how many of them lie between a window's origin and a maximum;
    where it is None, that is the switch itself."""
    if grad_x.size <= CHUNK:
        _scatter_planes(grad_y, switches, grad_x, size, origins, places, 0, grad_x.size // size)
    else:
        planes, at_once = grad_x.size // size, max(1, CHUNK // size)
        for piece in numba.prange((planes + at_once - 1) // at_once):
            first = np.int64(piece) * at_once
            _scatter_planes(grad_y, switches, grad_x, size, origins, places, first, min(planes, first + at_once))


@inner
def _scatter_planes(grad_y, switches, grad_x, size, origins, places, first, end):
    clear_row(grad_x, first * size, (end - first) * size)
    for plane in range(first, end):
        for window in range(origins.size):
            number = np.uint64(plane * origins.size + window)   # unsigned: no guard against negative indices
            place = switches[number] if places is None else places[np.uint64(switches[number])]
            grad_x[np.uint64(plane * size + origins[np.uint64(window)] + place)] += grad_y[number]


@kernel
def mean_over_spans(x, y, rows, columns, rows_counted, columns_counted):
    """The sum of each window, divided by how many of its rows and columns count."""
    if x.size <= CHUNK:
        for plane in range(len(x)):
            _mean_plane(x[plane], y[plane], rows, columns, rows_counted, columns_counted)
    else:
        for plane in numba.prange(len(x)):
            _mean_plane(x[plane], y[plane], rows, columns, rows_counted, columns_counted)


@inner
def _mean_plane(x, y, rows, columns, rows_counted, columns_counted):
    band = np.empty(x.shape[1], x.dtype)   # sums of the columns
    for i in range(y.shape[0]):
        band[:] = 0
        for r in range(rows[i, 0], rows[i, 1]):
            _add(x[r], band)
        for j in range(y.shape[1]):
            total = x.dtype.type(0)
            for k in range(columns[j, 0], columns[j, 1]):
                total += band[k]
            y[i, j] = total / (rows_counted[i] * columns_counted[j])


@kernel
def share_over_spans(grad_y, grad_x, rows, columns, rows_counted, columns_counted):
    """The way back: every number of a window gets its share."""
    if grad_x.size <= CHUNK:
        for plane in range(len(grad_x)):
            _share_plane(grad_y[plane], grad_x[plane], rows, columns, rows_counted, columns_counted)
    else:
        for plane in numba.prange(len(grad_x)):
            _share_plane(grad_y[plane], grad_x[plane], rows, columns, rows_counted, columns_counted)


@inner
def _share_plane(grad_y, grad_x, rows, columns, rows_counted, columns_counted):
    band = np.empty(grad_x.shape[1], grad_x.dtype)   # what every row of the windows gets
    grad_x[:] = 0
    for i in range(grad_y.shape[0]):
        band[:] = 0
        for j in range(grad_y.shape[1]):
            share = grad_y[i, j] / (rows_counted[i] * columns_counted[j])
            for k in range(columns[j, 0], columns[j, 1]):
                band[k] += share
        for r in range(rows[i, 0], rows[i, 1]):
            _add(band, grad_x[r])


@inner
def _add(x, y):
    for i in range(x.size):
        y[i] += x[i]
