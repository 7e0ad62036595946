"""Numbers that only change their place or type on a device: what the methods of DeviceArray are made of."""
import math

from numba import cuda, uint32

from .launch import blocks, kernel
from .strides import AXES, four, merged, parts, span, steps

BLOCK = 256


@kernel
def _copy(x, y, count, first_x, first_y, size1, size2, size3, x0, x1, x2, x3, y0, y1, y2, y3):
    i = cuda.grid(1)
    if i < count:
        left, d = uint32(i), uint32(0)
        d = left % uint32(size3)
        left = left // uint32(size3)
        c = left % uint32(size2)
        left = left // uint32(size2)
        b = left % uint32(size1)
        a = left // uint32(size1)
        from_x = first_x + int(a) * x0 + int(b) * x1 + int(c) * x2 + int(d) * x3
        to_y = first_y + int(a) * y0 + int(b) * y1 + int(c) * y2 + int(d) * y3
        y[to_y] = y.dtype.type(x[from_x])


def copy(x, y):
    """y[...] = x, of one shape, with any strides; a number is converted to the type of y."""
    sizes, (steps_x, steps_y) = merged(y.shape, steps(x, y.shape), steps(y, y.shape))
    if not y.size:
        return
    (flat_x, first_x), (flat_y, first_y) = span(x), span(y)
    count = math.prod(sizes[-AXES:])
    for moved_x, moved_y in parts(sizes, steps_x, steps_y):
        _copy[blocks(count, BLOCK), BLOCK](flat_x, flat_y, count, first_x + moved_x, first_y + moved_y,
                                           *four(sizes, 1)[1:], *four(steps_x, 0), *four(steps_y, 0))


@kernel
def _fill(y, count, first, value, size1, size2, size3, y0, y1, y2, y3):
    i = cuda.grid(1)
    if i < count:
        left = uint32(i)
        d = left % uint32(size3)
        left = left // uint32(size3)
        c = left % uint32(size2)
        left = left // uint32(size2)
        b = left % uint32(size1)
        a = left // uint32(size1)
        y[first + int(a) * y0 + int(b) * y1 + int(c) * y2 + int(d) * y3] = value


def fill(y, value):
    """y[...] = value."""
    sizes, (steps_y,) = merged(y.shape, steps(y, y.shape))
    if not y.size:
        return
    flat, first = span(y)
    count = math.prod(sizes[-AXES:])
    for moved, in parts(sizes, steps_y):
        _fill[blocks(count, BLOCK), BLOCK](flat, count, first + moved, y.dtype.type(value), *four(sizes, 1)[1:], *four(steps_y, 0))


@kernel
def _take(x, places, y):
    i = cuda.grid(1)
    if i < places.size:
        y[i] = x[places[i]]


def take(x, places, y):
    """y[i] = x[places[i]], all flat."""
    _take[blocks(places.size, BLOCK), BLOCK](x, places, y)


@kernel
def _add_at(x, places, values):
    i = cuda.grid(1)
    if i < x.size:
        total = x[i]
        for j in range(places.size):
            if places[j] == i:
                total += values[j]
        x[i] = total


def add_at(x, places, values):
    """x[places[i]] += values[i], all flat."""
    _add_at[blocks(x.size, BLOCK), BLOCK](x, places, values)


@kernel
def _argmax(x, y):
    i = cuda.grid(1)
    if i < y.size:
        outer, inner = i // x.shape[2], i % x.shape[2]
        place, best = 0, x[outer, 0, inner]
        for k in range(1, x.shape[1]):
            value = x[outer, k, inner]
            if value > best or (value != value and best == best):
                place, best = k, value
        y[outer, inner] = place


def argmax(x, y):
    """y[i, j] = the first k for which x[i, k, j] is largest; NaN counts as largest."""
    _argmax[blocks(y.size, BLOCK), BLOCK](x, y)
