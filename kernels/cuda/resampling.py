"""Resampling on a device. Every thread gathers: a pixel of y from the one or four it is made of, one of x from all it went into.

Where a pixel comes from follows kernels.geometry.resampling_sources. Bilinear places are position step + offset, computed without
float64 for arrays of float32, in whole numbers of 2^-32 pixels: float32 alone would leave 16 bits for what lies between pixels in an image
of 256. Where the exact place is a pixel itself, that may come out as the one before it and a weight of 1 for the next.
"""
from typing import NamedTuple

import numpy as np
from numba import cuda, float32, int32, uint32

from .grid import launch_on_grid, position
from .launch import blocks, kernel

_TALL = 4   # pixels, one below the other, that a thread of the forward pass makes


def resample(x, y, mode, scale, align_corners):
    """As kernels.reference.resampling.resample. A thread finds its columns once and makes four pixels of them."""
    show, axes = (_nearest, map(np.float32, scale)) if mode == "nearest" else (_arithmetic(x).blend, _axes(x, scale, align_corners))
    launch_on_grid(show, (*y.shape[:2], blocks(y.shape[2], _TALL), y.shape[3]), x, y, *axes, *x.shape[2:], *y.shape[2:])


def resample_grad_input(grad_y, grad_x, mode, scale, align_corners):
    """As kernels.reference.resampling.resample_grad_input."""
    if mode == "nearest":
        gather, axes = _gather_nearest, map(np.float32, scale)
    else:
        gather, axes = _arithmetic(grad_x).gather, [*_axes(grad_x, scale, align_corners), *map(_inverse, scale)]
    launch_on_grid(gather, grad_x.shape, grad_y, grad_x, *axes, *grad_x.shape[2:], *grad_y.shape[2:])


class _Arithmetic(NamedTuple):
    """How places are counted."""

    pixel: np.number   # the distance between two pixels
    blend: object      # the kernels
    gather: object


def _arithmetic(array):
    return _FIXED if array.dtype == np.float32 else _REAL


def _axes(array, scale, align_corners):
    """step and offset for the rows and the columns."""
    pixel = _arithmetic(array).pixel
    offsets = [0.0 if align_corners else one / 2 - 0.5 for one in scale]
    return [pixel.dtype.type(np.rint(number * pixel) if pixel != 1 else number) for axis in zip(scale, offsets) for number in axis]


def _inverse(scale):
    return np.float32(1 / scale if scale else 0.0)


@cuda.jit(device=True)
def _nearest_source(place, scale, size):
    """The pixel, out of `size`, at floor(place scale) in single precision."""
    return min(int32(float32(place) * scale), int32(size - 1))


@kernel
def _nearest(x, y, scale, side_scale, height, width, out_height, out_width, threads,
             lines, per_lines, lines_shift, across, per_across, across_shift):
    thread = int32(cuda.grid(1))
    if thread >= threads:
        return
    plane, group, j = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
    column = _nearest_source(j, side_scale, width)
    for number in range(_TALL):
        i = int32(group * _TALL + number)
        if i < out_height:
            row = _nearest_source(i, scale, height)
            y[uint32((plane * out_height + i) * out_width + j)] = x[uint32((plane * height + row) * width + column)]


@cuda.jit(device=True)
def _first_nearest(pixel, scale, size):
    """The first that shows this pixel, if one does; what is said of a float32 product is found by trying."""
    place = max(int32(float32(pixel) / scale) - int32(2), int32(0))
    while _nearest_source(place, scale, size) < pixel:
        place = int32(place + 1)
    return int32(place)


@kernel
def _gather_nearest(grad_y, grad_x, scale, side_scale, height, width, out_height, out_width, threads,
                    lines, per_lines, lines_shift, across, per_across, across_shift):
    thread = int32(cuda.grid(1))
    if thread >= threads:
        return
    plane, row, column = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
    i, first = _first_nearest(row, scale, height), _first_nearest(column, side_scale, width)
    total = grad_x.dtype.type(0)
    while i < out_height and _nearest_source(i, scale, height) == row:
        j = first
        while j < out_width and _nearest_source(j, side_scale, width) == column:
            total += grad_y[uint32((plane * out_height + i) * out_width + j)]
            j = int32(j + 1)
        i = int32(i + 1)
    grad_x[uint32(thread)] = total


def _bilinear(pixel, whole, part):
    """The two kernels, for places counted like this: `pixel` is one, and a place has `whole` ones and a `part`."""
    nothing = pixel * 0

    @cuda.jit(device=True)
    def inside(place, size):
        """Moved to the edge if it lies beyond."""
        return min(max(place, nothing), pixel * (size - 1))

    @cuda.jit(device=True)
    def first_of(center, step, offset, inverse, length):
        """The first position less than a pixel before `center`; division is rounded, so the last few are tried."""
        if center <= 0:
            return int32(0)
        found = (float32(center - pixel - offset) / float32(pixel)) * inverse
        place = int32(min(max(found - float32(2), float32(0)), float32(length)))
        while place < length and place * step + offset <= center - pixel:
            place = int32(place + 1)
        return place

    @kernel
    def blend(x, y, step, offset, side_step, side_offset, height, width, out_height, out_width, threads,
              lines, per_lines, lines_shift, across, per_across, across_shift):
        thread = int32(cuda.grid(1))
        if thread >= threads:
            return
        plane, group, j = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
        place = inside(j * side_step + side_offset, width)
        left, right_weight = whole(place), part(place)
        right, left_weight = min(int32(left + 1), int32(width - 1)), x.dtype.type(1) - right_weight
        for number in range(_TALL):
            i = int32(group * _TALL + number)
            if i < out_height:
                place = inside(i * step + offset, height)
                row, far = whole(place), part(place)
                upper = int32((plane * height + row) * width)
                lower = int32((plane * height + min(int32(row + 1), int32(height - 1))) * width)
                above = left_weight * x[uint32(upper + left)] + right_weight * x[uint32(upper + right)]
                below = left_weight * x[uint32(lower + left)] + right_weight * x[uint32(lower + right)]
                y[uint32((plane * out_height + i) * out_width + j)] = (x.dtype.type(1) - far) * above + far * below

    @kernel
    def gather(grad_y, grad_x, step, offset, side_step, side_offset, inverse, side_inverse, height, width, out_height, out_width, threads,
               lines, per_lines, lines_shift, across, per_across, across_shift):
        thread = int32(cuda.grid(1))
        if thread >= threads:
            return
        plane, row, column = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
        center, side_center = row * pixel, column * pixel
        i = first_of(center, step, offset, inverse, out_height)
        first = first_of(side_center, side_step, side_offset, side_inverse, out_width)
        one, total = grad_x.dtype.type(1), grad_x.dtype.type(0)
        while i < out_height:
            away = abs(inside(i * step + offset, height) - center)
            if away >= pixel:
                break
            of_row, j = grad_x.dtype.type(0), first
            while j < out_width:
                side_away = abs(inside(j * side_step + side_offset, width) - side_center)
                if side_away >= pixel:
                    break
                of_row += (one - part(side_away)) * grad_y[uint32((plane * out_height + i) * out_width + j)]
                j = int32(j + 1)
            total += (one - part(away)) * of_row
            i = int32(i + 1)
        grad_x[uint32(thread)] = total
    return _Arithmetic(pixel, blend, gather)


@cuda.jit(device=True)
def _fixed_whole(place):
    return int32(place >> 32)


@cuda.jit(device=True)
def _fixed_part(place):
    return float32(uint32(place)) * float32(2.0**-32)


@cuda.jit(device=True)
def _real_whole(place):
    return int32(place)


@cuda.jit(device=True)
def _real_part(place):
    return place - int32(place)


_FIXED = _bilinear(np.int64(1 << 32), _fixed_whole, _fixed_part)
_REAL = _bilinear(np.float64(1), _real_whole, _real_part)
