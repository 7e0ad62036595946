"""Resampling by its definition: images made larger or smaller, one pixel at a time, in plain NumPy.

    x              (N, C, H, W)
    y              (N, C, OH, OW)
    mode           "nearest" or "bilinear"
    scale          a pair (rows, columns): the distance of y's pixels, measured in those of x
    align_corners  for "bilinear": do the centres of the corner pixels stay where they are, or else the corners of the image?

Both modes make a pixel of few others along each axis, with weights that add up to 1: see kernels.geometry.resampling_sources.
"""
import itertools

from kernels.geometry import resampling_sources


def resample(x, y, mode, scale, align_corners):
    """y[n, c, i, j] = sum over the sources (row, a) of i and (column, b) of j of a b x[n, c, row, column]."""
    y[...] = 0
    for i, j, row, column, weight in _sources(x, y, mode, scale, align_corners):
        y[:, :, i, j] += weight * x[:, :, row, column]


def resample_grad_input(grad_y, grad_x, mode, scale, align_corners):
    """Each grad_y[n, c, i, j] goes back to the pixels that y[n, c, i, j] was made of, with their weights."""
    grad_x[...] = 0
    for i, j, row, column, weight in _sources(grad_x, grad_y, mode, scale, align_corners):
        grad_x[:, :, row, column] += weight * grad_y[:, :, i, j]


def _sources(x, y, mode, scale, align_corners):
    rows, columns = [[(position, *source) for position in range(length) for source in
                      resampling_sources(mode, position, size, step, align_corners)]
                     for length, size, step in zip(y.shape[2:], x.shape[2:], scale)]
    for (i, row, a), (j, column, b) in itertools.product(rows, columns):
        yield i, j, row, column, a * b
