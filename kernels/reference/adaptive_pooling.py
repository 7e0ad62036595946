"""Adaptive pooling by its definition: as many windows as are wanted, which divide the image as evenly as they can.

    x       (N, C, H, W)     input
    y       (N, C, OH, OW)   output; window i along an axis reaches from floor(i H / OH) to ceil((i + 1) H / OH), so that every pixel is in
                             a window; neighbours overlap where OH does not divide H
    places  (N, C, OH, OW)   int32: where in its plane, counted row by row, each maximum was
"""
import numpy as np


def adaptive_max_pool2d(x, y, places):
    """y[n, c, i, j] = max of x over the window at (i, j); of equal maxima the first counts, and NaN exceeds any number."""
    for i, j, rows, columns in _windows(x, y):
        seen = x[:, :, rows, columns]
        height, width = seen.shape[2:]
        seen = seen.reshape(*seen.shape[:2], height * width)
        row, column = np.divmod(seen.argmax(axis=2), width)
        places[:, :, i, j] = (rows.start + row) * x.shape[3] + columns.start + column
        y[:, :, i, j] = seen.max(axis=2)


def adaptive_max_pool2d_grad_input(grad_y, places, grad_x):
    """Each grad_y[n, c, i, j] is added to grad_x where the maximum was."""
    grad_x[...] = 0
    image, channel = np.indices(grad_y.shape[:2])
    for i, j in np.ndindex(grad_y.shape[2:]):
        row, column = np.divmod(places[:, :, i, j], grad_x.shape[3])
        grad_x[image, channel, row, column] += grad_y[:, :, i, j]


def adaptive_avg_pool2d(x, y):
    """y[n, c, i, j] = mean of x over the window at (i, j)."""
    for i, j, rows, columns in _windows(x, y):
        y[:, :, i, j] = x[:, :, rows, columns].mean(axis=(2, 3))


def adaptive_avg_pool2d_grad_input(grad_y, grad_x):
    """Each grad_y[n, c, i, j] is shared out evenly over the window it was the mean of."""
    grad_x[...] = 0
    for i, j, rows, columns in _windows(grad_x, grad_y):
        count = (rows.stop - rows.start) * (columns.stop - columns.start)
        grad_x[:, :, rows, columns] += grad_y[:, :, i, j, None, None] / count


def _windows(x, y):
    """For each output position (i, j): its window."""
    for i, j in np.ndindex(y.shape[2:]):
        yield i, j, *(slice(number * size // windows, -((number + 1) * -size // windows))
                      for number, size, windows in zip((i, j), x.shape[2:], y.shape[2:]))
