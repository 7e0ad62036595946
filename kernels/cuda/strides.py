"""How arrays lie in memory, in as few axes as it can be said: arithmetic on the host, so that kernels need little of it.

A step is how far the next number along an axis is, counted in numbers; 0 where an array is repeated. A row of steps belongs to an array
as seen in a common shape.
"""
import functools
import math

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


def parts(sizes, *rows):
    """Where there are more than AXES of them: the outer ones step by step. Yields how far each array has moved."""
    outer = len(sizes) - AXES
    for number in range(math.prod(sizes[:outer]) if outer > 0 else 1):
        moved = [0] * len(rows)
        for axis in reversed(range(outer)):
            number, index = divmod(number, sizes[axis])
            moved = [far + index * row[axis] for far, row in zip(moved, rows)]
        yield moved


def four(row, fill):
    """The last AXES of a row, with so many put before if there are fewer."""
    return (fill,) * (AXES - len(row)) + tuple(row[-AXES:])


def span(array):
    """The memory of a view as a flat array, from its lowest address on, and where in it the first number of the view is."""
    if array.is_contiguous:
        return array.reshape(-1), 0
    moves = [(size - 1) * stride // array.itemsize for size, stride in zip(array.shape, array.strides)]
    lowest, highest = sum(move for move in moves if move < 0), sum(move for move in moves if move > 0)
    return DeviceArray(array.machine, array.memory, array.address + lowest * array.itemsize, (highest - lowest + 1,), array.dtype), -lowest
