"""Adaptive pooling on a device: one thread for each result, or for each pixel of a gradient, which gathers from the windows that see it.

Where windows divide the image evenly, means are those of pooling.py.
"""
import math

from numba import cuda, uint32

from .launch import blocks, kernel
from .pooling import avg_pool2d, avg_pool2d_grad_input

_BLOCK = 256


def adaptive_max_pool2d(x, y, places):
    """As kernels.reference.adaptive_pooling.adaptive_max_pool2d."""
    _pool[blocks(y.size, _BLOCK), _BLOCK](x.reshape(-1), y.reshape(-1), places.reshape(-1), *x.shape[2:], *y.shape[2:])


def adaptive_max_pool2d_grad_input(grad_y, places, grad_x):
    """As kernels.reference.adaptive_pooling.adaptive_max_pool2d_grad_input."""
    _gather[blocks(grad_x.size, _BLOCK), _BLOCK](grad_y.reshape(-1), places.reshape(-1), grad_x.reshape(-1), *grad_x.shape[2:],
                                                 *grad_y.shape[2:])


def adaptive_avg_pool2d(x, y):
    """As kernels.reference.adaptive_pooling.adaptive_avg_pool2d."""
    window = _even_window(x, y)
    if window:
        avg_pool2d(x, y, window, window, (0, 0), True)
    else:
        _pool[blocks(y.size, _BLOCK), _BLOCK](x.reshape(-1), y.reshape(-1), None, *x.shape[2:], *y.shape[2:])


def adaptive_avg_pool2d_grad_input(grad_y, grad_x):
    """As kernels.reference.adaptive_pooling.adaptive_avg_pool2d_grad_input."""
    window = _even_window(grad_x, grad_y)
    if window:
        avg_pool2d_grad_input(grad_y, grad_x, window, window, (0, 0), True)
    else:
        _gather[blocks(grad_x.size, _BLOCK), _BLOCK](grad_y.reshape(-1), None, grad_x.reshape(-1), *grad_x.shape[2:], *grad_y.shape[2:])


def _even_window(x, y):
    """The window, if all are alike and none overlap, else None."""
    if all(size % windows == 0 for size, windows in zip(x.shape[2:], y.shape[2:])):
        return tuple(size // windows for size, windows in zip(x.shape[2:], y.shape[2:]))
    return None


@cuda.jit(device=True, forceinline=True)
def _window(number, size, windows):
    """From where to where a window reaches. And with pixels and windows exchanged: from which to which window a pixel is seen."""
    number, size, windows = uint32(number), uint32(size), uint32(windows)
    return uint32(number * size // windows), uint32(((number + uint32(1)) * size + windows - uint32(1)) // windows)


@kernel
def _pool(x, y, places, height, width, out_height, out_width):
    """Maxima if there are places to write, else means."""
    i = uint32(cuda.grid(1))
    if i < y.size:
        above, j = uint32(i // uint32(out_width)), uint32(i % uint32(out_width))
        plane = uint32(above // uint32(out_height))
        top, bottom = _window(above % uint32(out_height), height, out_height)
        left, right = _window(j, width, out_width)
        start = uint32(plane * uint32(height * width))
        best, total, place = x.dtype.type(-math.inf), x.dtype.type(0), uint32(top * uint32(width) + left)
        for r in range(top, bottom):
            for c in range(left, right):
                at = uint32(r * uint32(width) + c)
                value = x[uint32(start + at)]
                if places is None:
                    total += value
                elif not value <= best and best == best:   # larger, or the first NaN
                    best, place = value, at
        if places is None:
            y[i] = total / x.dtype.type(uint32((bottom - top) * (right - left)))
        else:
            y[i], places[i] = best, place


@kernel
def _gather(grad_y, places, grad_x, height, width, out_height, out_width):
    i, total = uint32(cuda.grid(1)), grad_y.dtype.type(0)
    if i < grad_x.size:
        above, column = uint32(i // uint32(width)), uint32(i % uint32(width))
        plane, row = uint32(above // uint32(height)), uint32(above % uint32(height))
        first_row, end_row = _window(row, out_height, height)
        first_column, end_column = _window(column, out_width, width)
        for a in range(first_row, end_row):
            for b in range(first_column, end_column):
                place = uint32((plane * uint32(out_height) + a) * uint32(out_width) + b)
                grad = grad_y[place]
                if places is None:
                    top, bottom = _window(a, height, out_height)
                    left, right = _window(b, width, out_width)
                    total += grad / grad_y.dtype.type(uint32((bottom - top) * (right - left)))
                elif places[place] == uint32(row * uint32(width) + column):
                    total += grad
        grad_x[i] = total
