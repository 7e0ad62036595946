"""The arithmetic of positions, shared by the kernel packages and those who call them: no arrays, only sizes."""
import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np


def output_size(size, window, stride, padding, dilation=1):
    """How many window positions fit along one axis: floor((size + 2 padding - dilation (window - 1) - 1) / stride) + 1.

    Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016), relationship 15. Zero or less means that
    the window does not fit.
    """
    return (size + 2 * padding - dilation * (window - 1) - 1) // stride + 1


def output_shape(shape, window, stride, padding, dilation=(1, 1)):
    """`output_size` for (rows, columns) pairs."""
    return tuple(map(output_size, shape, window, stride, padding, dilation))


def transposed_output_size(size, window, stride, padding, output_padding, dilation=1):
    """How long an axis was that a convolution brought to `size`: stride (size - 1) - 2 padding + dilation (window - 1) + 1, and
    output_padding more.

    Dumoulin & Visin, relationship 14: a stride s brings s different lengths to the same size, and output_padding says which it was.
    """
    return stride * (size - 1) - 2 * padding + dilation * (window - 1) + 1 + output_padding


def resampling_sources(mode, position, size, scale, align_corners):
    """What pixel `position` of a resampled axis is made of: pairs of a pixel, out of `size`, and its weight.

    scale is the distance of the new pixels, measured in old ones. "nearest" takes the pixel at floor(position scale), rounded to
    single precision first, as PyTorch does: where the product is all but a whole number, that decides. "bilinear" shares out
    between the two neighbours of position scale with align_corners, when the centres of the first and last pixels stay where they
    are, or else of (position + 1/2) scale - 1/2, when the edges do. What lies outside is moved to the edge.
    """
    if mode == "nearest":
        return [(min(int(np.float32(position) * np.float32(scale)), size - 1), 1.0)]
    place = position * scale if align_corners else max(0.0, (position + 0.5) * scale - 0.5)
    first = min(int(place), size - 1)
    far = min(place - first, 1.0)
    return [(first, 1 - far), (min(first + 1, size - 1), far)]


class Window(NamedTuple):
    """What a unit looks through along one axis: `size` positions of its input, `dilation` apart; the window of the next unit lies
    `stride` further, and the first begins `padding` before the edge."""

    size: int
    stride: int = 1    # or a Fraction, where there are more units than positions
    padding: int = 0
    dilation: int = 1


class ReceptiveField(NamedTuple):
    """The pixels of the image, along one axis, on which a unit depends; those beyond the edges, which are padding, are among them.

    Araujo, Norris & Sim, "Computing receptive fields of convolutional neural networks" (Distill 2019). Where units differ, as they do
    after a transposed convolution, the size is the largest, or a little more.
    """

    size: int      # a Fraction, and so is the stride, where one pixel belongs to several units
    stride: int    # how much further the next unit's lies; 0: all units see the same
    offset: int    # where the first unit's begins; negative in the padding

    def through(self, window):
        """That of a unit which sees units like this one through a Window: the paper's equations 2 and 3, from the image upwards."""
        reach = window.dilation * (window.size - 1)
        return ReceptiveField(self.size + reach * self.stride, self.stride * window.stride, self.offset - window.padding * self.stride)

    def of_all(self, units):
        """That of a unit which sees all `units` of an axis."""
        return ReceptiveField(self.size + (units - 1) * self.stride, 0, self.offset)


PIXEL = ReceptiveField(1, 1, 0)   # what a pixel of the image sees of it


def union(fields, units):
    """That of a unit which sees one unit of several branches, each `units` long: from where the first begins to where the last ends.

    Where branches went at different strides, no formula says what a unit sees of them: it is taken to see all.
    """
    if len({field.stride for field in fields}) > 1:
        fields = [field.of_all(units) for field in fields]
    offset = min(field.offset for field in fields)
    end = max(field.offset + field.size for field in fields)
    return ReceptiveField(end - offset, fields[0].stride, offset)


def transposed_window(window, stride, padding, dilation=1):
    """The Window of a transposed convolution: unit j sees the positions i whose stamp, from stride i - padding on, covers it."""
    reach = dilation * (window - 1)
    return Window(reach // stride + 1, Fraction(1, stride), (reach - padding) // stride)


def adaptive_window(size, units):
    """The Window of adaptive pooling from `size` positions to `units`: unit j sees those from floor(j size / units) to
    ceil((j + 1) size / units), and this is the largest."""
    return Window(max(-(-(j + 1) * size // units) - j * size // units for j in range(units)), Fraction(size, units))


def resampling_window(mode, scale, align_corners):
    """The Window of `resampling_sources` away from the edges."""
    if mode == "nearest" or align_corners:
        first = 0
    else:
        first = math.floor((scale - 1) / 2)
    return Window(1 if mode == "nearest" else 2, Fraction(scale).limit_denominator(1000), -first)
