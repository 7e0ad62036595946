"""How large the tiles of a product on Hopper's tensor cores are, and into how many parts its depth is split."""
import functools
from typing import NamedTuple

from .launch import blocks
from .warpgroup import DEPTH

STAGES = {64: 4, 128: 3, 256: 4}   # of tiles with so many columns: as many as leave room for a second block where that helps
_FILLING = 6        # slabs that take no less time than a block needs to begin and to end
_LAUNCH = 5000      # clock cycles for a second kernel
_BYTES = 14         # that a multiprocessor reads or writes in a cycle, of device memory


class Plan(NamedTuple):
    rows: int      # of a tile
    columns: int
    stages: int
    parts: int     # of the depth
    slabs: int     # of each part but the last


@functools.cache
def plan_of(rows, columns, slabs, multiprocessors, count=1, tile_rows=(128,), tile_columns=(64, 128, 256), most_parts=64):
    """The Plan that should take the least time for `count` such products at once."""
    plans = []
    for height in tile_rows:
        for width in tile_columns:
            tiles = count * blocks(rows, height) * blocks(columns, width)
            for parts in range(1, min(most_parts, slabs) + 1):
                each = blocks(slabs, parts)
                if blocks(slabs, each) == parts:
                    added = (_LAUNCH + 4 * count * rows * columns * (2 * parts + 1) / _BYTES / multiprocessors) if parts > 1 else 0
                    plans.append((_cycles(height, width, each, blocks(tiles * parts, multiprocessors)) + added,
                                  Plan(height, width, STAGES[width], parts, each)))
    return min(plans)[1]


def _cycles(rows, columns, slabs, blocks_each):
    """Of a multiprocessor that works on so many blocks: it multiplies, and it reads slabs from the second cache."""
    slab = max(rows * columns * DEPTH / 1024, 4 * DEPTH * (rows + columns) / 25) + 100
    return (slabs + _FILLING) * slab * blocks_each
