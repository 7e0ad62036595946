"""Convolution as a matrix product that is never written out (implicit GEMM).

The image is copied once into a zero-bordered buffer, its lines `pitch` pixels apart. Counting positions p along the whole buffer,
line after line, the output is

    y[m, p] = sum over taps k = (c, r, s) of weight[m, k] * padded[offset[k] + p],    offset[k] = where tap k lies from p

so each filter tap is one row of a matrix whose rows overlap in memory: the register tiles of `tile` read it where it lies.
Positions in the gap at a line's end are computed and dropped. A stride deals the image out to phase images first
(packing.pad_images), after which strided windows are dense. The three functions differ in who plays which part:

    forward        outer tiles:  weight x padded x
    grad of input  outer tiles:  weight, flipped and transposed, x padded grad_y; with a stride, one product for each phase of grad_x
    grad of weight dot tiles:    grad_y (lines `pitch` apart) x padded x, summed over positions and images
"""
import functools
from typing import NamedTuple

import numpy as np

from .machine import VECTOR_UNIT
from .memory import empty
from .packing import merge_phases, pack_rows, pack_taps, pad_images, pitch_lines
from .product import dot_product, dot_shape, outer_product, outer_shape, pieces

_CACHE = 512 * 1024   # bytes of the padded image that a piece of work may keep to itself
_POSITIONS = 1024     # positions in one pass over a dot tile
_DOT_TILES = 24       # dot tiles whose part of the image shares the cache


def conv2d(x, weight, bias, y, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d, for C-contiguous arrays."""
    if y.size == 0:
        return
    filters = weight.shape[0] // groups
    layout = _layout(x.shape[1:], weight.shape[1:], y.shape[2:], stride, padding, dilation, groups)
    plan = _outer_plan(x.shape[0] * groups, filters, layout, x.dtype)
    panels = empty((groups * plan.panels * plan.tile_rows * layout.offsets.size,), x.dtype)
    pack_rows(weight.reshape(-1), filters, layout.offsets.size, plan.tile_rows, groups, plan.lanes, panels)
    start = _zeros(weight.shape[0], x.dtype) if bias is None else bias
    outer_product(plan.tile_rows, panels, _padded(x, layout), layout.group_size, 0, layout.offsets, y.reshape(-1), x.shape[0] * groups,
                  groups, filters, y.shape[2] * y.shape[3], start, layout.positions, layout.pitch, layout.width, plan.tile_columns,
                  layout.offsets.size, plan.tiles_per_piece, plan.panels_per_piece, False)


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight, for C-contiguous arrays."""
    if grad_y.size == 0 or grad_weight.size == 0:
        grad_weight[...] = 0
        return
    images, filters = x.shape[0], grad_weight.shape[0] // groups
    layout = _layout(x.shape[1:], grad_weight.shape[1:], grad_y.shape[2:], stride, padding, dilation, groups)
    plan = _dot_plan(images, filters, layout.offsets.size, layout.positions, groups)
    lines, row_length = grad_y.reshape(-1), layout.positions
    if layout.pitch != layout.width:
        row_length = grad_y.shape[2] * layout.pitch
        lines = empty((images * grad_weight.shape[0] * row_length,), x.dtype)
        pitch_lines(grad_y.reshape(-1), images * grad_weight.shape[0], grad_y.shape[2], grad_y.shape[3], layout.pitch, lines)
    dot_product(plan.tile_rows, images, layout.positions, lines, grad_weight.shape[0] * row_length, row_length, _padded(x, layout),
                groups * layout.group_size, layout.group_size, layout.offsets, grad_weight.reshape(-1), groups, filters,
                layout.offsets.size, plan.tile_columns, _POSITIONS, plan.images_per_pass, plan.rows_per_piece, plan.tiles_per_piece,
                False)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_input, for C-contiguous arrays."""
    if grad_x.size == 0 or grad_y.size == 0:
        grad_x[...] = 0
        return
    images, channels = grad_x.shape[:2]
    filters = weight.shape[0] // groups
    scatter = _scatter(grad_x.shape[2:], weight.shape, grad_y.shape[2:], stride, padding, dilation, groups)
    padded = empty((images * weight.shape[0] * scatter.padded_size + scatter.padded_shape[1],), grad_y.dtype)
    pad_images(grad_y.reshape(-1), images * weight.shape[0], grad_y.shape[2], grad_y.shape[3], *scatter.border, 1, 1,
               *scatter.padded_shape, padded)
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


class _Layout(NamedTuple):
    """Where the taps of a filter lie in a buffer of images."""

    offsets: np.ndarray   # of each tap from an output position
    positions: int        # output positions, the gaps between lines counted
    pitch: int            # from one output line to the next
    width: int            # of an output line
    planes: int           # read for one output: channels of a group, times phases of the stride
    halo: int             # positions that a strip of output reads beyond its own
    plane_size: int       # of the buffer, for one channel
    group_size: int       # of the buffer, for one image and one group of channels
    padding: tuple        # arguments of pad_images, or None where the image serves as it is


@functools.lru_cache(maxsize=1024)
def _layout(image, weight, output, stride, padding, dilation, groups):
    (channels, height, width), (group_channels, rows, columns), (out_height, out_width) = image, weight, output
    (down, right), (top, left) = stride, padding
    if stride == (1, 1) and padding == (0, 0):
        pad_arguments, line, phase_size, plane = None, width, height * width, height * width
        if rows == columns == 1:   # no neighbours, so no lines either
            line = out_width = height * width
            out_height = 1
    else:
        line, lines = -(-(width + 2 * left) // right), -(-(height + 2 * top) // down)
        if right == 1:   # the border at the left of a line is that at the right of the line before, too
            line = max(width + left, out_width)
        pad_arguments = (height, width, top, left, down, right, lines, line)
        phase_size, plane = lines * line, down * right * lines * line
    offsets = [(c * plane + (r * dilation[0] % down * right + s * dilation[1] % right) * phase_size
                + r * dilation[0] // down * line + s * dilation[1] // right)
               for c in range(group_channels) for r in range(rows) for s in range(columns)]
    halo = (rows - 1) * dilation[0] // down * line
    return _Layout(np.array(offsets, np.int64), (out_height - 1) * line + out_width, line, out_width, group_channels * down * right,
                   halo, plane, group_channels * plane, pad_arguments)


def _padded(x, layout):
    """The buffer of images that the layout speaks of."""
    if layout.padding is None:
        return x.reshape(-1)
    planes = x.shape[0] * x.shape[1]
    padded = empty((planes * layout.plane_size + layout.pitch,), x.dtype)
    pad_images(x.reshape(-1), planes, *layout.padding, padded)
    return padded


class _Scatter(NamedTuple):
    """The input's gradient as one product for each phase of the stride, all reading the same bordered grad_y."""

    border: tuple         # (top, left) of grad_y
    padded_shape: tuple
    padded_size: int
    first: tuple          # the first (row, column) of a phase image that is wanted
    height: int           # of a phase image
    width: int
    phases: list          # (numbers of the filter taps that reach the phase, layout)


@functools.lru_cache(maxsize=1024)
def _scatter(image, weight, output, stride, padding, dilation, groups):
    """Row R = h + top of the bordered input, in phase R % s, hears of output row R // s - r d // s through each tap r with r d % s = R % s."""
    filters, _, *taps = weight
    first = tuple(p // s for p, s in zip(padding, stride))
    count = [(size - 1 + p) // s - f + 1 for size, p, s, f in zip(image, padding, stride, first)]
    border = tuple(max(0, (t - 1) * d // s - f) for t, d, s, f in zip(taps, dilation, stride, first))
    after = [max(0, f + c - size) for f, c, size in zip(first, count, output)]
    line = max(output[1] + max(border[1], after[1]), count[1])   # the border at its left is that at the right of the line before, too
    padded_shape = border[0] + output[0] + after[0], line
    plane = padded_shape[0] * line
    phases = []
    for phase in np.ndindex(*stride):
        reaching = [(r, s) for r in range(taps[0]) for s in range(taps[1])
                    if (r * dilation[0] % stride[0], s * dilation[1] % stride[1]) == phase]
        offsets = [m * plane + (border[0] + first[0] - r * dilation[0] // stride[0]) * line
                   + border[1] + first[1] - s * dilation[1] // stride[1]
                   for m in range(filters // groups) for r, s in reaching]
        layout = _Layout(np.array(offsets, np.int64), (count[0] - 1) * line + count[1], line, count[1], filters // groups,
                         (taps[0] - 1) * dilation[0] // stride[0] * line, plane, filters // groups * plane, None)
        phases.append((np.array([r * taps[1] + s for r, s in reaching], np.int64), layout))
    return _Scatter(border, padded_shape, plane, first, *count, phases)


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
    tile_rows, tile_columns = outer_shape(rows, positions, lanes)
    panels, tiles = -(-rows // tile_rows), -(-positions // tile_columns)
    most_tiles = (_CACHE // (planes * dtype.itemsize) - halo) // tile_columns
    return _OuterPlan(tile_rows, tile_columns, panels, lanes, *pieces(tiles, panels, most_tiles, units))


class _DotPlan(NamedTuple):
    tile_rows: int
    tile_columns: int
    images_per_pass: int
    tiles_per_piece: int
    rows_per_piece: int


@functools.lru_cache(maxsize=1024)
def _dot_plan(images, rows, columns, positions, groups):
    tile_rows, tile_columns = dot_shape(rows, columns)
    tiles, panels = -(-columns // tile_columns), -(-rows // tile_rows)
    images_per_pass = 1 if positions > _POSITIONS else min(images, max(1, 2 * _POSITIONS // positions))
    tiles_per_piece, panels_per_piece = pieces(tiles, panels, min(_DOT_TILES, -(-tiles // 4)), groups)
    return _DotPlan(tile_rows, tile_columns, images_per_pass, tiles_per_piece, panels_per_piece * tile_rows)


@functools.lru_cache(maxsize=64)
def _zeros(size, dtype):
    return np.zeros(size, dtype)
