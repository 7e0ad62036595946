"""Resampling in Numba: first along the rows of x, then across them.

Neighbouring rows of a larger image are made of the same rows of x, so each of these is stretched once and kept while it is needed: of
any two rows that are blended one has an even number and one an odd, which makes two places enough. The gradient goes the other
way, and is written as sums too, not as additions here and there: for each pixel of x, over the pixels that it went into.
"""
import functools
from typing import NamedTuple

import numba
import numpy as np

from kernels.geometry import resampling_sources

from .chunks import CHUNK
from .compiler import inner, kernel
from .moving import copy_row


def resample(x, y, mode, scale, align_corners):
    """As kernels.reference.resampling.resample."""
    rows, columns = _axes(x, y, mode, scale, align_corners)
    stretch = _show if mode == "nearest" else _blend
    stretch(_planes(x), _planes(y), rows.sources, rows.weights, columns.sources, columns.weights, max(1, CHUNK // max(1, y.shape[3])))


def resample_grad_input(grad_y, grad_x, mode, scale, align_corners):
    """As kernels.reference.resampling.resample_grad_input."""
    rows, columns = _axes(grad_x, grad_y, mode, scale, align_corners)
    strip = max(1, CHUNK * grad_x.shape[2] // max(1, grad_y.shape[2] * grad_y.shape[3]))
    _gather(_planes(grad_y), _planes(grad_x), rows.targets, rows.shares, columns.targets, columns.shares, strip)


class _Axis(NamedTuple):
    """What an axis of y is made of, and what an axis of x goes into."""

    sources: np.ndarray   # (1 or 2, positions of y): positions of x
    weights: np.ndarray   # (1 or 2, positions of y)
    targets: np.ndarray   # (the most that one goes into, positions of x): positions of y; the end of y where it goes into fewer
    shares: np.ndarray    # their weights, 0 there


def _axes(x, y, mode, scale, align_corners):
    return [_axis(mode, *axis, align_corners, x.dtype) for axis in zip(x.shape[2:], y.shape[2:], scale)]


@functools.lru_cache(maxsize=1024)
def _axis(mode, size, length, scale, align_corners, dtype):
    made_of = [resampling_sources(mode, position, size, scale, align_corners) for position in range(length)]
    sources, weights = np.moveaxis(np.array(made_of), 0, 2).transpose(1, 0, 2)   # (positions, 1 or 2, source and weight) before
    goes_into = [[] for _ in range(size)]
    for position, parts in enumerate(made_of):
        for source, weight in parts:
            goes_into[source].append((position, weight))
    most = max(map(len, goes_into))
    targets = np.array([parts + [(length, 0.0)] * (most - len(parts)) for parts in goes_into]).transpose(2, 1, 0)
    return _Axis(*(np.ascontiguousarray(table, kind) for table, kind in zip((sources, weights, *targets), (np.uint64, dtype) * 2)))


def _planes(array):
    images, channels, height, width = array.shape
    return array.reshape(images * channels, height, width)


@kernel
def _show(x, y, rows, row_weights, columns, column_weights, strip):
    """Nearest: a row that shows the same as the one above it is a copy."""
    strips, shown = (y.shape[1] + strip - 1) // strip, y.reshape(y.size)
    for piece in numba.prange(len(x) * strips):
        plane, first = np.int64(piece // strips), np.int64(piece % strips) * strip
        for i in range(first, min(y.shape[1], first + strip)):
            row, start = y[plane, i], (plane * y.shape[1] + i) * y.shape[2]
            if i > first and rows[0, i] == rows[0, i - 1]:
                copy_row(shown, start - row.size, shown, start, row.size)
            else:
                _pick(x[plane, rows[0, i]], columns[0], row)


@kernel
def _blend(x, y, rows, row_weights, columns, column_weights, strip):
    """Bilinear."""
    strips = (y.shape[1] + strip - 1) // strip
    for piece in numba.prange(len(x) * strips):
        plane, first = piece // strips, np.int64(piece % strips) * strip
        stretched = np.empty((2, y.shape[2]), x.dtype)
        kept = np.full(2, x.shape[1], np.uint64)   # the rows of x that these are; none yet
        for i in range(first, min(y.shape[1], first + strip)):
            for number in range(2):
                source = rows[number, i]
                if kept[source % 2] != source:
                    kept[source % 2] = source
                    _stretch(x[plane, source], columns[0], columns[1], column_weights[0], column_weights[1], stretched[source % 2])
            _mix(row_weights[0, i], stretched[rows[0, i] % 2], row_weights[1, i], stretched[rows[1, i] % 2], y[plane, i])


@inner
def _pick(x, places, y):
    for j in range(y.size):
        y[j] = x[places[j]]


@inner
def _stretch(x, left, right, left_weights, right_weights, y):
    for j in range(y.size):
        y[j] = left_weights[j] * x[left[j]] + right_weights[j] * x[right[j]]


@inner
def _mix(a, x, b, y, out):
    for j in range(out.size):
        out[j] = a * x[j] + b * y[j]


@kernel
def _gather(grad_y, grad_x, row_targets, row_shares, targets, shares, strip):
    strips = (grad_x.shape[1] + strip - 1) // strip
    length, width = grad_y.shape[1:]
    for piece in numba.prange(len(grad_x) * strips):
        plane, first = piece // strips, np.int64(piece % strips) * strip
        total = np.empty(width + 1, grad_y.dtype)
        for row in range(first, min(grad_x.shape[1], first + strip)):
            to = grad_x[plane, row]
            to[:] = 0
            if row_targets[0, row] == length:   # in an image made smaller, many rows are not seen
                continue
            total[:] = 0   # the last stays 0
            for number in range(len(row_targets)):
                if row_targets[number, row] < length:
                    _add_scaled(row_shares[number, row], grad_y[plane, row_targets[number, row]], total)
            for number in range(len(targets)):
                _collect(total, targets[number], shares[number], to)


@inner
def _add_scaled(factor, x, y):
    for j in range(x.size):
        y[j] += factor * x[j]


@inner
def _collect(x, places, weights, y):
    for j in range(y.size):
        y[j] += weights[j] * x[places[j]]
