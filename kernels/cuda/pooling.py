"""Pooling on a device: one thread for each result, or for four pixels of a gradient.

The gradient is gathered, not scattered: each pixel looks at the windows that cover it, in their order, so nobody waits for anybody, and the
same numbers give the same bits. Window and stride are known when a kernel is compiled: loops over them are unrolled, all loads under way
at once, and no division by a stride is left.
"""
import functools
import math

from numba import cuda, uint32

from .intrinsics import store4
from .launch import blocks, kernel
from .segments import in_fours
from .warp import WARP, warp_sum

_BLOCK = 256
_ANY = 2**20   # the stride of a window that is alone along an axis, larger than any image


def max_pool2d(x, y, switches, window, stride, padding):
    """As kernels.reference.pooling.max_pool2d."""
    _pool(x, y, switches, window, stride, padding, None)


def max_pool2d_grad_input(grad_y, switches, grad_x, window, stride, padding):
    """As kernels.reference.pooling.max_pool2d_grad_input."""
    _pool_grad_input(grad_y, switches, grad_x, window, stride, padding, None)


def avg_pool2d(x, y, window, stride, padding, count_include_pad):
    """As kernels.reference.pooling.avg_pool2d; a warp adds up each plane that is one window."""
    if y.shape[2:] == (1, 1) and x.shape[2:] == tuple(window) and tuple(padding) == (0, 0):
        planes, rows = y.size, _BLOCK // WARP
        _means_of_planes[blocks(planes, rows), (WARP, rows)](x.reshape(-1), y.reshape(-1), window[0] * window[1])
    else:
        _pool(x, y, None, window, stride, padding, True if count_include_pad else None)


def avg_pool2d_grad_input(grad_y, grad_x, window, stride, padding, count_include_pad):
    """As kernels.reference.pooling.avg_pool2d_grad_input."""
    _pool_grad_input(grad_y, None, grad_x, window, stride, padding, True if count_include_pad else None)


def _pool(x, y, switches, window, stride, padding, with_padding):
    """Maxima if there are switches to write, else means."""
    (height, width), (out_height, out_width) = x.shape[2:], y.shape[2:]
    inside = all(before == 0 and (length - 1) * step + size <= whole for size, step, before, whole, length in
                 zip(window, stride, padding, x.shape[2:], y.shape[2:]))
    _pooling(*window, *stride)[blocks(y.size, _BLOCK), _BLOCK](
        x.reshape(-1), y.reshape(-1), None if switches is None else switches.reshape(-1), height, width, out_height, out_width, *padding,
        True if inside else None, with_padding)


def _pool_grad_input(grad_y, switches, grad_x, window, stride, padding, with_padding):
    (height, width), (out_height, out_width) = grad_x.shape[2:], grad_y.shape[2:]
    stride = [_ANY if length == 1 else step for step, length in zip(stride, grad_y.shape[2:])]
    fours = blocks(width, 4)
    threads = grad_x.size // max(1, width) * fours
    _pooling_gradient(*window, *stride)[blocks(threads, _BLOCK), _BLOCK](
        grad_y.reshape(-1), None if switches is None else switches.reshape(-1), grad_x.reshape(-1), threads, fours, height, width,
        out_height, out_width, *padding, with_padding, in_fours(width, grad_x))


@cuda.jit(device=True, forceinline=True)
def _seen(first, size, length, padding, with_padding):
    """How much of a window along one axis, from position `first` on, counts in a mean."""
    if with_padding is not None:
        return min(first + size, length + padding) - first
    return min(first + size, length) - max(first, 0)


@functools.cache
def _pooling(rows, columns, down, right):
    """The kernel for windows of rows x columns, which lie (down, right) from each other."""

    @kernel
    def pooling(x, y, switches, height, width, out_height, out_width, top, left, inside, with_padding):
        """`inside`: no window reaches over an edge."""
        i = uint32(cuda.grid(1))
        if i < y.size:
            above, j = uint32(i // uint32(out_width)), uint32(i % uint32(out_width))
            plane, row = uint32(above // uint32(out_height)), uint32(above % uint32(out_height))
            start = uint32(plane * uint32(height * width))
            first_row, first_column = int(row) * down - top, int(j) * right - left
            best, total = x.dtype.type(-math.inf), x.dtype.type(0)
            switch = max(0, -first_row) * columns + max(0, -first_column)
            for r in range(rows):
                for c in range(columns):
                    at, beside = uint32(first_row + r), uint32(first_column + c)
                    place = uint32(start + at * uint32(width) + beside)
                    if inside is not None or (at < uint32(height) and beside < uint32(width)):
                        value = x[place]
                        if switches is None:
                            total += value
                        elif not value <= best and best == best:   # larger, or the first NaN
                            best, switch = value, r * columns + c
            if switches is None:
                count = _seen(first_row, rows, height, top, with_padding) * _seen(first_column, columns, width, left, with_padding)
                y[i] = total / x.dtype.type(count)
            else:
                y[i], switches[i] = best, switch

    return pooling


@functools.cache
def _pooling_gradient(rows, columns, down, right):
    """The kernel for the gradient: how many windows cover a pixel at most along each axis is known, too."""
    high, wide = blocks(rows, down), blocks(columns, right)

    @cuda.jit(device=True, forceinline=True)
    def gathered(grad_y, switches, start, u, v, height, width, out_height, out_width, top, left, with_padding):
        """For the pixel at (u, v), counted from the corner of the padding: windows from (u // down, v // right) back see it."""
        total = grad_y.dtype.type(0)
        for a in range(high):
            for b in range(wide):
                back, aside = high - 1 - a, wide - 1 - b
                i, j = uint32(u // uint32(down) - uint32(back)), uint32(v // uint32(right) - uint32(aside))
                r, c = uint32(u % uint32(down) + uint32(back * down)), uint32(v % uint32(right) + uint32(aside * right))
                if i < uint32(out_height) and j < uint32(out_width) and r < uint32(rows) and c < uint32(columns):
                    place = uint32(start + i * uint32(out_width) + j)
                    grad = grad_y[place]
                    if switches is None:
                        first_row, first_column = int(i) * down - top, int(j) * right - left
                        count = _seen(first_row, rows, height, top, with_padding) * _seen(first_column, columns, width, left, with_padding)
                        total += grad / grad_y.dtype.type(count)
                    elif switches[place] == uint32(r * uint32(columns) + c):
                        total += grad
        return total

    @kernel
    def pooling_gradient(grad_y, switches, grad_x, threads, fours, height, width, out_height, out_width, top, left, with_padding, four):
        """Four pixels of a row: neighbours if they can be written at once, else far from each other, so that threads are neighbours."""
        thread = uint32(cuda.grid(1))
        if thread < threads:
            row, column = uint32(thread // uint32(fours)), uint32(thread % uint32(fours))
            plane, u = uint32(row // uint32(height)), uint32(row % uint32(height) + uint32(top))
            start, step = uint32(plane * uint32(out_height * out_width)), uint32(fours)
            if four is not None:
                v = uint32(4 * column + uint32(left))
                a = gathered(grad_y, switches, start, u, v, height, width, out_height, out_width, top, left, with_padding)
                b = gathered(grad_y, switches, start, u, uint32(v + 1), height, width, out_height, out_width, top, left, with_padding)
                c = gathered(grad_y, switches, start, u, uint32(v + 2), height, width, out_height, out_width, top, left, with_padding)
                d = gathered(grad_y, switches, start, u, uint32(v + 3), height, width, out_height, out_width, top, left, with_padding)
                store4(grad_x, uint32(4 * thread), a, b, c, d)
            else:
                for turn in range(4):
                    at = uint32(column + uint32(turn) * step)
                    if at < uint32(width):
                        grad_x[uint32(row * uint32(width) + at)] = gathered(
                            grad_y, switches, start, u, uint32(at + uint32(left)), height, width, out_height, out_width, top, left,
                            with_padding)

    return pooling_gradient


@kernel
def _means_of_planes(x, y, size):
    plane, size = uint32(cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y), uint32(size)
    if plane < y.size:
        total = x.dtype.type(0)
        for place in range(uint32(cuda.threadIdx.x), size, uint32(WARP)):
            total += x[uint32(plane * size + place)]
        total = warp_sum(total)
        if cuda.threadIdx.x == 0:
            y[plane] = total / x.dtype.type(size)
