"""Winograd's convolution: 3 x 3 filters at stride 1 with a half to a quarter of the multiplications.

The output is cut into tiles of m x m pixels. A tile sees (m + 2) x (m + 2) pixels d; transformed, they are multiplied number by
number with the transformed filter, and the products, summed over channels, are transformed back (the formula is in sandwich.py).
Summing over channels, for each of the (m + 2)^2 places in a tile, is a matrix product, and those are where the time goes:

    image --> pixels side by side, a register of channels for each --> V[place, tile, channel]  --+
                                                                                                  x --> sums[place, tile, filter] --> image
                                       weight --> U[place, channel, filter]  ---------------------+

Channels lie across the lanes of the registers: lanes are full whatever the size of the image, and since each tile reads only pixels
of its own image, a NaN goes no further than the tiles that see it. Tiles are counted over the whole batch. The input's gradient is
the same with the filters turned round; the weight's gradient multiplies V with the transformed gradient of the output and sums over tiles.

Rounding errors are 2 to 4 times those of the direct sum for m = 4 and about the same for m = 2 (tests/kernels/test_winograd.py).
"""
import functools
from typing import NamedTuple

import numba
import numpy as np

from .compiler import inner, kernel
from .epilogue import finish_block
from .machine import VECTOR_UNIT
from .memory import empty, zeros
from .packing import transpose_block
from .product import outer_shape, pieces
from .sandwich import transform_grad_output, transform_grad_weight, transform_input, transform_output, transform_weight
from .tile import outer_tile

_IN_CACHE = 8 * 1024 * 1024  # bytes of V at a time
_SUMS = 400 * 1024           # bytes of sums in one piece of work


class _Plan(NamedTuple):
    """How a product is cut: tiles are its rows, output channels its columns."""

    places: int           # (m + 2)^2
    tile_rows: int        # tiles of the image down and across
    tile_columns: int
    rows: int             # of a register tile
    columns: int
    blocks: int           # of so many columns
    pitch: int            # from one tile to the next in V
    v_step: int           # from one place to the next in V
    u_step: int           # in U
    sum_step: int         # in the sums of a piece of work
    rows_at_once: int     # tile rows, counted over the batch, in a chunk
    stack: int            # tiles of the image in a piece of work
    offsets: np.ndarray
    start: np.ndarray


def conv2d(m, x, weight, bias, y, padding, residual, rectify, kept):
    """Stride 1, 3 x 3 filters: kernels.cpu.convolution.conv2d by F(m x m, 3 x 3)."""
    _convolve(m, x, weight, bias, y, padding, residual, rectify, kept, turned=False)


def conv2d_grad_input(m, grad_y, weight, grad_x, padding, kept):
    """Stride 1, 3 x 3 filters, padding at most 2: kernels.cpu.convolution.conv2d_grad_input by F(m x m, 3 x 3)."""
    _convolve(m, grad_y, weight, None, grad_x, (2 - padding[0], 2 - padding[1]), None, False, kept, turned=True)


def _convolve(m, x, weight, bias, y, padding, residual, rectify, kept, turned):
    plan = _plan_of(m, x.shape, y.shape, x.dtype)
    lanes, threads = VECTOR_UNIT.lanes(x.dtype), numba.get_num_threads()
    images, channels, height, width = x.shape
    filters, out_height, out_width = y.shape[1:]
    u = None if kept is None else kept.get((m, plan.columns, turned))
    if u is None:
        u = empty((plan.places * plan.u_step,), x.dtype)
        # For the input's gradient, `channels` are the filters of the layer and `filters` its channels: they swap places in the weight.
        depth_step, lane_step = (filters * 9, 9) if turned else (9, channels * 9)
        transform_weights(m, weight.reshape(-1), channels, depth_step, filters, lane_step, turned, plan.columns, lanes, plan.u_step, u)
        if kept is not None:
            kept[m, plan.columns, turned] = u
    v = empty((plan.places * plan.v_step,), x.dtype)
    scratch = (m + 2) * (plan.tile_columns * m + 2) * lanes, plan.places * plan.sum_step, m * plan.stack * m * lanes
    pixels, sums, results = [empty((threads * size,), x.dtype) for size in scratch]
    bias = zeros(filters, x.dtype) if bias is None else bias
    added = y if residual is None else residual
    for first in range(0, images * plan.tile_rows, plan.rows_at_once):
        end = min(images * plan.tile_rows, first + plan.rows_at_once)
        gather_tiles(m, m + 2, x.reshape(-1), channels, height, width, *padding, first, end, plan.tile_rows, plan.tile_columns, plan.pitch,
                     plan.v_step, lanes, pixels, v)
        multiply_tiles(m, v, plan.pitch, plan.v_step, u, plan.u_step, channels, filters, plan.rows, plan.columns, plan.offsets, plan.start,
                       first, end, plan.tile_rows, plan.tile_columns, plan.stack, lanes, sums, plan.sum_step, results,
                       y.reshape(-1), out_height, out_width, bias, added.reshape(-1), residual is not None, rectify)


def conv2d_grad_weight(m, grad_y, x, grad_weight, padding):
    """Stride 1, 3 x 3 filters: kernels.cpu.convolution.conv2d_grad_weight by F(3 x 3, m x m)."""
    images, channels, height, width = x.shape
    filters, out_height, out_width = grad_y.shape[1:]
    lanes, threads = VECTOR_UNIT.lanes(x.dtype), numba.get_num_threads()
    plan = _grad_weight_plan(m, x.shape, grad_y.shape, x.dtype)
    pixels = empty((threads * (m + 2) * (plan.tile_columns * m + 2) * lanes,), x.dtype)
    seen, grad_tiles = [empty((plan.places * step + lanes,), x.dtype) for step in (plan.x_step, plan.y_step)]
    sums = empty((plan.places * plan.sum_step,), x.dtype)
    for first in range(0, images * plan.tile_rows, plan.rows_at_once):
        end = min(images * plan.tile_rows, first + plan.rows_at_once)
        gather_tiles(m, m + 2, x.reshape(-1), channels, height, width, *padding, first, end, plan.tile_rows, plan.tile_columns,
                     plan.x_pitch, plan.x_step, lanes, pixels, seen)
        gather_tiles(m, m, grad_y.reshape(-1), filters, out_height, out_width, 0, 0, first, end, plan.tile_rows, plan.tile_columns,
                     plan.y_pitch, plan.y_step, lanes, pixels, grad_tiles)
        sum_over_tiles(plan.places, grad_tiles, plan.y_pitch, plan.y_step, seen, plan.x_step, filters, channels, plan.rows, plan.columns,
                       plan.offsets[:(end - first) * plan.tile_columns], plan.start, sums, plan.x_pitch, plan.sum_step, first > 0)
    scatter_grad_weight(m, sums, plan.x_pitch, plan.sum_step, filters, channels, lanes, grad_weight.reshape(-1))


class _GradWeightPlan(NamedTuple):
    places: int
    tile_rows: int
    tile_columns: int
    rows: int             # of a register tile: filters
    columns: int          # input channels
    x_pitch: int          # from one tile to the next
    y_pitch: int
    x_step: int           # from one place to the next
    y_step: int
    sum_step: int
    rows_at_once: int
    offsets: np.ndarray
    start: np.ndarray


@functools.lru_cache(maxsize=1024)
def _grad_weight_plan(m, x_shape, y_shape, dtype):
    images, channels = x_shape[:2]
    filters, height, width = y_shape[1:]
    lanes, places = VECTOR_UNIT.lanes(dtype), (m + 2) ** 2
    tile_rows, tile_columns = -(-height // m), -(-width // m)
    rows, columns = outer_shape(filters, lanes, channels)
    x_pitch, y_pitch = [-(-size // lanes) * lanes for size in (channels, filters)]
    rows_at_once = _share(images * tile_rows, _IN_CACHE // (places * tile_columns * (x_pitch + y_pitch) * dtype.itemsize))
    tiles = rows_at_once * tile_columns
    return _GradWeightPlan(places, tile_rows, tile_columns, rows, columns, x_pitch, y_pitch, _spread(tiles * x_pitch, lanes),
                           _spread(tiles * y_pitch, lanes), _spread(filters * x_pitch, lanes), rows_at_once,
                           np.arange(tiles, dtype=np.int64) * x_pitch, np.zeros(rows, dtype))


@functools.lru_cache(maxsize=1024)
def _plan_of(m, x_shape, y_shape, dtype):
    images, channels = x_shape[:2]
    filters, height, width = y_shape[1:]
    lanes, places = VECTOR_UNIT.lanes(dtype), (m + 2) ** 2
    tile_rows, tile_columns = -(-height // m), -(-width // m)
    tiles = images * tile_rows * tile_columns
    rows, columns = outer_shape(tiles, lanes, filters)
    blocks = -(-filters // columns)
    pitch = -(-channels // lanes) * lanes if channels < 512 else _spread(channels, lanes)
    rows_at_once = _share(images * tile_rows, _IN_CACHE // (places * tile_columns * pitch * dtype.itemsize))
    panels = -(-rows_at_once * tile_columns // rows)
    stack, _ = pieces(panels, blocks, max(1, _SUMS // (places * rows * columns * dtype.itemsize)))
    return _Plan(places, tile_rows, tile_columns, rows, columns, blocks, pitch, _spread(panels * rows * pitch, lanes),
                 _spread(blocks * channels * columns, lanes), _spread(stack * rows * columns, lanes), rows_at_once, stack * rows,
                 np.arange(channels, dtype=np.int64) * columns, np.zeros(rows, dtype))


def _share(count, most):
    """A number up to `most`, but at least 1, into which `count` divides about evenly."""
    return -(-count // -(-count // max(1, most)))


def _spread(size, lanes):
    """At least `size`, an odd number of registers: at distances that are multiples of 4 KiB, say, numbers would share the few lines
    of one set of the cache."""
    return (-(-size // lanes) | 1) * lanes


@kernel
def transform_weights(m, weight, depth, depth_step, filters, filter_step, turned, columns, lanes, u_step, u):
    """U[place, f // columns, c, f % columns] = (G g G^T)[place], g the filter at weight[c * depth_step + f * filter_step],
    turned round if so asked."""
    blocks, groups = (filters + columns - 1) // columns, columns // lanes
    run = lanes if depth_step == 9 else 1   # channels c whose 9 taps follow each other in memory: transposed together
    runs = (depth + run - 1) // run
    for piece in numba.prange(blocks * groups * runs):
        part, first_depth = piece // runs, piece % runs * run
        block, first = part // groups, part // groups * columns + part % groups * lanes
        live = min(lanes, filters - first)
        taps = np.empty(9 * run * lanes, weight.dtype)
        t0, step = (8 * lanes, -lanes) if turned else (0, lanes)
        if live > 0:
            count = min(run, depth - first_depth)
            for tap in range(0, 9 * count, lanes):
                transpose_block(weight, first * filter_step + first_depth * depth_step + tap, filter_step, live,
                                taps, tap * lanes, lanes, min(lanes, 9 * count - tap))
            for c in range(count):
                transform_weight(m, taps, c * 9 * lanes + t0, 3 * step, step, u,
                                 (block * depth + first_depth + c) * columns + first - block * columns, (m + 2) * u_step, u_step)


@kernel
def gather_tiles(m, window, x, channels, height, width, top, left, first_row, end_row, tile_rows, tile_columns, pitch, step, lanes,
                 pixels, tiles):
    """tiles[place, t, c]: the transform of what tile t of the rows first_row ... end_row - 1 of tiles sees of channel c.

    For a window of m + 2 pixels that is B^T d B, d beginning `top` and `left` before the tile; for one of m pixels A d A^T.
    """
    groups = (channels + lanes - 1) // lanes
    line = (tile_columns * m + window - m) * lanes
    for piece in numba.prange((end_row - first_row) * groups):
        row, group = first_row + piece // groups, piece % groups
        image, first_line = row // tile_rows, (row % tile_rows) * m - top
        scratch = numba.get_thread_id() * window * line
        plane = image * channels + group * lanes
        for i in range(window):
            gather_line(x, plane * height * width, height, width, first_line + i, left, min(lanes, channels - group * lanes), lanes,
                        pixels[scratch + i * line:scratch + (i + 1) * line])
        target = (row - first_row) * tile_columns * pitch + group * lanes
        for tile in range(tile_columns):
            if window == m:
                transform_grad_output(m, pixels, scratch + tile * m * lanes, line, lanes, tiles, target + tile * pitch,
                                      (m + 2) * step, step)
            else:
                transform_input(m, pixels, scratch + tile * m * lanes, line, lanes, tiles, target + tile * pitch, (m + 2) * step, step)


@inner
def gather_line(x, plane, height, width, row, left, live, lanes, line):
    """line[p * lanes + c] = x[plane + c, row, p - left] for c < live, or 0 outside of the image."""
    end = line.size // lanes
    inside = min(width, end - left) if 0 <= row < height else 0
    for p in range(0, min(left, end) * lanes):
        line[p] = 0
    for p in range((left + inside) * lanes, line.size):
        line[p] = 0
    for p in range(0, inside, lanes):
        transpose_block(x, plane + row * width + p, height * width, live, line, (left + p) * lanes, lanes, min(lanes, inside - p))


@kernel
def multiply_tiles(m, v, pitch, v_step, u, u_step, channels, filters, rows, columns, offsets, start, first_row, end_row, tile_rows,
                   tile_columns, stack, lanes, sums, sum_step, results, y, height, width, bias, residual, add, rectify):
    """y = A^T (sum over channels of U * V) A for the given rows of tiles: a piece of work is a stack of tiles by a block of filters."""
    places, blocks = (m + 2) * (m + 2), (filters + columns - 1) // columns
    tiles = (end_row - first_row) * tile_columns
    stacks = (tiles + stack - 1) // stack
    result_size = m * stack * m * lanes
    for piece in numba.prange(blocks * stacks):
        block, first = np.int64(piece) // stacks, np.int64(piece) % stacks * stack
        end, live = min(tiles, first + stack), min(columns, filters - block * columns)
        thread = numba.get_thread_id()
        scratch = thread * places * sum_step
        for place in range(places):
            for t in range(first, end, rows):
                outer_tile(rows, channels, v, place * v_step + t * pitch, pitch, 1,
                           u, place * u_step + block * channels * columns,
                           offsets, 0, sums, scratch + place * sum_step + (t - first) * columns, columns, start, 0,
                           min(rows, end - t), 0, live, columns, columns, columns, False)
        for lane in range(0, live, lanes):
            into = thread * result_size
            for t in range(end - first):
                transform_output(m, sums, scratch + t * columns + lane, (m + 2) * sum_step, sum_step,
                                 results, into + t * m * lanes, stack * m * lanes, lanes)
            scatter_tiles(m, results, into, stack, first, end, first_row, tile_rows, tile_columns, lanes, y, block * columns + lane,
                          min(lanes, live - lane), filters, height, width, bias, residual, add, rectify)


@inner
def scatter_tiles(m, results, r0, stack, first, end, first_row, tile_rows, tile_columns, lanes, y, channel, live, channels, height, width,
                  bias, residual, add, rectify):
    """Tiles first ... end - 1, pixels with a register of channels each, to their places in the image, and what follows."""
    t = first
    while t < end:
        row, column = first_row + t // tile_columns, t % tile_columns
        count = min(end - t, tile_columns - column)
        top = row % tile_rows * m
        pixels = min(count * m, width - column * m)
        for i in range(min(m, height - top)):
            source = r0 + (i * stack + t - first) * m * lanes
            target = (((row // tile_rows) * channels + channel) * height + top + i) * width + column * m
            for p in range(0, pixels, lanes):
                finish_block(results, source + p * lanes, min(lanes, pixels - p), y, target + p, height * width, live, bias, channel,
                             residual, add, rectify)
        t += count


@kernel
def sum_over_tiles(places, grad_tiles, y_pitch, y_step, seen, x_step, filters, channels, rows, columns, offsets, start, sums, pitch,
                   sum_step, accumulate):
    """sums[place, f, c] = sum over tiles t of grad_tiles[place, t, f] * seen[place, t, c]."""
    blocks = (channels + columns - 1) // columns
    for piece in numba.prange(places * blocks):
        place, block = piece // blocks, piece % blocks
        for f in range(0, filters, rows):
            outer_tile(rows, offsets.size, grad_tiles, place * y_step + f, 1, y_pitch, seen, place * x_step + block * columns, offsets, 0,
                       sums, place * sum_step + f * pitch + block * columns, pitch, start, 0, min(rows, filters - f),
                       0, min(columns, channels - block * columns), pitch, pitch, pitch, accumulate)


@kernel
def scatter_grad_weight(m, sums, pitch, step, filters, channels, lanes, grad_weight):
    """grad_weight[f, c] = G^T sums[:, f, c] G."""
    for f in numba.prange(filters):
        taps = np.empty(9 * lanes, sums.dtype)
        for c in range(0, channels, lanes):
            transform_grad_weight(m, sums, f * pitch + c, (m + 2) * step, step, taps, 0, 3 * lanes, lanes)
            for tap in range(0, 9, lanes):
                transpose_block(taps, tap * lanes, lanes, min(lanes, 9 - tap), grad_weight, (f * channels + c) * 9 + tap, 9,
                                min(lanes, channels - c))
