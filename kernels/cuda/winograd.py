"""Winograd's convolution F(4 x 4, 3 x 3): 3 x 3 filters at stride 1 with a quarter of the multiplications.

The output is cut into tiles of 4 x 4 pixels. A tile sees 6 x 6 pixels d; transformed, they are multiplied number by number with the
transformed filter g, and the products, summed over channels, are transformed back:

    y = A^T [ sum over channels of (G g G^T) * (B^T d B) ] A

For each of the 36 places of a tile, the sum over channels is a matrix product, filters x channels times channels x tiles, and those 36 go
to the register tile of tile.py in one launch:

    weight --> filters[place, channel, filter]  --+
                                                  x --> sums[place, filter, tile] --> y
    x  -->  seen[place, channel, tile]  ----------+

Tiles lie side by side in memory, those of all images of a chunk one after the other, so neighbouring threads read neighbouring tiles and
write neighbouring numbers. The input's gradient is the same with the filters turned round; the weight's gradient multiplies what the
tiles see with the transformed gradient of the output and sums over tiles:

    grad_g = G^T [ sum over tiles of (A grad_y A^T) * (B^T d B) ] G

Rounding errors are 2 to 4 times those of the direct sum. Lavin & Gray, "Fast algorithms for convolutional neural networks" (CVPR 2016).
"""
import dataclasses
from typing import NamedTuple

from numba import cuda, float32, int32, uint32

from . import plan
from .array import empty_like
from .intrinsics import load4, store4
from .launch import blocks, kernel
from .tile import Matrix, Straight, Tile, Turned, product
from .winograd_transforms import from_filter, from_grad_output, from_input, to_grad_filter, to_output

PLACES = 36
_TURNED_TILES = Tile(128, 128, 16, 1), Tile(64, 64, 8, 6)   # for two turned sides, which need registers
_BLOCK = 128
_MOST = 2 ** 28   # numbers in scratch memory, 1 GB: more images are worked off one chunk after the other


@dataclasses.dataclass(frozen=True)
class Places(Straight):
    """A matrix for each place of a tile: [place, k, i]."""

    def find(self, side, number):
        return [f"{side}_base_{number} = keep(uint32({side}_at_{number} + uint32(cuda.blockIdx.z) * uint32(depth) * uint32({side}_step)))"]


@dataclasses.dataclass(frozen=True)
class TurnedPlaces(Turned):
    """A matrix for each place of a tile: [place, i, k]."""

    def begin(self, tile, side):
        place = f"{side}_base = keep(uint32({side}_base + uint32(cuda.blockIdx.z) * uint32({side}_count) * uint32({side}_step)))"
        return [*super().begin(tile, side), place]


@dataclasses.dataclass(frozen=True)
class Sums(Matrix):
    """The target: [part of the sum, place, row, column]."""

    def base(self):
        return "uint32((cuda.blockIdx.y * cuda.gridDim.z + cuda.blockIdx.z) * left_count * right_count)"


class _Tiles(NamedTuple):
    """The tiles of some images."""

    rows: int       # of an image
    columns: int
    count: int      # in all
    pitch: int      # count, rounded up so that rows of tiles begin at multiples of 16 bytes


def _tiles(images, height, width):
    rows, columns = blocks(height, 4), blocks(width, 4)
    count = images * rows * columns
    return _Tiles(rows, columns, count, blocks(count, 4) * 4)


def conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual=None, rectify=False, kept=None):
    """As kernels.reference.convolution.conv2d, for 3 x 3 filters at stride 1 in one group, padding at most 2."""
    if kept is not None and "winograd" in kept:
        filters = kept["winograd"]
    else:
        filters = _transformed(weight, turned=False)
        if kept is not None:
            kept["winograd"] = filters
    _convolve(x, filters, bias, y, padding, residual, rectify)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_input, for the same filters: a convolution of grad_y with the filters turned round."""
    _convolve(grad_y, _transformed(weight, turned=True), None, grad_x, (2 - padding[0], 2 - padding[1]), None, False)


def _transformed(weight, turned):
    """G g G^T as [place, channel, filter], rows filled up to a multiple of four; `turned`: channels and filters change places, and the
    filter is turned by half a circle."""
    filters, channels = (weight.shape[1], weight.shape[0]) if turned else weight.shape[:2]
    pitch = blocks(filters, 4) * 4
    result = empty_like(weight, (PLACES, channels, pitch))
    steps = (9, filters * 9) if turned else (channels * 9, 9)
    _transform_filters[(blocks(pitch, _BLOCK), channels), _BLOCK](weight.reshape(-1), result.reshape(-1), filters, pitch, *steps, turned)
    return result


def _convolve(x, filters, bias, y, padding, residual, rectify):
    images, channels, height, width = x.shape
    rows, out_height, out_width = y.shape[1:]
    one = _tiles(1, out_height, out_width)
    at_once = max(1, _MOST // (PLACES * (channels + rows) * one.count))
    whole = out_width % 4 == 0 and y.address % 16 == 0 and (residual is None or residual.address % 16 == 0)
    for first in range(0, images, at_once):
        some = slice(first, first + at_once)
        source, target, added = x[some], y[some], None if residual is None else residual[some]
        tiles = _tiles(source.shape[0], out_height, out_width)
        seen = _seen(source, tiles, padding)
        tile, parts = plan.choose(rows, tiles.pitch, channels, PLACES, x.machine.multiprocessors)
        sums = empty_like(x, (parts, PLACES, rows, tiles.pitch))
        _multiply(tile, parts, Places(4), filters, filters.shape[2], rows, Places(4), seen, tiles.pitch, tiles.pitch, channels, sums)
        _transform_sums[(blocks(tiles.count, _BLOCK), rows), _BLOCK](
            sums.reshape(-1), target.reshape(-1), bias, None if added is None else added.reshape(-1), rectify, parts, rows, out_height,
            out_width, tiles.rows, tiles.columns, tiles.count, tiles.pitch, whole)


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight, for the same filters."""
    images, filters, height, width = grad_y.shape
    channels = x.shape[1]
    if images == 0:
        grad_weight.fill(0)
        return
    one = _tiles(1, height, width)
    at_once = max(1, _MOST // (PLACES * (channels + filters) * one.count))
    for first in range(0, images, at_once):
        some = slice(first, first + at_once)
        source, gradient = x[some], grad_y[some]
        tiles = _tiles(source.shape[0], height, width)
        seen = _seen(source, tiles, padding)
        arriving = empty_like(x, (PLACES, filters, tiles.pitch))
        _transform_gradient[(blocks(tiles.pitch, _BLOCK), filters), _BLOCK](
            gradient.reshape(-1), arriving.reshape(-1), filters, height, width, tiles.rows, tiles.columns, tiles.count, tiles.pitch)
        if first == 0:
            tile, parts = plan.choose(filters, channels, tiles.pitch, PLACES, x.machine.multiprocessors, _TURNED_TILES)
            sums = empty_like(x, (parts, PLACES, filters, channels))
        _multiply(tile, parts, TurnedPlaces(4), arriving, tiles.pitch, filters, TurnedPlaces(4), seen, tiles.pitch, channels, tiles.pitch,
                  sums, first > 0)
    _transform_grad_filters[blocks(filters * channels, _BLOCK), _BLOCK](
        sums.reshape(-1), grad_weight.reshape(-1), parts, filters * channels)


def _seen(x, tiles, padding):
    """B^T d B of all tiles, as [place, channel, tile]."""
    _, channels, height, width = x.shape
    seen = empty_like(x, (PLACES, channels, tiles.pitch))
    _transform_input[(blocks(tiles.pitch, _BLOCK), channels), _BLOCK](
        x.reshape(-1), seen.reshape(-1), channels, height, width, *padding, tiles.rows, tiles.columns, tiles.count, tiles.pitch)
    return seen


def _multiply(tile, parts, left_form, left, left_step, rows, right_form, right, right_step, columns, depth, sums, accumulate=False):
    """The 36 products. Those that accumulate have as many parts as those before, so that each adds to its own."""
    row_blocks = blocks(rows, tile.rows)
    target = Sums(4 if columns % 4 == 0 else 1)
    product(tile, left_form, right_form, target)[(row_blocks * blocks(columns, tile.columns), parts, PLACES), tile.threads](
        left.reshape(-1), left_step, rows, right.reshape(-1), right_step, columns, sums.reshape(-1), accumulate,
        row_blocks, depth, plan.part_depth(depth, parts))


@kernel
def _transform_filters(weight, filters, count, pitch, filter_step, channel_step, turned):
    """A thread for each filter of a channel."""
    filter, channel = uint32(cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x), uint32(cuda.blockIdx.y)
    if filter < uint32(pitch):
        half = cuda.local.array((6, 3), float32)
        base = uint32(filter * uint32(filter_step) + channel * uint32(channel_step))
        for column in range(3):
            g0 = g1 = g2 = float32(0)
            if filter < uint32(count):
                place, step = uint32(base + column), uint32(3)
                if turned:
                    g0, g1, g2 = weight[uint32(base + 8 - column)], weight[uint32(base + 5 - column)], weight[uint32(base + 2 - column)]
                else:
                    g0, g1, g2 = weight[place], weight[uint32(place + step)], weight[uint32(place + 2 * step)]
            half[0, column], half[1, column], half[2, column], half[3, column], half[4, column], half[5, column] = from_filter(g0, g1, g2)
        between = uint32(cuda.gridDim.y * pitch)
        target = uint32(channel * uint32(pitch) + filter)
        for row in range(6):
            line = from_filter(half[row, 0], half[row, 1], half[row, 2])
            for column in range(6):
                filters[uint32(target + (row * 6 + column) * between)] = line[column]


@cuda.jit(device=True)
def _place_of(tile, tile_rows, tile_columns):
    """Which image a tile is in, and the row and column of its first pixel."""
    line = uint32(tile // uint32(tile_columns))
    image = uint32(line // uint32(tile_rows))
    return image, int32((line - image * uint32(tile_rows)) * uint32(4)), int32((tile - line * uint32(tile_columns)) * uint32(4))


@kernel
def _transform_input(x, seen, channels, height, width, top, left, tile_rows, tile_columns, count, pitch):
    """A thread for each tile of a channel; those that fill up the last row write zeros."""
    tile, channel = uint32(cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x), uint32(cuda.blockIdx.y)
    if tile < uint32(pitch):
        d = cuda.local.array((6, 6), float32)
        image, first_row, first_column = _place_of(tile, tile_rows, tile_columns)
        first_row, first_column = int32(first_row - top), int32(first_column - left)
        plane = uint32((image * uint32(channels) + channel) * uint32(height) * uint32(width))
        for i in range(6):
            row = uint32(first_row + i)
            for j in range(6):
                column = uint32(first_column + j)
                value = float32(0)
                if tile < uint32(count) and row < uint32(height) and column < uint32(width):
                    value = x[uint32(plane + row * uint32(width) + column)]
                d[i, j] = value
        for j in range(6):
            d[0, j], d[1, j], d[2, j], d[3, j], d[4, j], d[5, j] = from_input(d[0, j], d[1, j], d[2, j], d[3, j], d[4, j], d[5, j])
        between = uint32(channels * pitch)
        target = uint32(channel * uint32(pitch) + tile)
        for i in range(6):
            line = from_input(d[i, 0], d[i, 1], d[i, 2], d[i, 3], d[i, 4], d[i, 5])
            for j in range(6):
                seen[uint32(target + (i * 6 + j) * between)] = line[j]


@kernel
def _transform_gradient(grad_y, arriving, filters, height, width, tile_rows, tile_columns, count, pitch):
    """A thread for each tile of a filter."""
    tile, filter = uint32(cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x), uint32(cuda.blockIdx.y)
    if tile < uint32(pitch):
        g = cuda.local.array((6, 4), float32)
        image, first_row, first_column = _place_of(tile, tile_rows, tile_columns)
        plane = uint32((image * uint32(filters) + filter) * uint32(height) * uint32(width))
        for i in range(4):
            row = uint32(first_row + i)
            for j in range(4):
                column = uint32(first_column + j)
                value = float32(0)
                if tile < uint32(count) and row < uint32(height) and column < uint32(width):
                    value = grad_y[uint32(plane + row * uint32(width) + column)]
                g[i, j] = value
        for j in range(4):
            g[0, j], g[1, j], g[2, j], g[3, j], g[4, j], g[5, j] = from_grad_output(g[0, j], g[1, j], g[2, j], g[3, j])
        between = uint32(filters * pitch)
        target = uint32(filter * uint32(pitch) + tile)
        for i in range(6):
            line = from_grad_output(g[i, 0], g[i, 1], g[i, 2], g[i, 3])
            for j in range(6):
                arriving[uint32(target + (i * 6 + j) * between)] = line[j]


@kernel
def _transform_sums(sums, y, bias, residual, rectify, parts, filters, height, width, tile_rows, tile_columns, count, pitch, whole):
    """A thread for each tile of a filter. `whole`: every tile lies in the image, and its lines at multiples of 16 bytes."""
    tile, filter = uint32(cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x), uint32(cuda.blockIdx.y)
    if tile < uint32(count):
        s = cuda.local.array((6, 6), float32)
        between = uint32(filters * pitch)
        source = uint32(filter * uint32(pitch) + tile)
        for i in range(6):
            for j in range(6):
                s[i, j] = sums[uint32(source + (i * 6 + j) * between)]
        for _ in range(1, parts):
            source = uint32(source + 36 * between)
            for i in range(6):
                for j in range(6):
                    s[i, j] += sums[uint32(source + (i * 6 + j) * between)]
        for j in range(6):
            s[0, j], s[1, j], s[2, j], s[3, j] = to_output(s[0, j], s[1, j], s[2, j], s[3, j], s[4, j], s[5, j])
        added = float32(0)
        if bias is not None:
            added = bias[filter]
        image, first_row, first_column = _place_of(tile, tile_rows, tile_columns)
        base = uint32(((image * uint32(filters) + filter) * uint32(height) + uint32(first_row)) * uint32(width) + uint32(first_column))
        for i in range(4):
            a, b, c, d = to_output(s[i, 0], s[i, 1], s[i, 2], s[i, 3], s[i, 4], s[i, 5])
            a, b, c, d = a + added, b + added, c + added, d + added
            place = uint32(base + i * uint32(width))
            if int32(first_row + i) < height:
                if whole:
                    if residual is not None:
                        r0, r1, r2, r3 = load4(residual, place)
                        a, b, c, d = a + r0, b + r1, c + r2, d + r3
                    if rectify:
                        a, b, c, d = _rectified(a), _rectified(b), _rectified(c), _rectified(d)
                    store4(y, place, a, b, c, d)
                else:
                    line = a, b, c, d
                    for j in range(4):
                        if int32(first_column + j) < width:
                            value = line[j]
                            if residual is not None:
                                value += residual[uint32(place + j)]
                            if rectify:
                                value = _rectified(value)
                            y[uint32(place + j)] = value


@cuda.jit(device=True)
def _rectified(value):
    """NaN stays NaN."""
    return float32(0) if value < float32(0) else value


@kernel
def _transform_grad_filters(sums, grad_weight, parts, count):
    """A thread for each filter of a channel."""
    filter = uint32(cuda.grid(1))
    if filter < uint32(count):
        u = cuda.local.array((6, 6), float32)
        source = filter
        for i in range(6):
            for j in range(6):
                u[i, j] = sums[uint32(source + (i * 6 + j) * count)]
        for _ in range(1, parts):
            source = uint32(source + 36 * count)
            for i in range(6):
                for j in range(6):
                    u[i, j] += sums[uint32(source + (i * 6 + j) * count)]
        for j in range(6):
            u[0, j], u[1, j], u[2, j] = to_grad_filter(u[0, j], u[1, j], u[2, j], u[3, j], u[4, j], u[5, j])
        for i in range(3):
            line = to_grad_filter(u[i, 0], u[i, 1], u[i, 2], u[i, 3], u[i, 4], u[i, 5])
            for j in range(3):
                grad_weight[uint32(filter * 9 + i * 3 + j)] = line[j]
