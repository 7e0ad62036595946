"""The matrix product on register tiles.

    a b     outer tiles: a is cut into panels stored by columns; b is read where it lies or, when many panels pass over it,
    a' b    from panels of its own, so that what a tile reads is close together in memory
    a b'    the same, from panels of b always, which are transposed on their way; where a has few rows, that would cost more
    a' b'   than it gains, and dot tiles read both operands along their rows, where they lie
"""
import functools
from typing import NamedTuple

import numpy as np

from .machine import VECTOR_UNIT
from .memory import empty
from .packing import pack_columns, pack_rows
from .product import dot_product, outer_product, outer_shape, pieces
from .tile import DOT_COLUMNS, DOT_ROWS

_DEPTH = 512               # steps of k in one pass over an outer tile
_CACHE = 256 * 1024        # bytes of b that a piece of work may keep to itself
_PANELS_WORTH_PACKING = 64 # panels of a from which on panels of b pay for themselves
_ROWS_WORTH_PACKING = 256  # of a, from which on it pays to transpose b
_POSITIONS = 1024          # steps of k in one pass over a dot tile
_DOT_TILES = 24            # dot tiles whose part of b shares the cache


def matmul(a, b, c, transpose_a=False, transpose_b=False, accumulate=False):
    """As kernels.reference.matmul.matmul, for C-contiguous arrays."""
    rows, columns = c.shape
    depth = b.shape[1] if transpose_b else b.shape[0]
    if c.size == 0 or depth == 0:
        if not accumulate:
            c[...] = 0
    elif transpose_b and not transpose_a and rows < _ROWS_WORTH_PACKING:
        _dot(a, b, c, rows, depth, columns, accumulate)
    else:
        _outer(a, b, c, rows, depth, columns, transpose_a, transpose_b, accumulate)


def _outer(a, b, c, rows, depth, columns, transpose_a, transpose_b, accumulate):
    plan = _outer_plan(rows, depth, columns, transpose_b, c.dtype)
    panel_step, tile_step = plan.tile_rows * depth, plan.tile_columns * depth
    left = empty((plan.panels * panel_step,), a.dtype)
    if transpose_a:
        pack_columns(a.reshape(-1), rows, depth, plan.tile_rows, left)
    else:
        pack_rows(a.reshape(-1), rows, depth, plan.tile_rows, 1, 0, panel_step, VECTOR_UNIT.lanes(a.dtype), left)
    right = b.reshape(-1)
    if plan.packs_right:
        right = empty((plan.tiles * tile_step,), b.dtype)
        if transpose_b:
            pack_rows(b.reshape(-1), columns, depth, plan.tile_columns, 1, 0, tile_step, VECTOR_UNIT.lanes(b.dtype), right)
        else:
            pack_columns(b.reshape(-1), columns, depth, plan.tile_columns, right)
    outer_product(plan.tile_rows, left, depth, right, 0, plan.tile_step, plan.offsets, c.reshape(-1), 1, 1, rows, columns, plan.start,
                  0, columns, columns, columns, columns, plan.tile_columns, _DEPTH, plan.tiles_per_piece, plan.panels_per_piece, accumulate,
                  c.reshape(-1), False, False)


class _OuterPlan(NamedTuple):
    tile_rows: int
    tile_columns: int
    panels: int
    tiles: int
    packs_right: bool
    offsets: np.ndarray    # from one row of `right` to the next
    tile_step: int         # what a tile's panel adds to the column it begins at
    start: np.ndarray
    tiles_per_piece: int
    panels_per_piece: int


@functools.lru_cache(maxsize=1024)
def _outer_plan(rows, depth, columns, transpose_b, dtype):
    tile_rows, tile_columns = outer_shape(rows, VECTOR_UNIT.lanes(dtype))
    panels, tiles = -(-rows // tile_rows), -(-columns // tile_columns)
    packs_right = transpose_b or panels >= _PANELS_WORTH_PACKING
    row_length = tile_columns if packs_right else columns
    tile_step = depth * tile_columns if packs_right else 0
    most_tiles = _CACHE // (min(depth, _DEPTH) * tile_columns * dtype.itemsize)
    return _OuterPlan(tile_rows, tile_columns, panels, tiles, packs_right, np.arange(depth, dtype=np.int64) * row_length, tile_step,
                      np.zeros(panels * tile_rows, dtype), *pieces(tiles, panels, most_tiles))


def _dot(a, b, c, rows, depth, columns, accumulate):
    offsets, tiles_per_piece, rows_per_piece = _dot_plan(rows, depth, columns)
    dot_product(1, depth, a.reshape(-1), 0, depth, b.reshape(-1), 0, 0, offsets, c.reshape(-1), 1, rows, columns, _POSITIONS, 1,
                rows_per_piece, tiles_per_piece, accumulate)


@functools.lru_cache(maxsize=1024)
def _dot_plan(rows, depth, columns):
    tiles, panels = -(-columns // DOT_COLUMNS), -(-rows // DOT_ROWS)
    tiles_per_piece, panels_per_piece = pieces(tiles, panels, min(_DOT_TILES, -(-tiles // 8)))
    return np.arange(columns, dtype=np.int64) * depth, tiles_per_piece, panels_per_piece * DOT_ROWS
