"""Padding in Numba, row by row: which row of x a row of y shows, and which columns its border, is worked out once for each geometry.

Elements are moved as bits, so that all types of a size share their machine code.
"""
import functools
import math
from typing import NamedTuple

import numba
import numpy as np

from .chunks import CHUNK
from .compiler import inner, kernel
from .moving import copy_row

_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}   # what NumPy calls them


def pad(x, y, before, mode, value):
    """As kernels.reference.padding.pad."""
    plan, bits = _plan(x.shape, y.shape, tuple(before), mode), f"u{x.itemsize}"
    _pad(x.reshape(-1).view(bits), y.reshape(-1).view(bits), np.array([value]).astype(x.dtype).view(bits), plan.planes, plan.height,
         plan.rows, plan.width, plan.left, plan.columns)


def pad_grad_input(grad_y, grad_x, before, mode):
    """As kernels.reference.padding.pad_grad_input."""
    plan = _plan(grad_x.shape, grad_y.shape, tuple(before), mode)
    _pad_grad_input(grad_y.reshape(-1), grad_x.reshape(-1), plan.planes, plan.height, plan.rows.size, plan.firsts, plan.sources,
                    plan.width, plan.left, plan.columns)


class _Plan(NamedTuple):
    planes: int             # axes before the first with a border, as one
    height: int             # rows of x in a plane; a row is the last axis, with all before it that have no border while it has none
    rows: np.ndarray        # for each row of y in a plane: the row of x it shows, or -1
    firsts: np.ndarray      # for each row of x: where its part of `sources` begins, and the end
    sources: np.ndarray     # the rows of y that show it
    width: int              # of a row of x
    left: int               # how much of a row of y comes before it
    columns: np.ndarray     # for each column of y: the column of x it shows, or -1


@functools.lru_cache(maxsize=1024)
def _plan(shape, padded_shape, before, mode):
    axes = [(size, first, padded - first - size) for size, padded, first in zip(shape, padded_shape, before)]
    planes, row = 1, (1, 0, 0)
    while axes and axes[-1][1:] == (0, 0):
        row = row[0] * axes.pop()[0], 0, 0
    if row[0] == 1 and axes:
        row = axes.pop()
    while axes and axes[0][1:] == (0, 0):
        planes *= axes.pop(0)[0]
    axes = axes or [(1, 0, 0)]
    height = math.prod(size for size, _, _ in axes)
    rows = _shown(np.arange(height).reshape([size for size, _, _ in axes]), [axis[1:] for axis in axes], mode)
    order = np.argsort(rows, kind="stable")
    firsts = np.searchsorted(rows[order], np.arange(height + 1))
    return _Plan(planes, height, rows, firsts, order, row[0], row[1], _shown(np.arange(row[0]), [row[1:]], mode))


def _shown(numbers, borders, mode):
    """Padded numbers, -1 for a constant."""
    return np.pad(numbers, borders, _MODES[mode], **({"constant_values": -1} if mode == "constant" else {})).reshape(-1)


@kernel
def _pad(x, y, value, planes, height, rows, width, left, columns):
    strip = max(1, CHUNK // max(1, columns.size))   # rows in a piece of work
    strips = (rows.size + strip - 1) // strip
    if y.size <= CHUNK:
        for plane in range(planes):
            _pad_rows(x, y, value[0], height, rows, width, left, columns, plane, 0, rows.size)
    else:
        for piece in numba.prange(planes * strips):
            plane, first = np.int64(piece // strips), np.int64(piece % strips) * strip   # unsigned in a prange
            _pad_rows(x, y, value[0], height, rows, width, left, columns, plane, first, min(rows.size, first + strip))


@inner
def _pad_rows(x, y, value, height, rows, width, left, columns, plane, first, end):
    for row in range(first, end):
        start, source = (plane * rows.size + row) * columns.size, (plane * height + rows[row]) * width
        out = y[start:start + columns.size]
        if rows[row] < 0:
            for j in range(out.size):
                out[j] = value
        else:
            copy_row(x, source, y, start + left, width)
            for j in range(left):
                out[j] = x[source + columns[j]] if columns[j] >= 0 else value
            for j in range(left + width, columns.size):
                out[j] = x[source + columns[j]] if columns[j] >= 0 else value


@kernel
def _pad_grad_input(grad_y, grad_x, planes, height, out_height, firsts, sources, width, left, columns):
    strip = max(1, CHUNK // max(1, width))
    strips = (height + strip - 1) // strip
    if grad_x.size <= CHUNK:
        for plane in range(planes):
            _pad_rows_grad_input(grad_y, grad_x, height, out_height, firsts, sources, width, left, columns, plane, 0, height)
    else:
        for piece in numba.prange(planes * strips):
            plane, first = np.int64(piece // strips), np.int64(piece % strips) * strip
            _pad_rows_grad_input(grad_y, grad_x, height, out_height, firsts, sources, width, left, columns, plane, first,
                                 min(height, first + strip))


@inner
def _pad_rows_grad_input(grad_y, grad_x, height, out_height, firsts, sources, width, left, columns, plane, first, end):
    for row in range(first, end):
        target = (plane * height + row) * width
        to = grad_x[target:target + width]
        for number in range(firsts[row], firsts[row + 1]):
            start = (plane * out_height + sources[number]) * columns.size
            if number == firsts[row]:
                copy_row(grad_y, start + left, grad_x, target, width)
            else:
                of = grad_y[start + left:start + left + width]
                for j in range(to.size):
                    to[j] += of[j]
            for j in range(left):
                if columns[j] >= 0:
                    to[columns[j]] += grad_y[start + j]
            for j in range(left + width, columns.size):
                if columns[j] >= 0:
                    to[columns[j]] += grad_y[start + j]
