"""How large the tiles of a product on tensor cores are, and into how many parts its depth is split."""
import functools
from typing import NamedTuple

from numba import cuda

from .launch import blocks, kernel
from .tensor_core import DEPTH

SIZES = (128, 128), (128, 64), (64, 128), (64, 64)
_FILLING = 10       # slabs that take no less time than a block needs to begin and to end
_ALONE = 1.6        # times as long as half of the time for two takes a block that has a multiprocessor for itself
_LAUNCH = 5000      # clock cycles for a second kernel
_BYTES = 14         # that a multiprocessor reads or writes in a cycle


class Plan(NamedTuple):
    rows: int      # of a tile
    columns: int
    parts: int     # of the depth
    depth: int     # of each part but the last, a multiple of DEPTH


@functools.cache
def plan_of(rows, columns, depth, multiprocessors, sizes=SIZES, count=1, most_parts=64):
    """The Plan that should take the least time for `count` such products at once, with tiles of one of these sizes."""
    slabs = max(1, blocks(depth, DEPTH))
    plans = []
    for tile_rows, tile_columns in sizes:
        tiles = count * blocks(rows, tile_rows) * blocks(columns, tile_columns)
        for parts in range(1, min(most_parts, slabs) + 1):
            each = blocks(slabs, parts)
            if blocks(slabs, each) == parts:
                added = (_LAUNCH + 4 * count * rows * columns * (2 * parts + 1) / _BYTES / multiprocessors) if parts > 1 else 0
                plans.append((_cycles(tile_rows, tile_columns, each, blocks(tiles * parts, multiprocessors)) + added,
                              Plan(tile_rows, tile_columns, parts, each * DEPTH)))
    return min(plans)[1]


def _cycles(rows, columns, slabs, blocks_each):
    """Of a multiprocessor that works on so many blocks. A slab costs its multiplications and the copies of its edges."""
    slab = (rows * columns + 32 * (rows + columns)) / 60
    return (slabs + _FILLING) * slab * max(blocks_each, _ALONE)


@kernel
def add_parts(parts, sums, accumulate):
    """sums[i] = sum of parts[:, i], in order; added to what sums holds with `accumulate`."""
    i = cuda.grid(1)
    if i < sums.size:
        total = sums[i] if accumulate else sums.dtype.type(0)
        for part in range(parts.shape[0]):
            total += parts[part, i]
        sums[i] = total
