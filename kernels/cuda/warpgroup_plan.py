"""How large the tiles of a product on Hopper's tensor cores are, and into how many parts its depth is split.

The times, in microseconds, are those of an H200.
"""
import functools
from typing import NamedTuple

from .launch import blocks

SIZES = (128, 256), (128, 128), (128, 64), (64, 128), (64, 64)   # rows and columns of tiles
NARROW, WIDE = 0.0040, 0.0019   # to copy one row of a slab of left: by 4 bytes, by 16 bytes
_SUM = 1.6e-5                   # a slab's work for one sum
_BLOCK, _LAST = 1.5, 9e-5       # to begin and end a block; to write one sum
_LAUNCH, _BYTE = 4.7, 2.8e-7    # a second kernel; to write or read a byte of device memory


class Plan(NamedTuple):
    rows: int      # of a tile
    columns: int
    parts: int     # of the depth
    slabs: int     # of each part but the last


@functools.cache
def plan_of(rows, columns, slabs, multiprocessors, count=1, row_copy=WIDE, most_parts=128):
    """The Plan that should take the least time for `count` such products at once."""
    plans = []
    for tile_rows, tile_columns in SIZES:
        tiles = count * blocks(rows, tile_rows) * blocks(columns, tile_columns)
        for parts in range(1, min(most_parts, slabs) + 1):
            each = blocks(slabs, parts)
            if blocks(slabs, each) == parts:
                block = each * (row_copy * tile_rows + _SUM * tile_rows * tile_columns) + _BLOCK + _LAST * tile_rows * tile_columns
                added = _LAUNCH + 4 * count * rows * columns * 2 * parts * _BYTE if parts > 1 else 0
                plans.append((block * blocks(tiles * parts, multiprocessors) + added, Plan(tile_rows, tile_columns, parts, each)))
    return min(plans)[1]
