"""Two operands of different shapes, number by number: which of a few kernels fits is found out on the host.

    shapes equal                               OfTwo
    one of the two a number                    OfOneAndNumber
    one of the two repeated in a regular way   `periodic`: a value for each channel, column or row of the other
    any other steps                            `strided`
"""
import math

from numba import cuda, uint32

from .intrinsics import load4, store4
from .launch import blocks, kernel
from .pointwise import BLOCK, OfOneAndNumber, OfTwo, named, wide
from .strides import AXES, indices, last, merged, parts, span, steps


class Broadcast:
    """Kernels for y = function(a, b), a and b broadcast against each other.

    a, b   arrays on the device with any strides; or one of them, a number: a Python or NumPy number, or a numpy.ndarray without axes
    y      contiguous, of the shape that they broadcast to
    """

    def __init__(self, function):
        @cuda.jit(device=True)
        def swapped(b, a):
            return function(a, b)

        swapped.py_func.__name__ = swapped.__name__ = f"{function.__name__}_swapped"
        self.strided, self.two = _strided(function), OfTwo(function)
        self.forms = {swap: (OfOneAndNumber(of), *_periodic(of)) for swap, of in ((False, function), (True, swapped))}

    def __call__(self, a, b, y):
        if not hasattr(a, "machine"):
            self.forms[True][0](b.reshape(-1), a, y)
        elif not hasattr(b, "machine"):
            self.forms[False][0](a.reshape(-1), b, y)
        elif y.size:
            self._spread(a, b, y)

    def _spread(self, a, b, y):
        sizes, (steps_a, steps_b) = merged(y.shape, steps(a, y.shape), steps(b, y.shape))
        dense_a, dense_b = _dense(sizes, steps_a), _dense(sizes, steps_b)
        if dense_a and dense_b:
            return self.two(a, b, y)
        for dense, whole, steps_other, other, swap in ((dense_a, a, steps_b, b, False), (dense_b, b, steps_a, a, True)):
            if dense and not any(steps_other):
                return self.forms[swap][0](whole, span(other)[0], y)
            if dense and len(repeated := [axis for axis, step in enumerate(steps_other) if step]) == 1 and steps_other[repeated[0]] == 1:
                return self._periodic(whole, other, y, sizes[repeated[0]], math.prod(sizes[repeated[0] + 1:]), swap)
        self._strided(a, b, y, sizes, steps_a, steps_b)

    def _periodic(self, a, b, y, period, inner, swap):
        _, one, four_at_once = self.forms[swap]
        if wide(a, y):
            four_at_once[blocks(a.size, 4 * BLOCK), BLOCK](a.reshape(-1), span(b)[0], y.reshape(-1), period, inner)
        else:
            one[blocks(a.size, BLOCK), BLOCK](a.reshape(-1), span(b)[0], y.reshape(-1), period, inner)

    def _strided(self, a, b, y, sizes, steps_a, steps_b):
        (flat_a, first_a), (flat_b, first_b), flat_y = span(a), span(b), y.reshape(-1)
        count = math.prod(sizes[-AXES:])
        for number, (moved_a, moved_b) in enumerate(parts(sizes, steps_a, steps_b)):
            self.strided[blocks(count, BLOCK), BLOCK](
                flat_a, flat_b, flat_y, number * count, count, first_a + moved_a, first_b + moved_b,
                *last(sizes, 1)[1:], *last(steps_a, 0), *last(steps_b, 0))


def _dense(sizes, steps):
    """Is it there whole, row by row?"""
    return all(step == math.prod(sizes[axis + 1:]) for axis, step in enumerate(steps))


def _periodic(function):
    """Kernels for y[i] = function(a[i], b[i // inner % period]): one number, or four at a time."""
    @kernel
    def periodic(a, b, y, period, inner):
        i = cuda.grid(1)
        if i < a.size:
            y[i] = function(a[i], b[uint32(i) // uint32(inner) % uint32(period)])

    @cuda.jit(device=True)
    def step(inside, place, period, inner):
        """To the next number: where it is among those that share a value, and which value that is."""
        inside += uint32(1)
        if inside == inner:
            inside, place = uint32(0), place + uint32(1)
            if place == period:
                place = uint32(0)
        return uint32(inside), uint32(place)

    @kernel
    def periodic4(a, b, y, period, inner):
        period, inner = uint32(period), uint32(inner)
        i = uint32(4 * cuda.grid(1))
        if i < uint32(a.size):
            row = uint32(i // inner)
            inside, place = uint32(i - row * inner), uint32(row % period)
            if i + uint32(4) <= uint32(a.size):
                p, q, r, s = load4(a, i)
                p = function(p, b[place])
                inside, place = step(inside, place, period, inner)
                q = function(q, b[place])
                inside, place = step(inside, place, period, inner)
                r = function(r, b[place])
                inside, place = step(inside, place, period, inner)
                store4(y, i, p, q, r, function(s, b[place]))
            else:
                for j in range(i, uint32(a.size)):
                    y[j] = function(a[j], b[place])
                    inside, place = step(inside, place, period, inner)

    return named(function, periodic, periodic4)


def _strided(function):
    @kernel
    def strided(a, b, y, first_y, count, first_a, first_b, size1, size2, size3, a0, a1, a2, a3, b0, b1, b2, b3):
        """`count` numbers of y from first_y on."""
        i = cuda.grid(1)
        if i < count:
            i0, i1, i2, i3 = indices(i, size1, size2, size3)
            place_a = uint32(first_a + i0 * a0 + i1 * a1 + i2 * a2 + i3 * a3)
            place_b = uint32(first_b + i0 * b0 + i1 * b1 + i2 * b2 + i3 * b3)
            y[first_y + i] = function(a[place_a], b[place_b])

    return named(function, strided)[0]
