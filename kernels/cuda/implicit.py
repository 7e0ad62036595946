"""Convolution as an implicit matrix product: filters x (channel, tap) times (channel, tap) x pixels of all images.

The right matrix, which im2col would write to memory, exists only slice by slice in shared memory: where its numbers come from is
computed while it is filled. So this is the tile of tile.py with another source on the right and images as its target.

    k is (run of channels, filter tap, channel of the run). A run is as long as a slice if the channels can be shared out so; then all of
    a slice sees the same tap, and one entry of a table says for it

        need     a bit for the tap's row and one for its column
        offset   how far from the pixel that the first tap sees, in the first channel, the numbers of this slice lie

    A thread always fills the same columns, that is, it works for the same pixels of the output: once, at the beginning, it finds the
    pixel that the first tap sees, and which rows and columns of taps lie inside the image. If not all bits of `need` are there, it
    writes zeros: the border. Where channels are few, a run is one channel, and each k has its entry.

The input's gradient is the same sum with other taps. Pixel (i, j) of grad_x meets those taps (r, k) for which i + padding - r dilation
is a multiple of the stride. So the pixels of one residue, rows and columns, share their taps, and are a small dense convolution of
grad_y at stride 1: stride x stride of them make grad_x, and none multiplies with zeros in between.

Chetlur et al., "cuDNN: efficient primitives for deep learning" (2014); the residues are those of a transposed convolution in Dumoulin &
Visin, "A guide to convolution arithmetic for deep learning" (2016).
"""
import dataclasses
import functools
import math
from typing import NamedTuple

import numpy as np
from numba import cuda, float32, int32, uint32

from . import plan
from .array import empty_like
from .launch import Flat, blocks, kernel, prepare, remembered
from .moving import fill
from .tile import Straight, product

MOST_TAPS = 15   # in a column or row of a filter: so many bits there are for each


class Axis(NamedTuple):
    """What is summed up along one axis: output grid + 0, 1, ... sees source pixels start + grid stride + tap step."""

    grid: int        # outputs
    taps: int
    start: int
    stride: int
    step: int
    first_tap: int   # of the filter, and from one to the next
    next_tap: int
    first: int       # where the outputs lie, and how far apart
    apart: int


def forward_axis(outputs, taps, stride, padding, dilation):
    return Axis(outputs, taps, -padding, stride, dilation, 0, 1, 0, 1)


@functools.lru_cache(maxsize=1024)
def backward_axes(pixels, taps, stride, padding, dilation):
    """One for each residue of a pixel's place."""
    axes = []
    for residue in range(min(stride, pixels)):
        grid = blocks(pixels - residue, stride)
        met = [tap for tap in range(taps) if (residue + padding - tap * dilation) % stride == 0]
        next_tap = stride // math.gcd(stride, dilation)
        first_tap = met[0] if met else 0
        axes.append(Axis(grid, len(met), (residue + padding - first_tap * dilation) // stride, 1, -(next_tap * dilation // stride),
                         first_tap, next_tap, residue, stride))
    return axes


@dataclasses.dataclass(frozen=True)
class Filters(Straight):
    """The weights, brought into order and filled up with zeros to whole tiles by `_arrange`: nothing needs to be checked."""

    def find(self, side, number):
        return [f"{side}_base_{number} = keep(uint32({side}_at_{number} + uint32(cuda.blockIdx.z) * uint32(depth) * uint32({side}_step)))"]

    def condition(self, side, number, along):
        return None


@dataclasses.dataclass(frozen=True)
class Planes(Straight):
    """What filters of one pixel see at stride 1: [channel, pixel], the pixels of all images one after the other."""

    def arguments(self, side):
        return f"{side}, {side}_step, {side}_count, {side}_depth, {side}_image, {side}_group"

    def find(self, side, number):
        return [f"image = uint32(uint32({side}_at_{number}) // uint32({side}_step))",
                f"{side}_base_{number} = keep(uint32({side}_at_{number} + image * uint32({side}_image - {side}_step) "
                f"+ uint32(cuda.blockIdx.z) * uint32({side}_group)))"]

    def condition(self, side, number, along):
        return f"{side}_at_{along} < uint32({side}_count) and {side}_k < uint32({side}_depth)"


@dataclasses.dataclass(frozen=True)
class Pixels(Straight):
    """What filters see anywhere: [k, pixel], by the table."""

    run: int

    def arguments(self, side):
        return (f"{side}, {side}_table, {side}_count, {side}_plane, {side}_image, {side}_group, {side}_height, "
                f"{side}_width, row_start, row_stride, row_taps, row_step, column_start, column_stride, column_taps, column_step")

    def find(self, side, number):
        return f"""\
image = uint32(uint32({side}_at_{number}) // uint32(grid_plane))
place = uint32({side}_at_{number} - image * uint32(grid_plane))
line = uint32(place // uint32(grid_width))
row = int32(int32(line) * row_stride + row_start)
column = int32(int32(place - line * uint32(grid_width)) * column_stride + column_start)
there = uint32(0)
if {side}_at_{number} < uint32({side}_count):
    for tap in range(row_taps):
        if uint32(row + tap * row_step) < uint32({side}_height):
            there = uint32(there | (1 << tap))
    for tap in range(column_taps):
        if uint32(column + tap * column_step) < uint32({side}_width):
            there = uint32(there | ({1 << MOST_TAPS} << tap))
{side}_there_{number} = keep(there)
{side}_base_{number} = keep(uint32(int32(image) * {side}_image + int32(cuda.blockIdx.z) * {side}_group + row * {side}_width + column\
{f" + int32({side}_level) * {side}_plane" if self.run > 1 else ""}))""".splitlines()

    def level(self, side, number):
        if self.run > 1:
            return [f"{side}_row_{number} = uint32({side}_offset + {number} * {side}_between)"]
        return [f"{side}_need = uint32({side}_table[uint32(2 * {side}_k)])",
                f"{side}_row_{number} = uint32({side}_table[uint32(2 * {side}_k + 1)])"]

    def condition(self, side, number, along):
        return f"({side}_there_{along} & {side}_need) == {side}_need"

    def fetch(self, tile, side, k):
        lines = super().fetch(tile, side, k)
        if self.run == 1:
            return lines
        _, steps = self.across(tile, side)
        return [f"entry = uint32(uint32({k}) // uint32({self.run}))", f"{side}_need = uint32({side}_table[uint32(2 * entry)])",
                f"{side}_offset = {side}_table[uint32(2 * entry + 1)]", f"{side}_between = {steps} * {side}_plane", *lines]


@dataclasses.dataclass(frozen=True)
class Images:
    """The target: the pixels of images, or one of several such parts of a sum behind each other; plus bias, plus residual, rectified."""

    vector: int

    def arguments(self):
        return "y, bias, residual, rectify, y_size, grid_plane, grid_width, y_image, y_group, y_channel, y_first, y_down, y_right"

    def store(self):
        text = """
            y_base = uint32(cuda.blockIdx.y * y_size + cuda.blockIdx.z * y_group + y_first)
            zero = float32(0)
        """
        for half in range(2):
            for j in range(0, 4, self.vector):
                text += f"""
            pixel = uint32(first_right + my_column + {j} + {half} * COLUMN_GAP)
            if pixel < uint32(right_count):
                image = uint32(pixel // uint32(grid_plane))
                place = uint32(pixel - image * uint32(grid_plane))
                line = uint32(place // uint32(grid_width))
                place = uint32(y_base + image * uint32(y_image) + line * uint32(y_down)
                               + (place - line * uint32(grid_width)) * uint32(y_right))
                for i in range(8):
                    row = int32(first_left + my_row + (i & 3) + (i >> 2) * ROW_GAP)
                    if row < left_count:
                        at = uint32(place + row * y_channel)
                        {(_STORE_FOUR if self.vector == 4 else _STORE_ONE).format(column=4 * half + j)}
        """
        return text


_STORE_ONE = """\
value = sums[i, {column}]
                        if bias is not None:
                            value += bias[uint32(cuda.blockIdx.z * left_count + row)]
                        if residual is not None:
                            value += residual[at]
                        y[at] = zero if rectify and value < zero else value"""
_STORE_FOUR = """\
s0, s1, s2, s3 = sums[i, {column}], sums[i, {column} + 1], sums[i, {column} + 2], sums[i, {column} + 3]
                        if bias is not None:
                            more = bias[uint32(cuda.blockIdx.z * left_count + row)]
                            s0, s1, s2, s3 = s0 + more, s1 + more, s2 + more, s3 + more
                        if residual is not None:
                            r0, r1, r2, r3 = load4(residual, at)
                            s0, s1, s2, s3 = s0 + r0, s1 + r1, s2 + r2, s3 + r3
                        if rectify:
                            s0, s1 = zero if s0 < zero else s0, zero if s1 < zero else s1
                            s2, s3 = zero if s2 < zero else s2, zero if s3 < zero else s3
                        store4(y, at, s0, s1, s2, s3)"""


@kernel(launch_bounds=256)
def _arrange(weight, weight_group, weight_row, weight_channel, filter_width, first_row, next_row, first_column, next_column,
             row_taps, column_taps, channels, rows, run, plane, line, pixel, depth, padded_rows, filters, table):
    """filters[group, k, row] from the weights, a tile of 32 x 32 at a time, which is transposed in shared memory; and the table."""
    tile = cuda.shared.array((32, 33), float32)
    x, y = uint32(cuda.threadIdx.x), uint32(cuda.threadIdx.y)
    taps = uint32(row_taps * column_taps)
    k = uint32(cuda.blockIdx.x * 32 + x)
    entry = uint32(k // uint32(run))
    tap = uint32(entry % taps)
    channel = uint32(entry // taps * uint32(run) + k % uint32(run))
    i = uint32(tap // uint32(column_taps))
    j = uint32(tap - i * uint32(column_taps))
    place = uint32(cuda.blockIdx.z * weight_group + channel * uint32(weight_channel) + (first_row + i * uint32(next_row)) * filter_width
                   + first_column + j * uint32(next_column))
    for down in range(y, 32, 8):
        row = uint32(cuda.blockIdx.y * 32 + down)
        value = float32(0)
        if row < uint32(rows) and channel < uint32(channels):
            value = weight[uint32(place + row * uint32(weight_row))]
        tile[down, x] = value
    if cuda.blockIdx.y == 0 and cuda.blockIdx.z == 0 and y == 0 and k < uint32(depth) and k % uint32(run) == 0:
        table[uint32(2 * entry)] = (1 << i) | (1 << (MOST_TAPS + j)) if channel < uint32(channels) else 1 << 2 * MOST_TAPS
        table[uint32(2 * entry + 1)] = int32(channel) * plane + int32(i) * line + int32(j) * pixel
    cuda.syncthreads()
    row = uint32(cuda.blockIdx.y * 32 + x)
    for down in range(y, 32, 8):
        k = uint32(cuda.blockIdx.x * 32 + down)
        if k < uint32(depth) and row < uint32(padded_rows):
            filters[uint32((cuda.blockIdx.z * uint32(depth) + k) * uint32(padded_rows) + row)] = tile[x, down]


class Problem(NamedTuple):
    """One dense convolution: `y` at the grid's pixels from `x`, as forward or as one residue of backward."""

    x: tuple              # shapes
    y: tuple
    weight: tuple         # (filters, channels of a group, rows, columns), as the layer has it
    backward: bool        # is y the input's gradient?
    groups: int
    row: Axis
    column: Axis

    @property
    def rows(self):
        """Channels of y in a group."""
        return self.y[1] // self.groups

    @property
    def channels(self):
        return self.x[1] // self.groups

    @property
    def pixels(self):
        return self.y[0] * self.row.grid * self.column.grid

    @property
    def depth(self):
        """Steps of k, filled up to whole slices."""
        return blocks(self.channels * self.row.taps * self.column.taps, plan.SLICE) * plan.SLICE


def conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual=None, rectify=False, kept=None):
    """As kernels.reference.convolution.conv2d, for float32 and filters of at most 15 x 15."""
    _convolve(x, weight, y, (False, tuple(stride), tuple(padding), tuple(dilation), groups), bias, residual, rectify, kept)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_input, for float32 and filters of at most 15 x 15."""
    _convolve(grad_y, weight, grad_x, (True, tuple(stride), tuple(padding), tuple(dilation), groups))


def _convolve(x, weight, y, geometry, bias=None, residual=None, rectify=False, kept=None):
    if y.size == 0:
        return
    added = [array for array in (bias, residual) if array is not None]
    parts, fills, products = _products(
        y.machine, x.shape, weight.shape, y.shape, geometry, bias is not None, residual is not None, rectify, x.address % 16 == 0,
        all(array.address % 16 == 0 for array in (y, residual) if array is not None))
    if fills:
        fill(y, 0)   # pixels that no tap meets; only backward has them
    target = y if parts == 1 else empty_like(y, (parts, *y.shape))
    for product_ in products:
        filters, table = _arranged(product_, weight, kept)
        source = (x,) if product_.sees_planes else (x, table)
        product_.multiply(filters, *source, target, *(added if parts == 1 else ()))
    if parts > 1:
        plan.add_up(target, y, False, bias, residual, rectify)


class _Product(NamedTuple):
    """What has to be launched for a problem."""

    key: tuple          # of the arranged weights among what is kept
    filters: tuple      # their shape: [group, k, row], filled up to whole tiles
    entries: int        # of the table
    arrange: object     # (weight, filters, table)
    multiply: object    # (filters, x, table unless sees_planes, target, bias and residual as far as there are any)
    sees_planes: bool


def _arranged(product_, weight, kept):
    """The filters and the table; from `kept` if they are there."""
    if kept is not None and product_.key in kept:
        return kept[product_.key]
    arrays = empty_like(weight, product_.filters), empty_like(weight, (product_.entries, 2), np.int32)
    product_.arrange(weight, *arrays)
    if kept is not None:
        kept[product_.key] = arrays
    return arrays


@remembered
def _products(machine, x, weight, y, geometry, with_bias, with_residual, rectify, x_aligned, y_aligned):
    """(parts of the sum, is y to be filled before?, a _Product for each problem) for arrays of these shapes."""
    backward, stride, padding, dilation, groups = geometry
    if backward:
        rows, columns = map(backward_axes, y[2:], weight[2:], stride, padding, dilation)
    else:
        rows, columns = [[axis] for axis in map(forward_axis, y[2:], weight[2:], stride, padding, dilation)]
    problems = [Problem(x, y, weight, backward, groups, row, column) for row in rows for column in columns]
    largest = max(problems, key=lambda problem: problem.depth)
    tile, parts = plan.choose(largest.rows, largest.pixels, largest.depth, largest.groups, machine.multiprocessors,
                              plan.CONVOLUTION_TILES)
    whole = parts == 1
    summed = [problem for problem in problems if problem.depth or not whole]
    return parts, len(summed) < len(problems), [
        _prepare(machine, problem, tile, parts, with_bias and whole, with_residual and whole, rectify and whole, x_aligned,
                 y_aligned or not whole) for problem in summed]


def _prepare(machine, problem, tile, parts, with_bias, with_residual, rectify, x_aligned, y_aligned):
    x, y, weight, groups, row, column, rows, channels, depth = (
        problem.x, problem.y, problem.weight, problem.groups, problem.row, problem.column, problem.rows, problem.channels, problem.depth)
    plane, y_plane, grid_plane, taps = x[2] * x[3], y[2] * y[3], row.grid * column.grid, weight[2] * weight[3]
    run = tile.depth if channels % tile.depth == 0 else 1
    entries, padded_rows, size = blocks(depth, run), blocks(rows, tile.rows) * tile.rows, math.prod(y)
    table = Flat(2 * entries, np.dtype(np.int32))
    filters, steps = Flat(groups * depth * padded_rows), (weight[1] * taps, taps)
    arrange = prepare(machine, _arrange, (blocks(depth, 32), blocks(padded_rows, 32), groups), (32, 8), (
        Flat(math.prod(weight)), math.prod(weight) // groups, *(reversed(steps) if problem.backward else steps), weight[3],
        row.first_tap, row.next_tap, column.first_tap, column.next_tap, row.taps, column.taps, channels, rows, run, plane,
        row.step * x[3], column.step, depth, padded_rows, filters, table))
    image, group, pictures = x[1] * plane, channels * plane, Flat(math.prod(x))
    sees_planes = _sees_planes(problem) and x_aligned
    if sees_planes:
        source, source_arguments = Planes(4), (pictures, plane, problem.pixels, channels, image, group)
    else:
        source = Pixels(1, run)
        source_arguments = (pictures, table, problem.pixels, plane, image, group, *x[2:], row.start, row.stride, row.taps,
                            row.step, column.start, column.stride, column.taps, column.step)
    aligned = y_aligned and row.apart == column.apart == 1 and grid_plane % 4 == 0
    row_blocks = blocks(rows, tile.rows)
    grid = row_blocks * blocks(problem.pixels, tile.columns), parts, groups
    multiply = prepare(machine, product(tile, Filters(4), source, Images(4 if aligned else 1)), grid, tile.threads, (
        filters, padded_rows, rows, *source_arguments, Flat(parts * size), Flat(y[1]) if with_bias else None,
        Flat(size) if with_residual else None, rectify, size, grid_plane, column.grid, y[1] * y_plane, rows * y_plane, y_plane,
        row.first * y[3] + column.first, row.apart * y[3], column.apart, row_blocks, depth, plan.part_depth(depth, parts)))
    key = "implicit", tile.rows, run, groups, x[2:], row, column
    return _Product(key, (groups, depth, padded_rows), entries, arrange, multiply, sees_planes)


def _sees_planes(problem):
    """Do the pixels of a channel stand side by side in the right matrix, so that four can be loaded at once?"""
    one = all(axis.taps == axis.stride == axis.apart == 1 and axis.start == 0 for axis in (problem.row, problem.column))
    return one and problem.x[2:] == problem.y[2:] and math.prod(problem.x[2:]) % 4 == 0
