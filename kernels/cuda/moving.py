"""Numbers moved as they are, between arrays of any strides; filled in, converted, gathered and scattered.

What is moved is taken for whole numbers of its size, so that all types share their kernels. Where rows and addresses allow it, several
are taken for one of up to 16 bytes.
"""
import math

import numpy as np
from numba import cuda, int32, uint32

from .array import DeviceArray
from .intrinsics import load4, store4
from .launch import blocks, kernel
from .strides import AXES, indices, last, merged, parts, span, steps

BLOCK = 256
TILE, TILE_WIDTH, TILE_ROWS = 32, 33, 8   # a transposition moves squares of 32 by 32, with 8 rows of threads
_WORDS = {1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64", 16: "float32"}   # 16 bytes are moved as four floats


def copy(source, target):
    """target[...] = source: arrays of one type, any strides; the source is broadcast to the target's shape.

    Rows that lie in one piece in both go 16 bytes at a time. Where the two run along different axes, as in a transposition, squares go
    through shared memory, so that both the reading and the writing is of neighbours.
    """
    if not target.size:
        return
    sizes, rows = merged(target.shape, steps(source, target.shape), steps(target, target.shape))
    (flat_source, first_source), (flat_target, first_target) = span(source), span(target)
    across = _across(sizes, *rows)
    if across:
        _transpose(flat_source, first_source, flat_target, first_target, sizes, *rows, *across)
        return
    sizes, rows, size = _widen(sizes, rows, (source, target))
    flat_source, flat_target = words(flat_source, size), words(flat_target, size)
    if size != source.itemsize:
        first_source, first_target = (first * source.itemsize // size for first in (first_source, first_target))
    count, move = math.prod(sizes[-AXES:]), _copy16 if size == 16 else _copy
    for moved_source, moved_target in parts(sizes, *rows):
        move[blocks(count, BLOCK), BLOCK](flat_source, flat_target, count, first_source + moved_source, first_target + moved_target,
                                          *last(sizes, 1)[1:], *last(rows[0], 0), *last(rows[1], 0))


def fill(target, value):
    """target[...] = value, a number; any strides."""
    if not target.size:
        return
    size = target.itemsize
    bits = np.array(value).astype(target.dtype).reshape(1).view(_WORDS[size])
    if target.is_contiguous and target.address % 8 == 0 and target.nbytes % 8 == 0:
        row = words(target.reshape(-1), 8)
        _fill_row[blocks(row.size, BLOCK), BLOCK](row, np.tile(bits, 8 // size).view("uint64")[0])
        return
    sizes, (row,) = merged(target.shape, steps(target, target.shape))
    (flat, first), count = span(target), math.prod(sizes[-AXES:])
    for moved, in parts(sizes, row):
        _fill[blocks(count, BLOCK), BLOCK](words(flat, size), bits[0], count, first + moved, *last(sizes, 1)[1:], *last(row, 0))


def cast(x, y):
    """y = x in y's type, as numpy.ndarray.astype does it; both contiguous."""
    to_truth, x, y = y.dtype == bool, *(words(array.reshape(-1), 1) if array.dtype == bool else array.reshape(-1) for array in (x, y))
    (_truth if to_truth else _cast)[blocks(x.size, BLOCK), BLOCK](x, y)


def take(x, positions, y):
    """y[i] = x[positions[i]], a number or a whole row: x (n, ...), positions (m,) int32 or int64 from 0 to n - 1, y (m, ...)."""
    _gather(_take, x, positions, y)


def put(y, positions, x):
    """y[positions[i]] = x[i]: the reverse of `take`. No position may come twice."""
    _gather(_put, y, positions, x)


def _gather(move, far, positions, near):
    """Between far[positions[i]] and near[i], in words of up to 8 bytes."""
    row, size = math.prod(far.shape[1:]), far.itemsize
    while size < 8 and row % 2 == 0 and far.address % (2 * size) == near.address % (2 * size) == 0:
        row, size = row // 2, 2 * size
    far, near = words(far.reshape(-1), size), words(near.reshape(-1), size)
    move[blocks(near.size, BLOCK), BLOCK](far, positions.reshape(-1), near, row)


def add_at(y, positions, values):
    """y[positions[i]] += values[i], in flat arrays, in the same order whenever it runs.

    positions  numpy.ndarray of whole numbers: it is sorted on the host, so that a warp has all values of a position, and adds them up
    """
    order = np.argsort(positions, kind="stable")
    targets, firsts = np.unique(positions[order], return_index=True)
    ends = np.append(firsts, positions.size)
    order, targets, ends = (y.machine.to_device(array.astype(np.int32)) for array in (order, targets, ends))
    _add_at[blocks(targets.size, BLOCK // 32), BLOCK](y.reshape(-1), values.reshape(-1), order, targets, ends)


def words(array, size):
    """A flat array as one of whole numbers of that many bytes."""
    dtype = np.dtype(_WORDS[size])
    return DeviceArray(array.machine, array.memory, array.address, (array.nbytes // dtype.itemsize,), dtype)


def _widen(sizes, rows, arrays):
    """Sizes and rows of steps for words as large as rows and addresses allow, and how many bytes these have."""
    size = arrays[0].itemsize
    if not sizes or any(row[-1] != 1 for row in rows):
        return sizes, rows, size
    in_bytes = math.gcd(*[array.address for array in arrays], size * sizes[-1], *[size * step for row in rows for step in row[:-1]])
    wide = math.gcd(in_bytes, 16)
    times = wide // size
    if times <= 1:
        return sizes, rows, size
    return (*sizes[:-1], sizes[-1] // times), [(*[step // times for step in row[:-1]], 1) for row in rows], wide


def _across(sizes, source, target):
    """The axes along which source and target run, if these are two that are long enough to be worth it."""
    runs = [next((axis for axis, step in enumerate(row) if step == 1), None) for row in (source, target)]
    if None in runs or runs[0] == runs[1] or min(sizes[axis] for axis in runs) < TILE // 2:
        return None
    return runs


def _transpose(source, first_source, target, first_target, sizes, steps_source, steps_target, along_source, along_target):
    size = source.itemsize
    others = [axis for axis in range(len(sizes)) if axis not in (along_source, along_target)]
    rows, columns = sizes[along_source], sizes[along_target]
    outer, *moves = (tuple(row[axis] for axis in others) for row in (sizes, steps_source, steps_target))
    across, down, stack = blocks(columns, TILE), blocks(rows, TILE), math.prod(outer[-2:])
    for moved_source, moved_target in parts(outer, *moves, axes=2):
        _copy_tiles[across * down * stack, (TILE, TILE_ROWS)](
            words(source, size), words(target, size), first_source + moved_source, first_target + moved_target, across, down, rows, columns,
            steps_source[along_target], steps_target[along_source], last(outer, 1, 2)[1], *last(moves[0], 0, 2), *last(moves[1], 0, 2))


@kernel
def _copy(source, target, count, first_source, first_target, size1, size2, size3, s0, s1, s2, s3, t0, t1, t2, t3):
    """The simple form: a number a thread, whatever the steps."""
    i = cuda.grid(1)
    if i < count:
        i0, i1, i2, i3 = indices(i, size1, size2, size3)
        place = uint32(first_source + i0 * s0 + i1 * s1 + i2 * s2 + i3 * s3)
        target[uint32(first_target + i0 * t0 + i1 * t1 + i2 * t2 + i3 * t3)] = source[place]


@kernel
def _copy16(source, target, count, first_source, first_target, size1, size2, size3, s0, s1, s2, s3, t0, t1, t2, t3):
    """16 bytes a thread: sizes and steps count these."""
    i = cuda.grid(1)
    if i < count:
        i0, i1, i2, i3 = indices(i, size1, size2, size3)
        a, b, c, d = load4(source, uint32(4 * (first_source + i0 * s0 + i1 * s1 + i2 * s2 + i3 * s3)))
        store4(target, uint32(4 * (first_target + i0 * t0 + i1 * t1 + i2 * t2 + i3 * t3)), a, b, c, d)


@kernel
def _copy_tiles(source, target, first_source, first_target, across, down, rows, columns, down_source, down_target, size1, s0, s1, t0, t1):
    """target[row, column] = source[row, column], where neighbouring rows are neighbours in the source, and columns in the target.

    A block reads a tile along the rows and writes it along the columns. The tile in shared memory is one wider than it need be: so the
    32 numbers of a column lie in different banks.
    """
    tile = cuda.shared.array((TILE, TILE_WIDTH), source.dtype)
    block = uint32(cuda.blockIdx.x)
    across_place, rest = uint32(block % uint32(across)), uint32(block // uint32(across))
    down_place, outer = uint32(rest % uint32(down)), uint32(rest // uint32(down))
    i0, i1 = int32(outer // uint32(size1)), int32(outer % uint32(size1))
    x, y = uint32(cuda.threadIdx.x), uint32(cuda.threadIdx.y)
    first_row, first_column = int32(TILE * down_place), int32(TILE * across_place)
    place = int32(first_source + i0 * s0 + i1 * s1 + first_row + x + int32(first_column + y) * down_source)
    move = int32(TILE_ROWS * down_source)
    if first_row + TILE <= rows and first_column + TILE <= columns:
        a, b = source[uint32(place)], source[uint32(place + move)]   # all four asked for before the first has come
        c, d = source[uint32(place + 2 * move)], source[uint32(place + 3 * move)]
        tile[y, x], tile[uint32(y + TILE_ROWS), x] = a, b
        tile[uint32(y + 2 * TILE_ROWS), x], tile[uint32(y + 3 * TILE_ROWS), x] = c, d
    else:
        for k in range(0, TILE, TILE_ROWS):
            if first_row + int32(x) < rows and first_column + int32(y + k) < columns:
                tile[uint32(y + k), x] = source[uint32(place)]
            place += move
    cuda.syncthreads()
    place = int32(first_target + i0 * t0 + i1 * t1 + first_column + x + int32(first_row + y) * down_target)
    move = int32(TILE_ROWS * down_target)
    for k in range(0, TILE, TILE_ROWS):
        if first_row + int32(y + k) < rows and first_column + int32(x) < columns:
            target[uint32(place)] = tile[x, uint32(y + k)]
        place = int32(place + move)


@kernel
def _fill(target, value, count, first, size1, size2, size3, t0, t1, t2, t3):
    """The simple form: a number a thread, whatever the steps."""
    i = cuda.grid(1)
    if i < count:
        i0, i1, i2, i3 = indices(i, size1, size2, size3)
        target[uint32(first + i0 * t0 + i1 * t1 + i2 * t2 + i3 * t3)] = value


@kernel
def _fill_row(target, value):
    i = cuda.grid(1)
    if i < target.size:
        target[i] = value


@kernel
def _cast(x, y):
    i = cuda.grid(1)
    if i < x.size:
        y[i] = x[i]


@kernel
def _truth(x, y):
    i = cuda.grid(1)
    if i < x.size:
        y[i] = x[i] != x.dtype.type(0)


@kernel
def _take(x, positions, y, row):
    i = cuda.grid(1)
    if i < y.size:
        place = uint32(uint32(i) // uint32(row))
        y[i] = x[uint32(positions[place] * row + (uint32(i) - place * uint32(row)))]


@kernel
def _put(y, positions, x, row):
    i = cuda.grid(1)
    if i < x.size:
        place = uint32(uint32(i) // uint32(row))
        y[uint32(positions[place] * row + (uint32(i) - place * uint32(row)))] = x[i]


@kernel
def _add_at(y, values, order, targets, ends):
    """A warp for each position: its lanes take every 32nd value each, and add up what they have in pairs."""
    number, lane = cuda.grid(1) // 32, cuda.laneid
    if number < targets.size:
        total = values.dtype.type(0)
        for place in range(ends[number] + lane, ends[number + 1], 32):
            total += values[order[place]]
        for distance in (16, 8, 4, 2, 1):
            total += cuda.shfl_down_sync(0xffffffff, total, distance)
        if lane == 0:
            y[targets[number]] += total
