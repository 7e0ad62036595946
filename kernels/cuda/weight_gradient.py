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
import itertools
import math
from typing import NamedTuple

from numba import cuda, uint32

from . import depthwise, direct
from .array import empty_like
from .launch import Flat, blocks, kernel, prepare, remembered
from .tile import Tile, product

# (tile, how much longer it takes for a multiply-add than the first)
_TILES = ((Tile(128, 128, 16, 1), 1.0), (Tile(64, 128, 16, 3), 1.1), (Tile(128, 64, 16, 3), 1.1), (Tile(64, 64, 16, 6), 1.15),
          (Tile(32, 64, 8, 12), 1.4))
# (OneTap or AllTaps?, that on the left and Gradient on the right or the other way round?, how much longer than the first)
_FORMS = (True, False, 1.0), (True, True, 1.0), (False, False, 1.15), (False, True, 1.15)
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
    numbers, multiply, add = _launches(grad_y.machine, grad_y.shape, x.shape, grad_weight.shape, tuple(stride), tuple(padding),
                                       tuple(dilation), groups)
    sums = empty_like(x, (numbers,))
    multiply(grad_y, x, sums)
    add(sums, grad_weight)


@remembered
def _launches(machine, grad_y, x, grad_weight, stride, padding, dilation, groups):
    """(numbers in all parts, the launch that makes them, the launch that adds them up) for arrays of these shapes."""
    images, all_filters, out_height, out_width = grad_y
    filters, channels = all_filters // groups, grad_weight[1]
    taps, pixels = grad_weight[2] * grad_weight[3], images * out_height * out_width
    plan = _plan_of(filters, channels, taps, groups, pixels, machine.multiprocessors)
    tile, count = plan.tile, plan.row_blocks * plan.column_blocks
    sums = Flat(plan.parts * groups * count * tile.rows * tile.columns)
    gradient = Gradient(), (Flat(math.prod(grad_y)), filters, out_height, out_width, *_digits(tile.depth, out_height, out_width))
    window = OneTap() if plan.one_tap else AllTaps(), (
        Flat(math.prod(x)), channels, *x[2:], *grad_weight[2:], *stride, *padding, *dilation, plan.padded)
    (left, of_left), (right, of_right) = (window, gradient) if plan.window_left else (gradient, window)
    launch = prepare(machine, product(tile, left, right, Parts()), (count, plan.parts, groups), tile.threads, (
        *of_left, *of_right, sums, plan.row_blocks, pixels, plan.part_pixels))

    def multiply(grad_y, x, sums):
        launch(*((x, grad_y) if plan.window_left else (grad_y, x)), sums)

    lines, taps = (channels, taps) if plan.one_tap else (channels * taps, 1)
    add = prepare(machine, _add_parts, (tile.rows * tile.columns // _LINE, count, groups), (_LINE, min(_ADDERS, blocks(plan.parts, 8))), (
        sums, Flat(math.prod(grad_weight)), plan.parts, filters, lines, taps, plan.window_left, plan.row_blocks, tile.rows, tile.columns,
        plan.padded))
    return sums.size, multiply, add


class _Plan(NamedTuple):
    tile: Tile
    one_tap: bool      # OneTap or AllTaps?
    window_left: bool  # that on the left and Gradient on the right, or the other way round?
    row_blocks: int
    column_blocks: int
    padded: int        # lines of a tap, or of all, in whole tiles
    parts: int
    part_pixels: int


@functools.lru_cache(maxsize=1024)
def _plan_of(filters, channels, taps, groups, pixels, multiprocessors):
    """The cheapest, counted in multiply-adds."""
    plans = []
    for (tile, tile_cost), (one_tap, window_left, form_cost) in itertools.product(_TILES, _FORMS):
        across = (tile.rows, tile.columns)[not window_left]
        window_blocks = taps * blocks(channels, across) if one_tap else blocks(channels * taps, across)
        gradient_blocks = blocks(filters, (tile.rows, tile.columns)[window_left])
        count, at_once = groups * window_blocks * gradient_blocks, multiprocessors * tile.blocks
        for rounds in range(1, 9):
            parts = max(1, min(_MOST_PARTS, rounds * at_once // count))
            part_pixels = blocks(blocks(pixels, parts), tile.depth) * tile.depth
            parts = blocks(pixels, part_pixels)
            time = (blocks(count * parts, at_once) * at_once * (part_pixels * tile_cost * form_cost + _BEGIN)
                    + _ADD * count * parts) * tile.rows * tile.columns
            row_blocks, column_blocks = (window_blocks, gradient_blocks) if window_left else (gradient_blocks, window_blocks)
            plans.append((time, len(plans), _Plan(tile, one_tap, window_left, row_blocks, column_blocks,
                                                  window_blocks // (taps if one_tap else 1) * across, parts, part_pixels)))
    return min(plans)[2]


def _digits(pixels, height, width):
    """A number of pixels as (images, rows, columns), to go on by it without a division."""
    rows, columns = divmod(pixels, width)
    return *divmod(rows, height), columns


_FIRST_PIXEL = """\
position = uint32(start + pixel)
plane = uint32(out_height * out_width)
image = uint32(position // plane)
inside = uint32(position - image * plane)
row = uint32(inside // uint32(out_width))
column = uint32(inside - row * uint32(out_width))"""

_NEXT_PIXEL = """\
column = uint32(column + step_columns)
row = uint32(row + step_rows)
image = uint32(image + step_images)
if column >= uint32(out_width):
    column = uint32(column - out_width)
    row = uint32(row + 1)
if row >= uint32(out_height):
    row = uint32(row - out_height)
    image = uint32(image + 1)"""


class _Lines:
    """What the sources have in common: a thread reads one pixel of each slice, of several lines. The left side begins with the pixel of a
    slice, the right side goes on to the next one.

    depth / 8 lines are written to shared memory by the threads of a warp at once. Its rows are 4 numbers longer than the tile is wide, so
    pixels that lie 8 apart share a bank: their threads take their lines in another order.
    """

    def staged(self, tile, side):
        return tile.width(side) * tile.depth // tile.threads

    def length(self, tile, side):
        return tile.width(side) + 4

    def begin(self, tile, side):
        turns = range(tile.depth // 8)
        lines = [f"pixel = uint32(lane % {tile.depth})", *_FIRST_PIXEL.split("\n")] if side == "left" else []
        return [*lines, *[f"{side}_line_{turn} = uint32(warp * {tile.width(side) * 32 // tile.threads} + (lane >> 3 ^ {turn}))"
                          for turn in turns], *self.find(tile, side)]

    def fetch(self, tile, side, k):
        before = [f"position = uint32({k} + pixel)"] if side == "left" else []
        after = _NEXT_PIXEL.split("\n") if side == "right" else []
        return [*before, *self.read(tile, side, list(self._numbers(tile, side))), *after]

    def put(self, tile, side, stage):
        return [f"{side}_tile[{stage}, pixel, {side}_line_{turn} + {further}] = {side}_next[{number}]"
                for number, turn, further in self._numbers(tile, side)]

    def _numbers(self, tile, side):
        """For each number that a thread reads: (its place in the registers, whose turn it is, how many lines further)."""
        turns = tile.depth // 8
        for number in range(self.staged(tile, side)):
            yield number, number % turns, number // turns * 4


def _read(array, side, condition, base, line_size, numbers):
    """The numbers of one pixel, `line_size` apart, or zeros. What lies beyond the last line is not used, so anything may be read there."""
    turns = sorted({turn for _, turn, _ in numbers})
    return [f"if {condition}:",
            *[f"    {side}_{turn} = uint32({base} + {side}_line_{turn} * {line_size})" for turn in turns],
            *[f"    {side}_next[{number}] = {array}[min(uint32({side}_{turn} + {further} * {line_size}), uint32({array}.size - 1))]"
              for number, turn, further in numbers],
            "else:",
            *[f"    {side}_next[{number}] = float32(0)" for number, _, _ in numbers]]


@dataclasses.dataclass(frozen=True)
class Gradient(_Lines):
    """grad_y, its lines the filters of a group."""

    def arguments(self, side):
        return "grad_y, filters, out_height, out_width, step_images, step_rows, step_columns"

    def find(self, tile, side):
        return [f"first_filter = uint32(cuda.blockIdx.z * filters + first_{side})"]

    def read(self, tile, side, numbers):
        return ["gradient = uint32(((image * uint32(cuda.gridDim.z * filters) + first_filter) * out_height + row) * out_width + column)",
                *_read("grad_y", side, "position < uint32(end)", "gradient", "plane", numbers)]


class _Window(_Lines):
    def arguments(self, side):
        return "x, channels, height, width, window_rows, window_columns, down, across, top, margin, row_step, column_step, padded"


@dataclasses.dataclass(frozen=True)
class OneTap(_Window):
    """x as one tap sees it, its lines the channels of a group: blocks go through the channels of the first tap, then of the second."""

    def find(self, tile, side):
        return [f"tap = uint32(first_{side} // uint32(padded))",
                "tap_row = uint32(tap // uint32(window_columns))",
                "tap_column = uint32(tap - tap_row * uint32(window_columns))",
                "from_row = uint32(tap_row * uint32(row_step) - top)",
                "from_column = uint32(tap_column * uint32(column_step) - margin)",
                f"first_channel = uint32(cuda.blockIdx.z * channels + first_{side} - tap * uint32(padded))",
                "area = uint32(height * width)"]

    def read(self, tile, side, numbers):
        return ["seen_row = uint32(row * uint32(down) + from_row)",
                "seen_column = uint32(column * uint32(across) + from_column)",
                "seen = uint32(((image * uint32(cuda.gridDim.z * channels) + first_channel) * height + seen_row) * width + seen_column)",
                *_read("x", side, "seen_row < uint32(height) and seen_column < uint32(width) and position < uint32(end)", "seen", "area",
                       numbers)]


@dataclasses.dataclass(frozen=True)
class AllTaps(_Window):
    """x as all taps see it: line (c, r, k) is channel c through tap (r, k)."""

    def find(self, tile, side):
        count = tile.width(side)
        return [f"tap_places = cuda.shared.array({count}, int32)",
                f"tap_rows = cuda.shared.array({count}, int32)",
                f"tap_columns = cuda.shared.array({count}, int32)",
                f"for number in range(thread, {count}, {tile.threads}):",
                f"    tap = uint32(first_{side} + number)",
                "    line = uint32(tap // uint32(window_columns))",
                "    channel = uint32(line // uint32(window_rows))",
                "    from_row = int32((line - channel * uint32(window_rows)) * uint32(row_step) - top)",
                "    from_column = int32((tap - line * uint32(window_columns)) * uint32(column_step) - margin)",
                "    tap_rows[number] = from_row if channel < uint32(channels) else int32(1 << 30)   # beyond any image",
                "    tap_columns[number] = from_column",
                "    tap_places[number] = int32((int32(channel) * height + from_row) * width + from_column)",
                "cuda.syncthreads()"]

    def read(self, tile, side, numbers):
        lines = ["seen_row = uint32(row * uint32(down))",
                 "seen_column = uint32(column * uint32(across))",
                 "seen = uint32(((image * uint32(cuda.gridDim.z) + cuda.blockIdx.z) * channels * height + seen_row) * width + seen_column)"]
        for number, turn, further in numbers:
            lines += [f"tap = {side}_line_{turn} + {further}",
                      f"{side}_next[{number}] = float32(0)",
                      "if (uint32(seen_row + tap_rows[tap]) < uint32(height) and uint32(seen_column + tap_columns[tap]) < uint32(width)",
                      "        and position < uint32(end)):",
                      f"    {side}_next[{number}] = x[uint32(seen + tap_places[tap])]"]
        return lines


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
                    number = uint32((block * TILE_ROWS + my_row + (i & 3) + (i >> 2) * ROW_GAP) * TILE_COLUMNS
                                    + my_column + half * COLUMN_GAP)
                    store4(sums_of_parts, number, sums[i, 4 * half], sums[i, 4 * half + 1], sums[i, 4 * half + 2], sums[i, 4 * half + 3])
        """


@kernel
def _add_parts(sums, grad_weight, parts, filters, count, taps, window_left, row_blocks, rows, columns, padded):
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
        row, column = (uint32(block % uint32(row_blocks) * uint32(rows) + row),
                       uint32(block // uint32(row_blocks) * uint32(columns) + number - row * uint32(columns)))
        m, q = (column, row) if window_left else (row, column)
        tap = uint32(q // uint32(padded))
        c = uint32(q - tap * uint32(padded))
        if m < uint32(filters) and c < uint32(count):
            grad_weight[uint32(((group * uint32(filters) + m) * uint32(count) + c) * uint32(taps) + tap)] = total
