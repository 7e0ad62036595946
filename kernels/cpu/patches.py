"""A convolution's product over output positions that are counted without gaps, over all images of a batch.

A tile of `direct` reads the bordered image where it lies: it works out the gaps at the ends of lines too, and each image begins with
a tile of its own. Images of 7 x 7 waste a quarter of the work that way. Where filters are many, it costs less than that to bring what
the taps meet at a tile's positions into a panel of its own first, piece of line by piece of line:

    image     a a a a a . | b b b b b . | c c ...        tile    a a a a a b b b | b b c c ...
    +offset     a a a a a . | b b b b b . | c ...        for each tap one such line

That is a part of the matrix of patches (im2col), for some tiles at a time, so that it stays in the cache.
"""
import functools
from typing import NamedTuple

import numpy as np

from .machine import VECTOR_UNIT
from .memory import empty
from .packing import pack_windows
from .product import outer_product, outer_shape, pieces

_DEPTH = 512              # taps in one pass over an outer tile
_CACHE = 256 * 1024       # bytes of a piece of work's panels in one such pass
_BUFFER = 4 * 1024 ** 2   # bytes of panels at a time
_LEAST_ROWS = 48          # over which the cost of panels is spread
_LEAST_SAVING = 0.2       # of the work, for which they are worth it


def worthwhile(rows, images, layout, dtype):
    """Does it pay to count the positions of these images without gaps, for a left matrix of so many rows?"""
    lanes = VECTOR_UNIT.lanes(dtype)
    with_gaps = images * -(-layout.positions // lanes)
    without = -(-images * _size(layout) // lanes)
    return rows >= _LEAST_ROWS and with_gaps - without > _LEAST_SAVING * with_gaps


def patch_product(left, panel_depth, padded, images, layout, rows, start, out, residual, add, rectify):
    """out[n] = start + left x windows of image n, for left panels of depth panel_depth and out (images, rows, positions), flat;
    and what follows (see epilogue)."""
    plan = _plan_of(images, rows, layout.offsets.size, layout.positions, layout.pitch, layout.width, layout.group_size, out.dtype)
    panel, size = layout.offsets.size * plan.tile_columns, _size(layout)
    panels = empty((plan.tiles_at_a_time * panel,), out.dtype)
    for first in range(0, plan.tiles, plan.tiles_at_a_time):
        count = min(plan.tiles_at_a_time, plan.tiles - first)
        pack_windows(padded, layout.offsets, *plan.pieces, first, count, plan.tile_columns, panels)
        outer_product(plan.tile_rows, left, panel_depth, panels, 0, panel, plan.offsets, out, 1, 1, rows, size, start, first,
                      min(images * size, (first + count) * plan.tile_columns), size, size, rows * size, plan.tile_columns, _DEPTH,
                      plan.tiles_per_piece, plan.panels_per_piece, False, residual, add, rectify)


def _size(layout):
    """Output positions of an image."""
    return ((layout.positions - layout.width) // layout.pitch + 1) * layout.width


class _Plan(NamedTuple):
    tile_rows: int
    tile_columns: int
    tiles: int
    tiles_at_a_time: int
    pieces: tuple           # arguments of packing.pack_windows
    offsets: np.ndarray     # from one line of a panel to the next
    tiles_per_piece: int
    panels_per_piece: int


@functools.lru_cache(maxsize=64)
def _plan_of(images, rows, depth, positions, pitch, width, image_size, dtype):
    tile_rows, tile_columns = outer_shape(rows, VECTOR_UNIT.lanes(dtype))
    size = ((positions - width) // pitch + 1) * width
    tiles, panels = -(-images * size // tile_columns), -(-rows // tile_rows)
    begins = np.union1d(np.arange(0, images * size, width), np.arange(0, images * size, tile_columns))
    lengths = np.diff(begins, append=images * size)
    sources = begins // size * image_size + begins % size // width * pitch + begins % width
    first_pieces = np.searchsorted(begins, np.arange(tiles + 1) * tile_columns)
    at_a_time = max(1, _BUFFER // (depth * tile_columns * dtype.itemsize))
    at_a_time = -(-tiles // -(-tiles // at_a_time))
    most_tiles = _CACHE // (min(depth, _DEPTH) * tile_columns * dtype.itemsize)
    return _Plan(tile_rows, tile_columns, tiles, at_a_time, (sources, begins % tile_columns, lengths, first_pieces),
                 np.arange(depth) * tile_columns, *pieces(at_a_time, panels, most_tiles))
