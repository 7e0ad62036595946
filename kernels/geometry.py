"""The arithmetic of positions, shared by the kernel packages and those who call them: no arrays, only sizes."""
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
