"""Pooling in Numba, a plane (one channel of one image) at a time.

A window is reduced in two steps: first down its columns, for the whole width of the image at once, a loop over contiguous memory that
vectorises and whose result, the band, is shared by neighbouring windows; then along the band. The usual halving of an image, windows of
2 x 2 side by side, is quicker in one step: maximum and switch of four numbers, without a branch.
"""
import numba
import numpy as np

from .chunks import CHUNK
from .compiler import inner, kernel

_HALVING = (2, 2), (2, 2), (0, 0)   # window, stride, padding


def max_pool2d(x, y, switches, window, stride, padding):
    """As kernels.reference.pooling.max_pool2d."""
    x, y, switches = _planes(x), _planes(y), _planes(switches)
    if (window, stride, padding) == _HALVING:
        _halve(x, y, switches)
    else:
        _max_pool2d(x, y, switches, window, stride, padding)


def max_pool2d_grad_input(grad_y, switches, grad_x, window, stride, padding):
    """As kernels.reference.pooling.max_pool2d_grad_input."""
    grad_y, switches, grad_x = _planes(grad_y), _planes(switches), _planes(grad_x)
    if (window, stride, padding) == _HALVING:
        _halve_grad_input(grad_y, switches, grad_x)
    else:
        _max_pool2d_grad_input(grad_y, switches, grad_x, window, stride, padding)


def avg_pool2d(x, y, window, stride, padding, count_include_pad):
    """As kernels.reference.pooling.avg_pool2d."""
    _avg_pool2d(_planes(x), _planes(y), window, stride, padding, count_include_pad)


def avg_pool2d_grad_input(grad_y, grad_x, window, stride, padding, count_include_pad):
    """As kernels.reference.pooling.avg_pool2d_grad_input."""
    _avg_pool2d_grad_input(_planes(grad_y), _planes(grad_x), window, stride, padding, count_include_pad)


def _planes(array):
    images, channels, height, width = array.shape
    return array.reshape(images * channels, height, width)


@kernel
def _halve(x, y, switches):
    if x.size <= CHUNK:
        for plane in range(len(x)):
            _halve_plane(x[plane], y[plane], switches[plane])
    else:
        for plane in numba.prange(len(x)):
            _halve_plane(x[plane], y[plane], switches[plane])


@inner
def _halve_plane(x, y, switches):
    width = y.shape[1]
    for i in range(y.shape[0]):
        upper, lower = x[2 * i, :2 * width], x[2 * i + 1, :2 * width]
        row, where = y[i], switches[i]
        for j in range(width):
            best, switch = upper[2 * j], 0
            best, switch = _greater(upper[2 * j + 1], 1, best, switch)
            best, switch = _greater(lower[2 * j], 2, best, switch)
            best, switch = _greater(lower[2 * j + 1], 3, best, switch)
            row[j] = best
            where[j] = switch


@inner
def _greater(a, place_a, b, place_b):
    """(b, place_b), or (a, place_a) if a is the greater number, or the first NaN."""
    greater = (not a <= b) & (b == b)
    return a if greater else b, place_a if greater else place_b


@kernel
def _halve_grad_input(grad_y, switches, grad_x):
    if grad_x.size <= CHUNK:
        for plane in range(len(grad_x)):
            _halve_plane_grad_input(grad_y[plane], switches[plane], grad_x[plane])
    else:
        for plane in numba.prange(len(grad_x)):
            _halve_plane_grad_input(grad_y[plane], switches[plane], grad_x[plane])


@inner
def _halve_plane_grad_input(grad_y, switches, grad_x):
    height, width = grad_y.shape
    zero = grad_y.dtype.type(0)
    for i in range(height):
        gradient, switch = grad_y[i], switches[i]
        for r in range(2):
            row = grad_x[2 * i + r]
            for j in range(width):
                row[2 * j] = gradient[j] if switch[j] == 2 * r else zero
                row[2 * j + 1] = gradient[j] if switch[j] == 2 * r + 1 else zero
            row[2 * width:] = zero
    grad_x[2 * height:] = zero


@kernel
def _max_pool2d(x, y, switches, window, stride, padding):
    if x.size <= CHUNK:
        for plane in range(len(x)):
            _max_plane(x[plane], y[plane], switches[plane], window, stride, padding)
    else:
        for plane in numba.prange(len(x)):
            _max_plane(x[plane], y[plane], switches[plane], window, stride, padding)


@inner
def _max_plane(x, y, switches, window, stride, padding):
    (height, width), (rows, columns) = x.shape, window
    band, band_row = np.empty(width, x.dtype), np.empty(width, np.int32)   # maxima of the columns, and the rows they were in
    for i in range(y.shape[0]):
        top = i * stride[0] - padding[0]
        band[:] = x[max(0, top)]
        band_row[:] = max(0, -top)
        for r in range(max(0, -top) + 1, min(rows, height - top)):
            row = x[top + r]
            for k in range(width):
                band[k], band_row[k] = _greater(row[k], r, band[k], band_row[k])
        for j in range(y.shape[1]):
            left = j * stride[1] - padding[1]
            first, end = max(0, left), min(width, left + columns)
            seen, seen_row = band[first:end], band_row[first:end]
            best, switch = seen[0], seen_row[0] * columns + first - left
            for k in range(1, seen.size):
                value, place = seen[k], seen_row[k] * columns + first - left + k
                equal = (value == best) | ((value != value) & (best != best))
                earlier = equal & (place < switch)   # the column of a later window position can hold the first maximum
                best, switch = _greater(value, place, best, place if earlier else switch)
            y[i, j] = best
            switches[i, j] = switch


@kernel
def _max_pool2d_grad_input(grad_y, switches, grad_x, window, stride, padding):
    (rows, columns), width = window, grad_x.shape[2]
    places = np.empty(rows * columns, np.int64)   # of a window's positions, in a plane
    for switch in range(rows * columns):
        places[switch] = switch // columns * width + switch % columns
    if grad_x.size <= CHUNK:
        for plane in range(len(grad_x)):
            _max_plane_grad_input(grad_y[plane], switches[plane], grad_x[plane], places, stride, padding)
    else:
        for plane in numba.prange(len(grad_x)):
            _max_plane_grad_input(grad_y[plane], switches[plane], grad_x[plane], places, stride, padding)


@inner
def _max_plane_grad_input(grad_y, switches, grad_x, places, stride, padding):
    height, width = grad_x.shape
    plane = grad_x.reshape(height * width)
    plane[:] = 0
    for i in range(grad_y.shape[0]):
        for j in range(grad_y.shape[1]):
            corner = (i * stride[0] - padding[0]) * width + j * stride[1] - padding[1]
            plane[np.uint64(corner + places[switches[i, j]])] += grad_y[i, j]   # unsigned: no guard against negative indices


@kernel
def _avg_pool2d(x, y, window, stride, padding, count_include_pad):
    if x.size <= CHUNK:
        for plane in range(len(x)):
            _avg_plane(x[plane], y[plane], window, stride, padding, count_include_pad)
    else:
        for plane in numba.prange(len(x)):
            _avg_plane(x[plane], y[plane], window, stride, padding, count_include_pad)


@inner
def _avg_plane(x, y, window, stride, padding, count_include_pad):
    (height, width), (rows, columns) = x.shape, window
    band = np.empty(width, x.dtype)   # sums of the columns
    for i in range(y.shape[0]):
        top = i * stride[0] - padding[0]
        first_row, end_row = max(0, top), min(height, top + rows)
        band[:] = x[first_row]
        for r in range(first_row + 1, end_row):
            _add(x[r], band)
        for j in range(y.shape[1]):
            left = j * stride[1] - padding[1]
            first, end = max(0, left), min(width, left + columns)
            total = x.dtype.type(0)
            for k in range(first, end):
                total += band[k]
            y[i, j] = total / (rows * columns if count_include_pad else (end_row - first_row) * (end - first))


@kernel
def _avg_pool2d_grad_input(grad_y, grad_x, window, stride, padding, count_include_pad):
    if grad_x.size <= CHUNK:
        for plane in range(len(grad_x)):
            _avg_plane_grad_input(grad_y[plane], grad_x[plane], window, stride, padding, count_include_pad)
    else:
        for plane in numba.prange(len(grad_x)):
            _avg_plane_grad_input(grad_y[plane], grad_x[plane], window, stride, padding, count_include_pad)


@inner
def _avg_plane_grad_input(grad_y, grad_x, window, stride, padding, count_include_pad):
    (height, width), (rows, columns) = grad_x.shape, window
    band = np.empty(width, grad_x.dtype)   # what every row of the windows gets
    grad_x[:] = 0
    for i in range(grad_y.shape[0]):
        top = i * stride[0] - padding[0]
        first_row, end_row = max(0, top), min(height, top + rows)
        band[:] = 0
        for j in range(grad_y.shape[1]):
            left = j * stride[1] - padding[1]
            first, end = max(0, left), min(width, left + columns)
            share = grad_y[i, j] / (rows * columns if count_include_pad else (end_row - first_row) * (end - first))
            for k in range(first, end):
                band[k] += share
        for r in range(first_row, end_row):
            _add(band, grad_x[r])


@inner
def _add(x, y):
    for i in range(x.size):
        y[i] += x[i]
