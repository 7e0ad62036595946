"""Kernels that go number by number, made from a function of numbers: each in a simple form, and in one that moves 16 bytes at a time.

A GPU's memory wants many bytes on their way at once. In the simple form a thread asks for 4; in the other one for 16 or 32, with as
many instructions. That form is for float32 arrays that begin at multiples of 16 bytes; what is left behind the last four numbers goes
one by one. The functions are device functions, and the compiler puts them in where they are called.
"""
from numba import cuda, uint32

from .intrinsics import load4, store4
from .launch import blocks, kernel

BLOCK = 256


class OfOne:
    """Kernels for y[i] = function(x[i])."""

    def __init__(self, function):
        @kernel
        def one(x, y):
            i = cuda.grid(1)
            if i < x.size:
                y[i] = function(x[i])

        @cuda.jit(device=True)
        def rest(x, y, i):
            for j in range(i, min(i + uint32(4), uint32(x.size))):
                y[j] = function(x[j])

        @kernel
        def four(x, y):
            i = uint32(4 * (2 * BLOCK * cuda.blockIdx.x + cuda.threadIdx.x))
            j = i + uint32(4 * BLOCK)
            if j + uint32(4) <= uint32(x.size):
                a, b, c, d = load4(x, i)
                e, f, g, h = load4(x, j)   # asked for before the first have come
                store4(y, i, function(a), function(b), function(c), function(d))
                store4(y, j, function(e), function(f), function(g), function(h))
            else:
                rest(x, y, i)
                rest(x, y, j)

        self.one, self.four = named(function, one, four)

    def __call__(self, x, y):
        if wide(x, y):
            self.four[blocks(x.size, 8 * BLOCK), BLOCK](x.reshape(-1), y.reshape(-1))
        else:
            self.one[blocks(x.size, BLOCK), BLOCK](x.reshape(-1), y.reshape(-1))


class OfOneAndNumber:
    """Kernels for y[i] = function(x[i], number); the number may also be an array of size 1."""

    def __init__(self, function):
        @kernel
        def one(x, value, place, y):
            i = cuda.grid(1)
            if i < x.size:
                number = value if place is None else place[0]
                y[i] = function(x[i], number)

        @cuda.jit(device=True)
        def rest(x, number, y, i):
            for j in range(i, min(i + uint32(4), uint32(x.size))):
                y[j] = function(x[j], number)

        @kernel
        def four(x, value, place, y):
            i = uint32(4 * (2 * BLOCK * cuda.blockIdx.x + cuda.threadIdx.x))
            j = i + uint32(4 * BLOCK)
            number = value if place is None else place[0]
            if j + uint32(4) <= uint32(x.size):
                a, b, c, d = load4(x, i)
                e, f, g, h = load4(x, j)
                store4(y, i, function(a, number), function(b, number), function(c, number), function(d, number))
                store4(y, j, function(e, number), function(f, number), function(g, number), function(h, number))
            else:
                rest(x, number, y, i)
                rest(x, number, y, j)

        self.one, self.four = named(function, one, four)

    def __call__(self, x, number, y):
        value, place = (None, number.reshape(-1)) if hasattr(number, "machine") else (x.dtype.type(number), None)
        if wide(x, y):
            self.four[blocks(x.size, 8 * BLOCK), BLOCK](x.reshape(-1), value, place, y.reshape(-1))
        else:
            self.one[blocks(x.size, BLOCK), BLOCK](x.reshape(-1), value, place, y.reshape(-1))


class OfTwo:
    """Kernels for y[i] = function(a[i], b[i]), or function(a[i], b[i], number)."""

    def __init__(self, function):
        @cuda.jit(device=True)
        def without_number(a, b, number):
            return function(a, b)

        of = without_number if function.py_func.__code__.co_argcount == 2 else function

        @kernel
        def one(a, b, number, y):
            i = cuda.grid(1)
            if i < a.size:
                y[i] = of(a[i], b[i], number)

        @kernel
        def four(a, b, number, y):
            i = uint32(4 * cuda.grid(1))
            if i + uint32(4) <= uint32(a.size):
                p, q, r, s = load4(a, i)
                t, u, v, w = load4(b, i)
                store4(y, i, of(p, t, number), of(q, u, number), of(r, v, number), of(s, w, number))
            else:
                for j in range(i, uint32(a.size)):
                    y[j] = of(a[j], b[j], number)

        self.one, self.four = named(function, one, four)

    def __call__(self, a, b, y, number=None):
        number = None if number is None else a.dtype.type(number)
        if wide(a, b, y):
            self.four[blocks(a.size, 4 * BLOCK), BLOCK](a.reshape(-1), b.reshape(-1), number, y.reshape(-1))
        else:
            self.one[blocks(a.size, BLOCK), BLOCK](a.reshape(-1), b.reshape(-1), number, y.reshape(-1))


def named(function, *kernels):
    """Let kernels be called after the function that they are made of, in reports and profiles. Returns them."""
    for made in kernels:
        name = f"{function.__name__.strip('_')}_{made.__name__}"
        made.__name__ = made.__qualname__ = made.function.__name__ = made.function.__qualname__ = name
    return kernels


def wide(*arrays):
    """Can these be moved 16 bytes at a time?"""
    return all(array.dtype == "float32" and array.address % 16 == 0 for array in arrays)
