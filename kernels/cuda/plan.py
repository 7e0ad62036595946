"""How a matrix product is shared out among the multiprocessors: the tile of a block, and into how many parts the sum over k is cut.

A large tile reads less for each multiply-add; small ones, and parts of the sum, give all multiprocessors something to do where the product
is small. The parts are added up by a second kernel, always in the same order, so that the same product has the same bits every time.
"""
import functools
import math

from numba import cuda, uint32

from .launch import Flat, blocks, kernel, prepare, remembered
from .tile import Tile

# Measured on an H200, against cuBLAS and cuDNN: 89 % at 4096^3 with one block of 128 x 128 on a multiprocessor, 87 % with two; of a
# convolution of 256 channels, whose sources need to work out more, 92 % with one, 97 % with two.
_SMALL_TILES = Tile(64, 128, 16, 3), Tile(64, 64, 16, 6), Tile(32, 128, 8, 6)
TILES = Tile(128, 128, 16, 1), *_SMALL_TILES
CONVOLUTION_TILES = Tile(128, 128, 16, 2), *_SMALL_TILES
SLICE = 16          # the deepest of a tile

_RATE = 128         # instructions of threads in a cycle of a multiprocessor
_LOAD = 10          # instructions to bring a number of the left or the right into the tile
_SLICE_TIME = 900   # cycles at least for a slice of k: memory answers no sooner
_LAUNCH = 6000      # cycles for one more kernel
_MEMORY = 20        # bytes in a cycle for each multiprocessor
_LEAST = 64         # steps of k in a part
_MOST_PARTS = 32


def choose(rows, columns, depth, groups, multiprocessors, tiles=TILES):
    """The pair (tile, parts) for `groups` products of rows x depth with depth x columns."""
    return _choose(rows, columns, depth, groups, multiprocessors, tiles)


@functools.lru_cache(maxsize=4096)
def _choose(rows, columns, depth, groups, multiprocessors, tiles):
    def time(choice):
        tile, parts = choice
        count = blocks(rows, tile.rows) * blocks(columns, tile.columns) * groups * parts
        slices = blocks(part_depth(depth, parts), tile.depth)
        mine = blocks(count, multiprocessors)      # blocks that the busiest multiprocessor gets
        together = min(mine, tile.blocks)
        work = (tile.rows * tile.columns + _LOAD * (tile.rows + tile.columns)) * tile.depth / _RATE
        cycles = mine * slices * max(work / _busy(together * tile.threads // 32), _SLICE_TIME / together)
        if parts > 1:
            cycles += _LAUNCH + 4 * rows * columns * groups * (parts + 2) / (_MEMORY * multiprocessors)
        return cycles

    most = max(1, min(_MOST_PARTS, depth // _LEAST))
    return min(((tile, parts) for tile in tiles for parts in range(1, most + 1)), key=time)


def _busy(warps):
    """How much of its rate a multiprocessor reaches with so many: each of its four schedulers needs two to wait for one another."""
    return min(1, 0.15 * warps, 0.6 + 0.05 * warps)


def part_depth(depth, parts):
    """How many steps of k a part has: whole slices."""
    return max(SLICE, blocks(blocks(depth, parts), SLICE) * SLICE)


@kernel
def _add_up(parts, y, accumulate, bias, residual, rectify, plane, channels):
    i, size = uint32(cuda.grid(1)), uint32(y.size)
    if i < size:
        total = parts[i]
        for place in range(uint32(i + size), uint32(parts.size), size):
            total += parts[place]
        if accumulate:
            total += y[i]
        if bias is not None:
            total += bias[uint32(i // uint32(plane)) % uint32(channels)]
        if residual is not None:
            total += residual[i]
        if rectify and total < y.dtype.type(0):
            total = y.dtype.type(0)
        y[i] = total


def add_up(parts, y, accumulate=False, bias=None, residual=None, rectify=False):
    """y = the sum of the arrays that lie behind each other in `parts`, one after the other, and what else there is to add.

    bias   one for each index of the second axis of y
    """
    launch = _adding(y.machine, parts.size, y.shape, accumulate, bias is not None, residual is not None, rectify)
    launch(parts, y, *[added for added in (bias, residual) if added is not None])


@remembered
def _adding(machine, numbers, shape, accumulate, with_bias, with_residual, rectify):
    size, channels = math.prod(shape), shape[1]
    return prepare(machine, _add_up, blocks(size, 256), 256, (
        Flat(numbers), Flat(size), accumulate, Flat(channels) if with_bias else None, Flat(size) if with_residual else None, rectify,
        max(1, math.prod(shape[2:])), channels))
