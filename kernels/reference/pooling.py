"""Pooling by its definition: one window at a time, in plain NumPy.

    x         (N, C, H, W)     input
    y         (N, C, OH, OW)   output; OH, OW as kernels.geometry.output_size, or one more where a last window that begins in the
                               image, or in the padding before it, may hang over the far edge
    switches  (N, C, OH, OW)   uint8: where in its window, counted row by row, each maximum was; the backward pass, and the
                               unpooling of Zeiler & Fergus (ECCV 2014), go back by them
    window, stride, padding    pairs (rows, columns); padding is at most half the window, so that every window sees some of the
                               image; a window of max_pool2d has at most 256 positions, and what lies outside counts as -inf
"""
import numpy as np


def max_pool2d(x, y, switches, window, stride, padding):
    """y[n, c, i, j] = max of x over the window at (i, j); of equal maxima the first counts, and NaN exceeds any number."""
    for i, j, top, left, rows, columns in _windows(x, y, window, stride, padding):
        seen = x[:, :, rows, columns]
        height, width = seen.shape[2:]
        seen = seen.reshape(*seen.shape[:2], height * width)
        row, column = np.divmod(seen.argmax(axis=2), width)
        switches[:, :, i, j] = (rows.start - top + row) * window[1] + columns.start - left + column
        y[:, :, i, j] = seen.max(axis=2)


def max_pool2d_grad_input(grad_y, switches, grad_x, window, stride, padding):
    """Each grad_y[n, c, i, j] is added to grad_x where the maximum was."""
    grad_x[...] = 0
    image, channel = np.indices(grad_y.shape[:2])
    for i, j, top, left, _, _ in _windows(grad_x, grad_y, window, stride, padding):
        row, column = np.divmod(switches[:, :, i, j].astype(np.int64), window[1])
        grad_x[image, channel, top + row, left + column] += grad_y[:, :, i, j]


def avg_pool2d(x, y, window, stride, padding, count_include_pad):
    """y[n, c, i, j] = mean of x over the window at (i, j), whose padding counts as zeros, or not at all."""
    for i, j, top, left, rows, columns in _windows(x, y, window, stride, padding):
        count = _count(x, top, left, rows, columns, window, padding, count_include_pad)
        y[:, :, i, j] = x[:, :, rows, columns].sum(axis=(2, 3)) / count


def avg_pool2d_grad_input(grad_y, grad_x, window, stride, padding, count_include_pad):
    """Each grad_y[n, c, i, j] is shared out evenly over the window it was the mean of."""
    grad_x[...] = 0
    for i, j, top, left, rows, columns in _windows(grad_x, grad_y, window, stride, padding):
        count = _count(grad_x, top, left, rows, columns, window, padding, count_include_pad)
        grad_x[:, :, rows, columns] += grad_y[:, :, i, j, None, None] / count


def _windows(x, y, window, stride, padding):
    """For each output position (i, j): where its window begins, padding included, and what it sees of the image."""
    for i, j in np.ndindex(y.shape[2:]):
        top, left = i * stride[0] - padding[0], j * stride[1] - padding[1]
        rows = slice(max(0, top), min(x.shape[2], top + window[0]))
        columns = slice(max(0, left), min(x.shape[3], left + window[1]))
        yield i, j, top, left, rows, columns


def _count(x, top, left, rows, columns, window, padding, count_include_pad):
    """How many positions a mean is over. What hangs over the padding, too, never counts."""
    if count_include_pad:
        return (min(top + window[0], x.shape[2] + padding[0]) - top) * (min(left + window[1], x.shape[3] + padding[1]) - left)
    return (rows.stop - rows.start) * (columns.stop - columns.start)
