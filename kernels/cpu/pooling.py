"""Pooling in Numba, a plane (one channel of one image) at a time.

A window is reduced in two steps: first down its columns, for the whole width of the image at once, a loop over contiguous
memory that vectorises and whose result, the band, is shared by neighbouring windows; then along the band. The usual halving of
an image, windows of 2 x 2 side by side, has its own way: see halving.
"""
import numba
import numpy as np

from .chunks import CHUNK
from .compiler import inner, kernel
from .halving import halve_rows, unhalve_rows


def max_pool2d(x, y, switches, window, stride, padding):
    """As kernels.reference.pooling.max_pool2d."""
    x, y, switches = _planes(x), _planes(y), _planes(switches)
    if _halves(x, y, window, stride, padding):
        _halve(x.reshape(-1), y.reshape(-1), switches.reshape(-1), *x.shape, *y.shape[1:])
    else:
        _max_pool2d(x, y, switches, window, stride, padding)


def max_pool2d_grad_input(grad_y, switches, grad_x, window, stride, padding):
    """As kernels.reference.pooling.max_pool2d_grad_input."""
    grad_y, switches, grad_x = _planes(grad_y), _planes(switches), _planes(grad_x)
    if _halves(grad_x, grad_y, window, stride, padding):
        _, out_height, out_width = grad_y.shape
        grad_x[:, 2 * out_height:] = grad_x[:, :, 2 * out_width:] = 0   # a last odd row or column is in no window
        _halve_grad_input(grad_y.reshape(-1), switches.reshape(-1), grad_x.reshape(-1), *grad_x.shape, out_height, out_width)
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


def _halves(x, y, window, stride, padding):
    """Is this a halving, none of whose windows hangs over the edge?"""
    return window == stride == (2, 2) and padding == (0, 0) and 2 * y.shape[1] <= x.shape[1] and 2 * y.shape[2] <= x.shape[2]


@kernel
def _halve(x, y, switches, planes, height, width, out_height, out_width):
    for plane in numba.prange(planes):
        for i in range(out_height):
            upper = (plane * height + 2 * i) * width
            halve_rows(x, upper, upper + width, y, switches, (plane * out_height + i) * out_width, out_width)


@kernel
def _halve_grad_input(grad_y, switches, grad_x, planes, height, width, out_height, out_width):
    for plane in numba.prange(planes):
        for i in range(out_height):
            upper = (plane * height + 2 * i) * width
            unhalve_rows(grad_y, switches, (plane * out_height + i) * out_width, grad_x, upper, upper + width, out_width)


@inner
def _greater(a, b):
    """Is a the greater number, or the first NaN?"""
    return (not a <= b) & (b == b)


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
        band[:] = -np.inf
        band_row[:] = max(0, -top)
        for r in range(max(0, -top), min(rows, height - top)):
            row = x[top + r]
            for k in range(width):
                greater = _greater(row[k], band[k])
                band[k] = row[k] if greater else band[k]
                band_row[k] = r if greater else band_row[k]
        for j in range(y.shape[1]):
            left = j * stride[1] - padding[1]
            first, end = max(0, left), min(width, left + columns)
            seen, seen_row = band[first:end], band_row[first:end]
            best, switch = seen[0], seen_row[0] * columns + first - left
            for k in range(1, seen.size):
                value, place = seen[k], seen_row[k] * columns + first - left + k
                equal = (value == best) | ((value != value) & (best != best))
                if _greater(value, best) | (equal & (place < switch)):   # of equal ones, a column further on may hold the first
                    best, switch = value, place
            y[i, j], switches[i, j] = best, switch


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
        band[:] = 0
        for r in range(first_row, end_row):
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
