"""How arrays lie in memory, in as few axes as it can be said: worked out on the host, so that kernels have little to do.

A step is how far the next number along an axis is, counted in numbers; 0 where an array is repeated. A row of steps belongs to an array
as seen in a common shape.
"""
import functools
import math

from numba import cuda, int32, uint32

from .array import DeviceArray

AXES = 4   # with which kernels for any steps work


def steps(array, shape):
    """The steps of an array that is broadcast to this shape."""
    added = len(shape) - len(array.shape)
    return (0,) * added + tuple([0 if size == 1 else stride // array.itemsize for size, stride in zip(array.shape, array.strides)])


@functools.lru_cache(maxsize=4096)
def merged(shape, *rows):
    """Neighbouring axes made one where all arrays allow it, and axes of size 1 left out: sizes, and the new rows of steps."""
    axes = []
    for size, *moves in zip(shape, *rows):
        if size == 1:
            continue
        if axes and all(before == size * move for before, move in zip(axes[-1][1:], moves)):
            axes[-1] = axes[-1][0] * size, *moves
        else:
            axes.append((size, *moves))
    sizes, *rows = zip(*axes) if axes else ((), *[()] * len(rows))
    return sizes, rows


def parts(sizes, *rows, axes=AXES):
    """Where there are more axes than a kernel takes: the outer ones step by step. Yields how far each array has moved."""
    outer = len(sizes) - axes
    for number in range(math.prod(sizes[:outer]) if outer > 0 else 1):
        moved = [0] * len(rows)
        for axis in reversed(range(outer)):
            number, index = divmod(number, sizes[axis])
            moved = [far + index * row[axis] for far, row in zip(moved, rows)]
        yield moved


def last(row, fill, axes=AXES):
    """So many from the end of a row; if there are fewer, `fill` comes before them."""
    return (fill,) * (axes - len(row)) + tuple(row[-axes:])


def span(array):
    """The memory of a view as a flat array, from its lowest address on, and where in it the first number of the view is."""
    if array.is_contiguous:
        return array.reshape(-1), 0
    moves = [(size - 1) * stride // array.itemsize for size, stride in zip(array.shape, array.strides)]
    lowest, highest = sum(move for move in moves if move < 0), sum(move for move in moves if move > 0)
    return DeviceArray(array.machine, array.memory, array.address + lowest * array.itemsize, (highest - lowest + 1,), array.dtype), -lowest


@cuda.jit(device=True)
def indices(i, size1, size2, size3):
    """On the device: number i, counted row by row, along four axes. The size of the first need not be known."""
    rest = uint32(i)
    i3, rest = int32(rest % uint32(size3)), uint32(rest // uint32(size3))
    i2, rest = int32(rest % uint32(size2)), uint32(rest // uint32(size2))
    return int32(rest // uint32(size1)), int32(rest % uint32(size1)), i2, i3
