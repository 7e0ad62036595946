"""Arithmetic number by number in Numba: one kernel for all operations of two operands, and one for all of one.

An operation is a number, asked for once a row, so that the loop inside holds one line and vectorises. Broadcasting is planned
in Python: neighbouring axes along which both operands move alike become one, so most cases have one or two axes left. Of these,
the last is the row. If it is the second operand that does not move along it, it is a number there, for which Numba compiles the same
loops once more; the first one, less often, is spread over an array.
"""
import functools

import numba
import numpy as np
from numba import types
from numba.extending import overload

from .chunks import CHUNK, chunk, count
from .compiler import inner, kernel
from .elementary import exp as exp_of, log as log_of

ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER, EQUAL = range(6)
_NEGATIVE, _EXP, _LOG, _SQRT, _ABSOLUTE, _SIGN = range(6)


def add(a, b, y):
    """As kernels.reference.elementwise.add."""
    combine(ADD, a, b, y)


def subtract(a, b, y):
    """As kernels.reference.elementwise.subtract."""
    combine(SUBTRACT, a, b, y)


def multiply(a, b, y):
    """As kernels.reference.elementwise.multiply."""
    combine(MULTIPLY, a, b, y)


def divide(a, b, y):
    """As kernels.reference.elementwise.divide."""
    combine(DIVIDE, a, b, y)


def power(a, b, y):
    """As kernels.reference.elementwise.power. The square, by far the most frequent, is a product."""
    if b.size == 1 and b.flat[0] == 2:
        combine(MULTIPLY, a, a, y)
    else:
        combine(POWER, a, b, y)


def negative(x, y):
    """As kernels.reference.elementwise.negative."""
    _map(_NEGATIVE, x.reshape(-1), y.reshape(-1))


def exp(x, y):
    """As kernels.reference.elementwise.exp."""
    _map(_EXP, x.reshape(-1), y.reshape(-1))


def log(x, y):
    """As kernels.reference.elementwise.log."""
    _map(_LOG, x.reshape(-1), y.reshape(-1))


def sqrt(x, y):
    """As kernels.reference.elementwise.sqrt."""
    _map(_SQRT, x.reshape(-1), y.reshape(-1))


def absolute(x, y):
    """As kernels.reference.elementwise.absolute."""
    _map(_ABSOLUTE, x.reshape(-1), y.reshape(-1))


def sign(x, y):
    """As kernels.reference.elementwise.sign."""
    _map(_SIGN, x.reshape(-1), y.reshape(-1))


def combine(operation, a, b, y):
    """y = a (operation) b, broadcast; operation is ADD ... POWER, or EQUAL: 1 where a = b, else 0."""
    _combine(operation, a.reshape(-1), b.reshape(-1), y.reshape(-1), *_plan(a.shape, b.shape))


@functools.lru_cache(maxsize=1024)
def _plan(shape_a, shape_b):
    """The axes of the broadcast result, merged where both operands move alike, as three int64 arrays: their sizes, and how far
    one step along each moves in a and in b (0 where an operand is broadcast)."""
    dimensions = max(len(shape_a), len(shape_b))
    shape_a, shape_b = ((1,) * (dimensions - len(shape)) + shape for shape in (shape_a, shape_b))
    axes, distance_a, distance_b = [(1, 1, 1)], 1, 1   # the last axis first
    for size_a, size_b in zip(reversed(shape_a), reversed(shape_b)):
        size = size_a if size_b == 1 else size_b
        step_a, step_b = distance_a * (size_a > 1), distance_b * (size_b > 1)
        inner_size, inner_a, inner_b = axes[-1]
        if size == 1:
            pass
        elif inner_size == 1:
            axes[-1] = size, step_a, step_b
        elif (step_a, step_b) == (inner_size * inner_a, inner_size * inner_b):
            axes[-1] = size * inner_size, inner_a, inner_b
        else:
            axes.append((size, step_a, step_b))
        distance_a, distance_b = distance_a * size_a, distance_b * size_b
    return tuple(np.array(axes[::-1]).T.copy())


@kernel
def _combine(operation, a, b, y, sizes, steps_a, steps_b):
    length = max(1, sizes[-1])
    rows_at_once, strips = max(1, CHUNK // length), count(length)
    blocks = (y.size // length + rows_at_once - 1) // rows_at_once
    if y.size <= CHUNK:
        for piece in range(blocks * strips):
            _combine_piece(operation, a, b, y, sizes, steps_a, steps_b, rows_at_once, piece // strips, piece % strips)
    else:
        for piece in numba.prange(blocks * strips):
            _combine_piece(operation, a, b, y, sizes, steps_a, steps_b, rows_at_once, piece // strips, piece % strips)


@inner
def _combine_piece(operation, a, b, y, sizes, steps_a, steps_b, rows_at_once, block, strip):
    """A block of rows, or of long rows a strip; a row is the last axis."""
    length, moves_a, moves_b = sizes[-1], steps_a[-1], steps_b[-1]
    first, end = strip * CHUNK, min(length, (strip + 1) * CHUNK)
    spread = np.empty(0 if moves_a else end - first, y.dtype)
    for row in range(block * rows_at_once, min(y.size // length, (block + 1) * rows_at_once)):
        start_a, start_b, rest = 0, 0, row
        for axis in range(sizes.size - 2, -1, -1):
            index = rest % sizes[axis]
            rest //= sizes[axis]
            start_a += index * steps_a[axis]
            start_b += index * steps_b[axis]
        if not moves_a:
            spread[:] = a[start_a]
        row_a, out = a[start_a + first:start_a + end] if moves_a else spread, y[row * length + first:row * length + end]
        if moves_b:
            _combine_row(operation, row_a, b[start_b + first:start_b + end], out)
        else:
            _combine_row(operation, row_a, b[start_b], out)


def _at(x, i):
    """x[i], or x if it is a number."""


@overload(_at)
def _compile_at(x, i):
    return (lambda x, i: x[i]) if isinstance(x, types.Array) else (lambda x, i: x)


@inner
def _combine_row(operation, a, b, y):
    one, zero = y.dtype.type(1), y.dtype.type(0)
    if operation == ADD:
        for i in range(y.size):
            y[i] = a[i] + _at(b, i)
    elif operation == SUBTRACT:
        for i in range(y.size):
            y[i] = a[i] - _at(b, i)
    elif operation == MULTIPLY:
        for i in range(y.size):
            y[i] = a[i] * _at(b, i)
    elif operation == DIVIDE:
        for i in range(y.size):
            y[i] = a[i] / _at(b, i)
    elif operation == POWER:
        for i in range(y.size):
            y[i] = a[i] ** _at(b, i)
    else:
        for i in range(y.size):
            y[i] = one if a[i] == _at(b, i) else zero


@kernel
def _map(operation, x, y):
    if x.size <= CHUNK:
        _map_chunk(operation, x, y)
    else:
        for i in numba.prange(count(x.size)):
            _map_chunk(operation, chunk(x, i), chunk(y, i))


@inner
def _map_chunk(operation, x, y):
    one, zero = x.dtype.type(1), x.dtype.type(0)
    if operation == _NEGATIVE:
        for i in range(x.size):
            y[i] = -x[i]
    elif operation == _EXP:
        for i in range(x.size):
            y[i] = exp_of(x[i])
    elif operation == _LOG:
        for i in range(x.size):
            y[i] = log_of(x[i])
    elif operation == _SQRT:
        for i in range(x.size):
            y[i] = np.sqrt(x[i])
    elif operation == _ABSOLUTE:
        for i in range(x.size):
            y[i] = abs(x[i])
    else:
        for i in range(x.size):
            y[i] = one if x[i] > zero else (-one if x[i] < zero else zero)
