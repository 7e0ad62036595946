"""Where the pixels that a filter meets lie in memory, worked out once for each geometry.

A convolution reads a buffer of bordered images line after line (see convolution). The border at the left of a line is that at the
right of the line before, too, so that there is little of it.
"""
import functools
from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """Where the taps of a filter lie in a buffer of images."""

    offsets: np.ndarray   # of each tap from an output position
    positions: int        # output positions, the gaps between lines counted
    pitch: int            # from one output line to the next
    width: int            # of an output line
    planes: int           # read for one output: channels of a group, times phases of the stride
    halo: int             # positions that a strip of output reads beyond its own
    plane_size: int       # of the buffer, for one channel
    group_size: int       # of the buffer, for one image and one group of channels
    border: tuple         # arguments of packing.pad_images or, with a stride, deal_images; None where the image serves as it is


@functools.lru_cache(maxsize=1024)
def layout_of(image, weight, output, stride, padding, dilation, groups):
    """The layout of a convolution's input, for image (C, H, W), weight (C / groups, R, K) and output (OH, OW)."""
    (_, height, width), (group_channels, rows, columns), (out_height, out_width) = image, weight, output
    (down, right), (top, left) = stride, padding
    if stride == (1, 1) and padding == (0, 0):   # the image serves as it is
        border, line, phase_size, plane = None, width, height * width, height * width
        if rows == columns == 1:   # no neighbours, so no lines either
            line = out_width = height * width
            out_height = 1
    else:
        line, lines = -(-(width + 2 * left) // right), -(-(height + 2 * top) // down)
        if right == 1:   # the border at the left of a line is that at the right of the line before, too
            line = max(width + left, out_width)
        border = (height, width, top, left, *(() if stride == (1, 1) else stride), lines, line)
        phase_size, plane = lines * line, down * right * lines * line
    offsets = [(c * plane + (r * dilation[0] % down * right + s * dilation[1] % right) * phase_size
                + r * dilation[0] // down * line + s * dilation[1] // right)
               for c in range(group_channels) for r in range(rows) for s in range(columns)]
    halo = (rows - 1) * dilation[0] // down * line
    return Layout(np.array(offsets, np.int64), (out_height - 1) * line + out_width, line, out_width, group_channels * down * right,
                   halo, plane, group_channels * plane, border)


class Scatter(NamedTuple):
    """The input's gradient as one product for each phase of the stride, all reading the same bordered grad_y."""

    border: tuple         # (top, left) of grad_y
    padded_shape: tuple
    padded_size: int
    first: tuple          # the first (row, column) of a phase image that is wanted
    height: int           # of a phase image
    width: int
    phases: list          # their layouts
    order: tuple          # tables for each tap, in rows of a left matrix: (where the first filter's goes, from one filter to the next)


@functools.lru_cache(maxsize=1024)
def scatter_of(image, weight, output, stride, padding, dilation, groups):
    """The way back to an image (H, W), for weight (M, C / groups, R, K) and output (OH, OW).

    Row R of the bordered input, in phase R % s, hears of output row R // s - r d // s through each tap r with r d % s = R % s.
    """
    filters, _, *taps = weight
    first = tuple(p // s for p, s in zip(padding, stride))
    count = [(size - 1 + p) // s - f + 1 for size, p, s, f in zip(image, padding, stride, first)]
    border = tuple(max(0, (t - 1) * d // s - f) for t, d, s, f in zip(taps, dilation, stride, first))
    after = [max(0, f + c - size) for f, c, size in zip(first, count, output)]
    line = max(output[1] + max(border[1], after[1]), count[1])   # the border at its left is that at the right of the line before, too
    padded_shape = border[0] + output[0] + after[0], line
    plane = padded_shape[0] * line
    phases = []
    places, steps = np.empty((2, taps[0] * taps[1]), np.int64)
    for phase in np.ndindex(*stride):
        reaching = [(r, s) for r in range(taps[0]) for s in range(taps[1])
                    if (r * dilation[0] % stride[0], s * dilation[1] % stride[1]) == phase]
        offsets = [m * plane + (border[0] + first[0] - r * dilation[0] // stride[0]) * line
                   + border[1] + first[1] - s * dilation[1] // stride[1]
                   for m in range(filters // groups) for r, s in reaching]
        before = sum(layout.offsets.size for layout in phases)
        for number, (r, s) in enumerate(reaching):
            places[r * taps[1] + s], steps[r * taps[1] + s] = before + number, len(reaching)
        phases.append(Layout(np.array(offsets, np.int64), (count[0] - 1) * line + count[1], line, count[1], filters // groups,
                             (taps[0] - 1) * dilation[0] // stride[0] * line, plane, filters // groups * plane, None))
    return Scatter(border, padded_shape, plane, first, *count, phases, (places, steps))
