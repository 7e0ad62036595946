"""Convolution as a matrix product that is never written out (implicit GEMM).

The image is copied once into a zero-bordered buffer, its lines `pitch` pixels apart. Counting positions p along the whole buffer,
line after line, the output is

    y[m, p] = sum over taps k = (c, r, s) of weight[m, k] * padded[offset[k] + p],    offset[k] = where tap k lies from p

so each filter tap is one row of a matrix whose rows overlap in memory: the register tiles of `tile` read it where it lies.
Positions in the gap at a line's end are computed and dropped. A stride deals the image out to phase images first
(packing.deal_images), after which strided windows are dense. The three functions differ in who plays which part:

    forward        outer tiles:  weight x padded x
    grad of input  outer tiles:  weight, flipped and transposed, x padded grad_y; with a stride, one product for each phase of grad_x
    grad of weight dot tiles:    grad_y (lines `pitch` apart) x padded x, summed over positions and images
"""
import functools
from typing import NamedTuple

import numpy as np

from . import depthwise
from .layout import layout_of, scatter_of
from .machine import VECTOR_UNIT
from .matmul import matmul
from .memory import empty
from .packing import deal_images, merge_phases, pack_rows, pack_taps, pad_images
from .product import dot_product, outer_product, outer_shape, pieces
from .tile import DOT_COLUMNS, DOT_ROWS

_CACHE = 512 * 1024   # bytes of the padded image that a piece of work may keep to itself
_POSITIONS = 1024     # positions in one pass over a dot tile
_DOT_TILES = 24       # dot tiles whose part of the image shares the cache


def conv2d(x, weight, bias, y, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d, for C-contiguous arrays."""
    if y.size == 0:
        return
    if depthwise.serves(weight, stride, dilation, groups):
        depthwise.conv2d(x, weight, bias, y, stride, padding, dilation, groups)
        return
    if _sees_all(x, weight, padding, groups):
        y[...] = 0 if bias is None else bias[:, None, None]
        matmul(_rows(x), _rows(weight), _rows(y), transpose_b=True, accumulate=True)
        return
    filters = weight.shape[0] // groups
    layout = layout_of(x.shape[1:], weight.shape[1:], y.shape[2:], stride, padding, dilation, groups)
    plan = _outer_plan(x.shape[0] * groups, filters, layout, x.dtype)
    panels = empty((groups * plan.panels * plan.tile_rows * layout.offsets.size,), x.dtype)
    pack_rows(weight.reshape(-1), filters, layout.offsets.size, plan.tile_rows, groups, plan.lanes, panels)
    start = _zeros(weight.shape[0], x.dtype) if bias is None else bias
    outer_product(plan.tile_rows, panels, _padded(x, layout, stride), layout.group_size, 0, layout.offsets, y.reshape(-1),
                  x.shape[0] * groups, groups, filters, y.shape[2] * y.shape[3], start, layout.positions, layout.pitch, layout.width,
                  plan.tile_columns, layout.offsets.size, plan.tiles_per_piece, plan.panels_per_piece, False)


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight, for C-contiguous arrays."""
    if grad_y.size == 0 or grad_weight.size == 0:
        grad_weight[...] = 0
        return
    if depthwise.serves(grad_weight, stride, dilation, groups):
        depthwise.conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups)
        return
    if _sees_all(x, grad_weight, padding, groups):
        matmul(_rows(grad_y), _rows(x), _rows(grad_weight), transpose_a=True)
        return
    images, filters = x.shape[0], grad_weight.shape[0] // groups
    layout = layout_of(x.shape[1:], grad_weight.shape[1:], grad_y.shape[2:], stride, padding, dilation, groups)
    plan = _dot_plan(images, filters, layout.offsets.size, layout.positions, groups)
    lines, row_length = grad_y.reshape(-1), layout.positions
    if layout.pitch != layout.width:
        row_length = grad_y.shape[2] * layout.pitch
        lines = empty((images * grad_weight.shape[0] * row_length,), x.dtype)
        pad_images(grad_y.reshape(-1), images * grad_weight.shape[0], *grad_y.shape[2:], 0, 0, grad_y.shape[2], layout.pitch, lines)
    dot_product(images, layout.positions, lines, grad_weight.shape[0] * row_length, row_length,
                _padded(x, layout, stride), groups * layout.group_size, layout.group_size, layout.offsets, grad_weight.reshape(-1),
                groups, filters, layout.offsets.size, _POSITIONS, plan.images_per_pass, plan.rows_per_piece, plan.tiles_per_piece, False)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_input, for C-contiguous arrays."""
    if grad_x.size == 0 or grad_y.size == 0:
        grad_x[...] = 0
        return
    if depthwise.serves(weight, stride, dilation, groups):
        depthwise.conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups)
        return
    if _sees_all(grad_x, weight, padding, groups):
        matmul(_rows(grad_y), _rows(weight), _rows(grad_x))
        return
    images, channels = grad_x.shape[:2]
    filters = weight.shape[0] // groups
    scatter = scatter_of(grad_x.shape[2:], weight.shape, grad_y.shape[2:], stride, padding, dilation, groups)
    padded = empty((images * weight.shape[0] * scatter.padded_size + scatter.padded_shape[1],), grad_y.dtype)
    pad_images(grad_y.reshape(-1), images * weight.shape[0], *grad_y.shape[2:], *scatter.border, *scatter.padded_shape, padded)
    size = scatter.height * scatter.width
    one_phase = len(scatter.phases) == 1
    phases = grad_x.reshape(-1) if one_phase else empty((len(scatter.phases) * images * channels * size,), grad_x.dtype)
    for number, (taps, layout) in enumerate(scatter.phases):
        out = phases[number * images * channels * size:(number + 1) * images * channels * size]
        if taps.size == 0:
            out[...] = 0
            continue
        plan = _outer_plan(images * groups, channels // groups, layout, grad_y.dtype)
        panels = empty((groups * plan.panels * plan.tile_rows * layout.offsets.size,), grad_y.dtype)
        pack_taps(weight.reshape(-1), filters, channels // groups, weight.shape[2] * weight.shape[3], taps, plan.tile_rows, groups, panels)
        outer_product(plan.tile_rows, panels, padded, layout.group_size, 0, layout.offsets, out, images * groups, groups,
                      channels // groups, size, _zeros(channels, grad_y.dtype), layout.positions, layout.pitch, layout.width,
                      plan.tile_columns, layout.offsets.size, plan.tiles_per_piece, plan.panels_per_piece, False)
    if not one_phase:
        merge_phases(phases, images * channels, *grad_x.shape[2:], *padding, *stride, *scatter.first, scatter.height, scatter.width,
                     grad_x.reshape(-1))


def _sees_all(x, weight, padding, groups):
    """Is a window the whole image? Then its one position is a row of a matrix product."""
    return x.shape[2:] == weight.shape[2:] and padding == (0, 0) and groups == 1


def _rows(array):
    return array.reshape(array.shape[0], -1)


def _padded(x, layout, stride):
    """The buffer of images that the layout speaks of."""
    if layout.border is None:
        return x.reshape(-1)
    planes = x.shape[0] * x.shape[1]
    padded = empty((planes * layout.plane_size + layout.pitch,), x.dtype)
    copy = pad_images if stride == (1, 1) else deal_images
    copy(x.reshape(-1), planes, *layout.border, padded)
    return padded


class _OuterPlan(NamedTuple):
    tile_rows: int
    tile_columns: int
    panels: int
    lanes: int
    tiles_per_piece: int
    panels_per_piece: int


def _outer_plan(units, rows, layout, dtype):
    return _outer_plan_of(units, rows, layout.positions, layout.planes, layout.halo, dtype)


@functools.lru_cache(maxsize=1024)
def _outer_plan_of(units, rows, positions, planes, halo, dtype):
    lanes = VECTOR_UNIT.lanes(dtype)
    tile_rows, tile_columns = outer_shape(rows, lanes)
    panels, tiles = -(-rows // tile_rows), -(-positions // tile_columns)
    most_tiles = (_CACHE // (planes * dtype.itemsize) - halo) // tile_columns
    return _OuterPlan(tile_rows, tile_columns, panels, lanes, *pieces(tiles, panels, most_tiles, units))


class _DotPlan(NamedTuple):
    images_per_pass: int
    tiles_per_piece: int
    rows_per_piece: int


@functools.lru_cache(maxsize=1024)
def _dot_plan(images, rows, columns, positions, groups):
    tiles, panels = -(-columns // DOT_COLUMNS), -(-rows // DOT_ROWS)
    images_per_pass = 1 if positions > _POSITIONS else min(images, max(1, 2 * _POSITIONS // positions))
    tiles_per_piece, panels_per_piece = pieces(tiles, panels, min(_DOT_TILES, -(-tiles // 4)), groups)
    return _DotPlan(images_per_pass, tiles_per_piece, panels_per_piece * DOT_ROWS)


@functools.lru_cache(maxsize=64)
def _zeros(size, dtype):
    return np.zeros(size, dtype)
