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

from .layout import layout_of, scatter_of
from .machine import VECTOR_UNIT
from .memory import empty, zeros
from .packing import deal_images, merge_phases, pack_rows, pack_taps, pad_images
from .patches import patch_product, worthwhile
from .product import dot_product, outer_product, outer_shape, pieces
from .tile import DOT_COLUMNS, DOT_ROWS
from .weight_gradient import grad_weight_by_pixels

_CACHE = 512 * 1024   # bytes of the padded image that a piece of work may keep to itself
_IMAGES = 1024 ** 2   # bytes of bordered images at a time
_POSITIONS = 4096     # positions in one pass over a dot tile
_DOT_TILES = 24       # dot tiles whose part of the image shares the cache


def conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual, rectify, kept):
    """kernels.cpu.convolution.conv2d for any geometry."""
    filters = weight.shape[0] // groups
    layout = layout_of(x.shape[1:], weight.shape[1:], y.shape[2:], stride, padding, dilation, groups)
    panels = None if kept is None else kept.get(groups)
    if panels is None:
        tile_rows, panels, panel_step = _panels(filters, layout.offsets.size, groups, x.dtype)
        pack_rows(weight.reshape(-1), filters, layout.offsets.size, tile_rows, groups, panels.size // groups, panel_step,
                  VECTOR_UNIT.lanes(x.dtype), panels)
        if kept is not None:
            kept[groups] = panels
    start = zeros(weight.shape[0], x.dtype) if bias is None else bias
    for part in _parts(x, layout):
        added = y if residual is None else residual
        _product(panels, layout.offsets.size, _padded(x[part], layout, stride), len(x[part]), layout, filters, groups, start,
                 y[part].reshape(-1), added[part].reshape(-1), residual is not None, rectify)


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """kernels.cpu.convolution.conv2d_grad_weight for any geometry."""
    if groups == 1 and dilation == (1, 1) and x.shape[1] >= VECTOR_UNIT.lanes(x.dtype):
        grad_weight_by_pixels(grad_y, x, grad_weight, stride, padding)
        return
    images, filters = x.shape[0], grad_weight.shape[0] // groups
    layout = layout_of(x.shape[1:], grad_weight.shape[1:], grad_y.shape[2:], stride, padding, dilation, groups)
    plan = _dot_plan(images, filters, layout, groups, x.dtype)
    for first in range(0, images, plan.images):
        some_x, some_grad_y = x[first:first + plan.images], grad_y[first:first + plan.images]
        lines, row_length = some_grad_y.reshape(-1), layout.positions
        if layout.pitch != layout.width:
            planes, row_length = some_x.shape[0] * grad_weight.shape[0], grad_y.shape[2] * layout.pitch
            lines = empty((planes * row_length,), x.dtype)
            pad_images(some_grad_y.reshape(-1), planes, *grad_y.shape[2:], 0, 0, grad_y.shape[2], layout.pitch, lines)
        dot_product(some_x.shape[0], layout.positions, lines, grad_weight.shape[0] * row_length, row_length,
                    _padded(some_x, layout, stride), groups * layout.group_size, layout.group_size, layout.offsets,
                    grad_weight.reshape(-1), groups, filters, layout.offsets.size, _POSITIONS, plan.images_per_pass, plan.rows_per_piece,
                    plan.tiles_per_piece, first > 0)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups, kept):
    """kernels.cpu.convolution.conv2d_grad_input for any geometry."""
    images, channels = grad_x.shape[:2]
    filters = weight.shape[0] // groups
    scatter = scatter_of(grad_x.shape[2:], weight.shape, grad_y.shape[2:], stride, padding, dilation, groups)
    tile_rows, _ = outer_shape(channels // groups, VECTOR_UNIT.lanes(grad_y.dtype))
    key = "turned", stride, dilation, groups   # what the order depends on, whatever the size of the images
    panels = None if kept is None else kept.get(key)
    if panels is None:
        _, panels, _ = _panels(channels // groups, filters * weight.shape[2] * weight.shape[3], groups, grad_y.dtype)
        pack_taps(weight.reshape(-1), filters, channels // groups, *(table * tile_rows for table in scatter.order), tile_rows, groups,
                  VECTOR_UNIT.lanes(grad_y.dtype), panels)
        if kept is not None:
            kept[key] = panels
    depth, size, start = filters * scatter.order[0].size, scatter.height * scatter.width, zeros(channels, grad_y.dtype)
    for part in _parts(grad_y, scatter.phases[0]):
        some_y, some_x = grad_y[part], grad_x[part]
        count = some_y.shape[0]
        padded = empty((count * weight.shape[0] * scatter.padded_size + scatter.padded_shape[1],), grad_y.dtype)
        pad_images(some_y.reshape(-1), count * weight.shape[0], *grad_y.shape[2:], *scatter.border, *scatter.padded_shape, padded)
        one_phase = len(scatter.phases) == 1
        phases = some_x.reshape(-1) if one_phase else empty((len(scatter.phases) * some_x.shape[0] * channels * size,), grad_x.dtype)
        first = 0
        for layout, out in zip(scatter.phases, np.split(phases, len(scatter.phases))):
            if layout.offsets.size == 0:
                out[...] = 0
            else:
                _product(panels[first * tile_rows:], depth, padded, count, layout, channels // groups, groups, start, out,
                         out, False, False)
            first += layout.offsets.size
        if not one_phase:
            merge_phases(phases, count * channels, *grad_x.shape[2:], *padding, *stride, *scatter.first, scatter.height, scatter.width,
                         some_x.reshape(-1))


def _parts(x, layout):
    """The batch as slices of so many images as are worked off while the bordered ones are in the cache."""
    images = x.shape[0]
    size = layout.plane_size * x.shape[1] * x.dtype.itemsize
    at_a_time = -(-images // -(-images // max(1, _IMAGES // size)))
    return [slice(first, first + at_a_time) for first in range(0, images, at_a_time)]


def _panels(rows, depth, groups, dtype):
    """(rows of a tile, memory for the panels of the groups' left matrices, size of a panel)."""
    tile_rows, _ = outer_shape(rows, VECTOR_UNIT.lanes(dtype))
    return tile_rows, empty((groups * -(-rows // tile_rows) * tile_rows * depth,), dtype), tile_rows * depth


def _product(panels, panel_depth, padded, images, layout, rows, groups, start, out, residual, add, rectify):
    """The outer products of groups of filters and bordered images, and what follows (see epilogue)."""
    if groups == 1 and worthwhile(rows, images, layout, out.dtype):
        patch_product(panels, panel_depth, padded, images, layout, rows, start, out, residual, add, rectify)
        return
    plan = _outer_plan(images * groups, rows, layout, out.dtype)
    outer_product(plan.tile_rows, panels, panel_depth, padded, layout.group_size, 0, layout.offsets, out, images * groups, groups, rows,
                  out.size // (images * groups * rows), start, 0, layout.positions, layout.pitch, layout.width, layout.width,
                  plan.tile_columns, layout.offsets.size, plan.tiles_per_piece, plan.panels_per_piece, False,
                  residual, add, rectify)


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
    tiles_per_piece: int
    panels_per_piece: int


def _outer_plan(units, rows, layout, dtype):
    return _outer_plan_of(units, rows, layout.positions, layout.planes, layout.halo, dtype)


@functools.lru_cache(maxsize=1024)
def _outer_plan_of(units, rows, positions, planes, halo, dtype):
    tile_rows, tile_columns = outer_shape(rows, VECTOR_UNIT.lanes(dtype))
    panels, tiles = -(-rows // tile_rows), -(-positions // tile_columns)
    most_tiles = (_CACHE // (planes * dtype.itemsize) - halo) // tile_columns
    return _OuterPlan(tile_rows, tile_columns, *pieces(tiles, panels, most_tiles, units))


class _DotPlan(NamedTuple):
    images: int            # at a time
    images_per_pass: int
    tiles_per_piece: int
    rows_per_piece: int


def _dot_plan(images, rows, layout, groups, dtype):
    size = (groups * layout.group_size + groups * rows * layout.positions) * dtype.itemsize
    return _dot_plan_of(images, rows, layout.offsets.size, layout.positions, groups, max(1, _CACHE // size))


@functools.lru_cache(maxsize=1024)
def _dot_plan_of(images, rows, columns, positions, groups, at_a_time):
    tiles, panels = -(-columns // DOT_COLUMNS), -(-rows // DOT_ROWS)
    at_a_time = -(-images // -(-images // at_a_time))   # about the same number each time
    images_per_pass = 1 if positions > _POSITIONS else min(at_a_time, max(1, 2 * _POSITIONS // positions))
    tiles_per_piece, panels_per_piece = pieces(tiles, panels, min(_DOT_TILES, -(-tiles // 4)), groups)
    return _DotPlan(at_a_time, images_per_pass, tiles_per_piece, panels_per_piece * DOT_ROWS)
