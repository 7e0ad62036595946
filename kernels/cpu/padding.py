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
    if y.size <= CHUNK:
        for row in range(planes * rows.size):
            _pad_row(x, y, value[0], height, rows, width, left, columns, row)
    else:
        for row in numba.prange(planes * rows.size):
            _pad_row(x, y, value[0], height, rows, width, left, columns, np.int64(row))   # unsigned in a prange


@inner
def _pad_row(x, y, value, height, rows, width, left, columns, row):
    plane, source = row // rows.size, rows[row % rows.size]
    out = y[row * columns.size:(row + 1) * columns.size]
    if source < 0:
        for j in range(out.size):
            out[j] = value
        return
    of = x[(plane * height + source) * width:(plane * height + source + 1) * width]
    to = out[left:left + width]
    for j in range(to.size):
        to[j] = of[j]
    for j in range(left):
        out[j] = of[columns[j]] if columns[j] >= 0 else value
    for j in range(left + width, columns.size):
        out[j] = of[columns[j]] if columns[j] >= 0 else value


@kernel
def _pad_grad_input(grad_y, grad_x, planes, height, out_height, firsts, sources, width, left, columns):
    if grad_y.size <= CHUNK:
        for row in range(planes * height):
            _pad_row_grad_input(grad_y, grad_x, height, out_height, firsts, sources, width, left, columns, row)
    else:
        for row in numba.prange(planes * height):
            _pad_row_grad_input(grad_y, grad_x, height, out_height, firsts, sources, width, left, columns, np.int64(row))


@inner
def _pad_row_grad_input(grad_y, grad_x, height, out_height, firsts, sources, width, left, columns, row):
    plane, place = row // height, row % height
    to = grad_x[row * width:(row + 1) * width]
    for number in range(firsts[place], firsts[place + 1]):
        start = (plane * out_height + sources[number]) * columns.size
        out = grad_y[start:start + columns.size]
        of = out[left:left + width]
        if number == firsts[place]:
            for j in range(to.size):
                to[j] = of[j]
        else:
            for j in range(to.size):
                to[j] += of[j]
        for j in range(left):
            if columns[j] >= 0:
                to[columns[j]] += out[j]
        for j in range(left + width, columns.size):
            if columns[j] >= 0:
                to[columns[j]] += out[j]
