"""Sums and maxima over some axes in Numba.

Neighbouring axes that are reduced together count as one, so a pass reduces (outer, length, inner) to (outer, inner): one pass
for every such group of axes, the last first. Where `length` is long a pass only reduces parts of it, and another reduces their
results: that gives every thread work, and keeps sums exact, for rounding errors grow with the length of a chain of additions.
"""
import functools
import itertools
import math

import numba
import numpy as np

from .chunks import CHUNK
from .compiler import inner, kernel
from .elementary import maximum
from .elementwise import DIVIDE, EQUAL, MULTIPLY, combine
from .memory import empty
from .rows import sum_row

_SUM, _MAX = range(2)
_LONGEST = 128   # numbers in a chain of additions
_ROW = 2048      # numbers along a row of memory, where each lane of four registers is a chain: as long at most, with four lanes or more
_STRIP = 1024    # columns reduced together: what is gathered for them stays in the first-level cache


def sum(x, y, axes):
    """As kernels.reference.reduction.sum."""
    _reduce(_SUM, x, y, axes)


def max(x, y, axes):
    """As kernels.reference.reduction.max."""
    _reduce(_MAX, x, y, axes)


def max_grad_input(grad_y, x, y, grad_x, axes):
    """As kernels.reference.reduction.max_grad_input."""
    equal, number, share = empty(x.shape, x.dtype), empty(y.shape, x.dtype), empty(y.shape, x.dtype)
    combine(EQUAL, x, y, equal)
    sum(equal, number, axes)
    combine(DIVIDE, grad_y, number, share)
    combine(MULTIPLY, equal, share, grad_x)


def _reduce(operation, x, y, axes):
    *passes, last = _plan(x.shape, axes)
    x = x.reshape(-1)
    for outer, length, inner_size, part, parts in passes:
        results = empty((outer * parts * inner_size,), x.dtype)
        _reduce_parts(operation, x, results, outer, length, inner_size, part, parts)
        x = results
    _reduce_parts(operation, x, y.reshape(-1), *last)


@functools.lru_cache(maxsize=1024)
def _plan(shape, axes):
    """The passes of a reduction: (outer, length, inner, part, parts) each, length being cut into `parts` parts of `part`."""
    axes = {axis % len(shape) for axis in axes}
    groups = [(reduced, math.prod(shape[axis] for axis in group))
              for reduced, group in itertools.groupby(range(len(shape)), key=axes.__contains__)]
    passes, inner_size = [], 1
    while groups:
        reduced, length = groups.pop()
        if not reduced:
            inner_size *= length
            continue
        outer, parts = math.prod(size for _, size in groups), None
        while parts != 1:
            part = min(length, _ROW if inner_size == 1 else _LONGEST)
            parts = math.ceil(length / part) if length else 1
            passes.append((outer, length, inner_size, part, parts))
            length = parts
    return passes or [(1, 1, inner_size, 1, 1)]


@kernel
def _reduce_parts(operation, x, y, outer, length, inner_size, part, parts):
    """y[o, p, i] = reduction of x[o, p * part:(p + 1) * part, i]; x (outer, length, inner_size), y (outer, parts, inner_size).

    A piece of work is a strip of columns of one result, or where results are single numbers as many of them as fill a chunk.
    """
    if inner_size == 1:
        strips, at_once = 1, CHUNK // part if part else 1
    else:
        strips, at_once = (inner_size + _STRIP - 1) // _STRIP, 1
    pieces = (outer * parts + at_once - 1) // at_once * strips
    if x.size <= CHUNK:
        for piece in range(pieces):
            _reduce_piece(operation, x, y, outer, length, inner_size, part, parts, strips, at_once, piece)
    else:
        for piece in numba.prange(pieces):   # whose index is unsigned
            _reduce_piece(operation, x, y, outer, length, inner_size, part, parts, strips, at_once, np.int64(piece))


@inner
def _reduce_piece(operation, x, y, outer, length, inner_size, part, parts, strips, at_once, piece):
    first_result, strip = piece // strips * at_once, piece % strips
    for result in range(first_result, min(outer * parts, first_result + at_once)):
        o, p = (result, 0) if parts == 1 else (result // parts, result % parts)   # a division takes as long as a short row
        first, end = o * length + p * part, o * length + min(length, (p + 1) * part)
        if inner_size == 1:
            y[result] = sum_row(x, first, end - first) if operation == _SUM else _greatest(x[first:end])
        else:
            column, end_column = strip * _STRIP, min(inner_size, (strip + 1) * _STRIP)
            results = y[result * inner_size + column:result * inner_size + end_column]
            results[:] = 0 if operation == _SUM else -np.inf
            for row in range(first, end):
                _gather_row(operation, x[row * inner_size + column:row * inner_size + end_column], results)


@inner
def _greatest(x):
    greatest = x.dtype.type(-np.inf)
    for i in range(x.size):
        greatest = maximum(greatest, x[i])
    return greatest


@inner
def _gather_row(operation, x, results):
    if operation == _SUM:
        for i in range(x.size):
            results[i] += x[i]
    else:
        for i in range(x.size):
            results[i] = maximum(results[i], x[i])
