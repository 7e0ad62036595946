"""The gradient of a convolution's weight as a matrix product whose sum runs over all pixels p = (n, i, j) of the batch:

    grad_weight[m, q] = sum over p of grad_y[m, p] window[p, q],      q = (c, r, k): channel c as tap (r, k) meets it at p

grad_y and x are read where they lie (implicit GEMM): neither is copied first. Both are contiguous along the pixels, so neighbouring
threads read neighbouring pixels of one line, and the tiles are transposed on their way into shared memory.

    Gradient   the left side: lines are filters, the numbers of a pixel lie out_height * out_width apart
    OneTap     the right side where there are many channels: a block takes one tap (r, k), its columns are channels. The place of a pixel
               and whether it lies in the image is worked out once for all columns.
    AllTaps    the right side where there are few (the first layer): its columns are q = (c, r, k), and a table in shared memory says
               where each lies from a pixel.

The result is small and the sum is long, so it is cut into parts which run side by side (split K); a second kernel adds them, always in
the same order. direct.conv2d_grad_weight is the definition, one thread for each weight.
"""
import dataclasses
import functools
from typing import NamedTuple

from numba import cuda, uint32

from . import depthwise, direct
from .array import empty_like
from .launch import blocks, kernel
from .tile import Tile, product

# (tile, how much longer it takes for a multiply-add than the first)
_TILES = ((Tile(128, 128, 16, 8, 1), 1.0), (Tile(128, 64, 8, 2, 4), 1.15), (Tile(64, 128, 8, 2, 4), 1.15), (Tile(64, 64, 8, 2, 8), 1.2),
          (Tile(32, 64, 8, 2, 16), 1.5))
_TABLE = 1.15     # and AllTaps than OneTap
_BEGIN = 64       # pixels on which a block could work in the time that it needs to begin and to end
_ADD = 30         # and in the time that a number of it takes to be written, read and added
_MOST_PARTS = 1024
_LINE, _ADDERS = 64, 16   # numbers of the result in a block that adds the parts, and the most threads that share those of one number


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight."""
    if depthwise.serves(grad_weight.shape, stride, dilation, groups):
        depthwise.conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups)
        return
    if grad_y.dtype != "float32" or grad_y.size == 0:
        direct.conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups)
        return
    images, all_filters, out_height, out_width = grad_y.shape
    filters, channels = all_filters // groups, grad_weight.shape[1]
    height, width = x.shape[2:]
    taps = grad_weight.shape[2] * grad_weight.shape[3]
    pixels = images * out_height * out_width
    plan = _plan_of(filters, channels, taps, groups, pixels, x.machine.multiprocessors)
    tile = plan.tile
    sums = empty_like(x, (plan.parts * groups * plan.row_blocks * plan.column_blocks * tile.rows * tile.columns,))
    geometry = filters, out_height, out_width, *_digits(tile.depth, out_height, out_width)
    window = (channels, height, width, *grad_weight.shape[2:], *stride, *padding, *dilation, plan.padded)
    product(tile, Gradient(), OneTap() if plan.one_tap else AllTaps(), Parts())[
        (plan.row_blocks * plan.column_blocks, plan.parts, groups), tile.threads](
        grad_y.reshape(-1), *geometry, x.reshape(-1), *window, sums, plan.row_blocks, pixels, plan.part_pixels)
    count, taps = (channels, taps) if plan.one_tap else (channels * taps, 1)
    adders = min(_ADDERS, blocks(plan.parts, 8))
    _add_parts[(tile.rows * tile.columns // _LINE, plan.row_blocks * plan.column_blocks, groups), (_LINE, adders)](
        sums, grad_weight.reshape(-1), plan.parts, filters, count, taps, plan.row_blocks, tile.rows, tile.columns, plan.padded)


class _Plan(NamedTuple):
    tile: Tile
    one_tap: bool
    row_blocks: int
    column_blocks: int
    padded: int        # columns of a tap, or of all, in whole tiles
    parts: int
    part_pixels: int


@functools.lru_cache(maxsize=1024)
def _plan_of(filters, channels, taps, groups, pixels, multiprocessors):
    """The cheapest, counted in multiply-adds."""
    plans = []
    for tile, tile_cost in _TILES:
        row_blocks = blocks(filters, tile.rows)
        for one_tap, cost in (True, tile_cost), (False, tile_cost * _TABLE):
            column_blocks = taps * blocks(channels, tile.columns) if one_tap else blocks(channels * taps, tile.columns)
            at_once = multiprocessors * tile.blocks
            count = groups * row_blocks * column_blocks
            for rounds in range(1, 9):
                parts = max(1, min(_MOST_PARTS, rounds * at_once // count))
                part_pixels = blocks(blocks(pixels, parts), tile.depth) * tile.depth
                parts = blocks(pixels, part_pixels)
                block_time = (blocks(count * parts, at_once) * at_once * (part_pixels * cost + _BEGIN) + _ADD * count * parts)
                time = block_time * tile.rows * tile.columns
                plans.append((time, len(plans), _Plan(tile, one_tap, row_blocks, column_blocks,
                                                      column_blocks // (taps if one_tap else 1) * tile.columns, parts, part_pixels)))
    return min(plans)[2]


def _digits(pixels, height, width):
    """A number of pixels as (images, rows, columns), to go on by it without a division."""
    rows, columns = divmod(pixels, width)
    return *divmod(rows, height), columns


class _Lines:
    """What both sides have in common: a thread reads one pixel of each slice, of several lines.

    depth / 8 lines are written to shared memory by neighbouring threads at once. Its rows are 4 numbers longer than the tile is wide, so
    pixels that lie 8 apart share a bank: those threads take their lines in another order.
    """

    def staged(self, tile, side):
        return tile.width(side) * tile.depth // tile.threads

    def length(self, tile, side):
        return tile.width(side) + 4

    def lines(self, tile, side):
        """For each of its numbers: which line the thread reads, from its first one on."""
        turns = tile.depth // 8
        return [f"uint32({number // turns * 4} + turn_{number % turns})" for number in range(self.staged(tile, side))]

    def first(self, tile, side):
        """The first line that a warp reads: those of a tile are dealt out evenly."""
        return f"uint32(warp * {tile.width(side) * 32 // tile.threads})"

    def put(self, tile, side, stage):
        return [f"{side}_tile[{stage}, pixel, uint32({self.first(tile, side)} + {line})] = {side}_next[{number}]"
                for number, line in enumerate(self.lines(tile, side))]


@dataclasses.dataclass(frozen=True)
class Gradient(_Lines):
    """grad_y, its lines the filters of a group. It keeps count of the pixel for both sides."""

    def arguments(self, side):
        return "grad_y, filters, out_height, out_width, step_images, step_rows, step_columns"

    def begin(self, tile, side):
        return [f"pixel = uint32(lane % {tile.depth})",
                *[f"turn_{turn} = uint32((lane >> 3) ^ {turn})" for turn in range(tile.depth // 8)],
                "position = uint32(start + pixel)",
                "image = uint32(position // uint32(out_height * out_width))",
                "inside = uint32(position - image * uint32(out_height * out_width))",
                "row = uint32(inside // uint32(out_width))",
                "column = uint32(inside - row * uint32(out_width))",
                "plane = uint32(out_height * out_width)",
                f"first_filter = uint32(cuda.blockIdx.z * filters + first_left + {self.first(tile, side)})",
                "last_gradient = uint32(grad_y.size - 1)"]

    def fetch(self, tile, side, k):
        return [f"position = uint32({k} + pixel)",
                "if position < uint32(end):",
                "    gradient = uint32(((image * uint32(cuda.gridDim.z * filters) + first_filter) * out_height + row) * out_width + column)",
                *[f"    {side}_next[{number}] = grad_y[min(uint32(gradient + {line} * plane), last_gradient)]"
                  for number, line in enumerate(self.lines(tile, side))],
                "else:",
                *[f"    {side}_next[{number}] = float32(0)" for number in range(self.staged(tile, side))]]


_NEXT_PIXEL = """\
column = uint32(column + step_columns)
row = uint32(row + step_rows)
image = uint32(image + step_images)
if column >= uint32(out_width):
    column = uint32(column - out_width)
    row = uint32(row + 1)
if row >= uint32(out_height):
    row = uint32(row - out_height)
    image = uint32(image + 1)""".split("\n")

_WINDOW = ("x, channels, height, width, window_rows, window_columns, down, across, top, margin, row_step, column_step, padded")


@dataclasses.dataclass(frozen=True)
class OneTap(_Lines):
    """x as one tap sees it, its lines the channels of a group. Column blocks go through the channels of the first tap, then the second."""

    def arguments(self, side):
        return _WINDOW

    def begin(self, tile, side):
        return ["tap = uint32(uint32(first_right) // uint32(padded))",
                "tap_row = uint32(tap // uint32(window_columns))",
                "tap_column = uint32(tap - tap_row * uint32(window_columns))",
                "from_row = uint32(tap_row * uint32(row_step) - uint32(top))",
                "from_column = uint32(tap_column * uint32(column_step) - uint32(margin))",
                f"first_channel = uint32(cuda.blockIdx.z * channels + first_right - tap * uint32(padded) + {self.first(tile, side)})",
                "area = uint32(height * width)",
                "last_pixel = uint32(x.size - 1)"]

    def fetch(self, tile, side, k):
        return ["seen_row = uint32(row * uint32(down) + from_row)",
                "seen_column = uint32(column * uint32(across) + from_column)",
                "if seen_row < uint32(height) and seen_column < uint32(width) and position < uint32(end):",
                "    seen = uint32(((image * uint32(cuda.gridDim.z * channels) + first_channel) * height + seen_row) * width + seen_column)",
                *[f"    {side}_next[{number}] = x[min(uint32(seen + {line} * area), last_pixel)]"
                  for number, line in enumerate(self.lines(tile, side))],
                "else:",
                *[f"    {side}_next[{number}] = float32(0)" for number in range(self.staged(tile, side))],
                *_NEXT_PIXEL]


@dataclasses.dataclass(frozen=True)
class AllTaps(_Lines):
    """x as all taps see it: line (c, r, k) is channel c through tap (r, k)."""

    def arguments(self, side):
        return _WINDOW

    def begin(self, tile, side):
        return [f"tap_places = cuda.shared.array({tile.columns}, uint32)",
                f"tap_rows = cuda.shared.array({tile.columns}, uint32)",
                f"tap_columns = cuda.shared.array({tile.columns}, uint32)",
                f"for number in range(thread, {tile.columns}, {tile.threads}):",
                "    tap = uint32(first_right + number)",
                "    line = uint32(tap // uint32(window_columns))",
                "    channel = uint32(line // uint32(window_rows))",
                "    from_row = uint32((line - channel * uint32(window_rows)) * uint32(row_step) - uint32(top))",
                "    from_column = uint32((tap - line * uint32(window_columns)) * uint32(column_step) - uint32(margin))",
                "    tap_rows[number] = from_row if channel < uint32(channels) else uint32(1 << 30)",
                "    tap_columns[number] = from_column",
                "    tap_places[number] = uint32((channel * uint32(height) + from_row) * uint32(width) + from_column)",
                "cuda.syncthreads()"]

    def fetch(self, tile, side, k):
        lines = ["first_row = uint32(row * uint32(down))",
                 "first_column = uint32(column * uint32(across))",
                 "seen = uint32(((image * uint32(cuda.gridDim.z) + cuda.blockIdx.z) * channels * height + first_row) * width + first_column)"]
        for number, line in enumerate(self.lines(tile, side)):
            lines += [f"tap = uint32({self.first(tile, side)} + {line})",
                      f"{side}_next[{number}] = float32(0)",
                      "if (uint32(first_row + tap_rows[tap]) < uint32(height) and uint32(first_column + tap_columns[tap]) < uint32(width)",
                      "        and position < uint32(end)):",
                      f"    {side}_next[{number}] = x[uint32(seen + tap_places[tap])]"]
        return lines + _NEXT_PIXEL


@dataclasses.dataclass(frozen=True)
class Parts:
    """The target: whole tiles behind each other, edges and all, in the order (part, group, block)."""

    def arguments(self):
        return "sums_of_parts"

    def store(self):
        return """
            block = uint32((cuda.blockIdx.y * cuda.gridDim.z + cuda.blockIdx.z) * cuda.gridDim.x + cuda.blockIdx.x)
            for i in range(8):
                for half in range(2):
                    number = uint32((block * (2 * HALF_ROWS) + my_row + (i & 3) + (i >> 2) * HALF_ROWS) * (2 * HALF_COLUMNS)
                                    + my_column + half * HALF_COLUMNS)
                    store4(sums_of_parts, number, sums[i, 4 * half], sums[i, 4 * half + 1], sums[i, 4 * half + 2], sums[i, 4 * half + 3])
        """


@kernel
def _add_parts(sums, grad_weight, parts, filters, count, taps, row_blocks, rows, columns, padded):
    """grad_weight = the sum of the parts, put in order: the first of a few adders takes the first part and every so manieth after it, the
    second the next, and at the end one adds what they have."""
    shared = cuda.shared.array((_ADDERS, _LINE), sums.dtype)
    lane, adder, adders = uint32(cuda.threadIdx.x), uint32(cuda.threadIdx.y), uint32(cuda.blockDim.y)
    block, group = uint32(cuda.blockIdx.y), uint32(cuda.blockIdx.z)
    number = uint32(cuda.blockIdx.x * _LINE + lane)
    part_size = uint32(cuda.gridDim.z * cuda.gridDim.y * rows * columns)
    place = uint32(adder * part_size + (group * cuda.gridDim.y + block) * uint32(rows * columns) + number)
    total = sums.dtype.type(0)
    for _ in range(adder, parts, adders):
        total += sums[place]
        place = uint32(place + adders * part_size)
    shared[adder, lane] = total
    cuda.syncthreads()
    if adder == 0:
        for other in range(1, adders):
            total += shared[uint32(other), lane]
        row = uint32(number // uint32(columns))
        m = uint32(block % uint32(row_blocks) * uint32(rows) + row)
        q = uint32(block // uint32(row_blocks) * uint32(columns) + number - row * uint32(columns))
        tap = uint32(q // uint32(padded))
        c = uint32(q - tap * uint32(padded))
        if m < uint32(filters) and c < uint32(count):
            grad_weight[uint32(((group * uint32(filters) + m) * uint32(count) + c) * uint32(taps) + tap)] = total
