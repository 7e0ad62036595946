"""Convolution by its definition: one filter tap at a time, in plain NumPy.

What the field calls a convolution is a cross-correlation: the filter is not flipped (Goodfellow et al., "Deep Learning",
section 9.1). A filter tap (r, k) sees the input through a strided window of the padded image, the same window in all three
functions: forward multiplies it with the weight, the input's gradient adds to it, the weight's gradient is its product with grad_y.

    x       (N, C, H, W)               input
    weight  (M, C / groups, R, K)      M filters; group g of them sees only channels g C/groups ... (g + 1) C/groups - 1
    bias    (M,) or None
    y       (N, M, OH, OW)             output; OH, OW as kernels.geometry.output_size
    stride, padding, dilation          pairs (rows, columns); padding is with zeros
"""
import numpy as np


def conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual=None, rectify=False, kept=None):
    """y[n, m, i, j] = bias[m] + sum over c, r, k of weight[m, c, r, k] xp[n, c, i s + r d, j s + k d], xp the padded x.

    residual  like y, or None: added to that
    rectify   whether numbers below 0 then become 0
    kept      a dictionary in which the kernel may leave what it has made of the weight and the bias, and finds it again in the next
              call with the same ones; None where they change from call to call
    """
    padded = _pad(x, padding)
    y[...] = 0 if bias is None else bias[:, None, None]
    for filters, channels in _groups(weight, groups):
        for row, column in np.ndindex(weight.shape[2:]):
            window = _window(padded[:, channels], y, row, column, stride, dilation)
            y[:, filters] += np.einsum("ncij,mc->nmij", window, weight[filters, :, row, column])
    if residual is not None:
        y += residual
    if rectify:
        np.maximum(y, 0, out=y)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups, kept=None):
    """grad_xp[n, c, i s + r d, j s + k d] = sum over all (m, r, k, i, j) that meet there of weight[m, c, r, k] grad_y[n, m, i, j];
    grad_x is grad_xp without its border. `kept` as of conv2d."""
    (top, left), (height, width) = padding, grad_x.shape[2:]
    padded = _pad(np.zeros_like(grad_x), padding)
    for filters, channels in _groups(weight, groups):
        for row, column in np.ndindex(weight.shape[2:]):
            window = _window(padded[:, channels], grad_y, row, column, stride, dilation)
            window += np.einsum("nmij,mc->ncij", grad_y[:, filters], weight[filters, :, row, column])
    grad_x[...] = padded[:, :, top:top + height, left:left + width]


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """grad_weight[m, c, r, k] = sum over n, i, j of grad_y[n, m, i, j] xp[n, c, i s + r d, j s + k d]."""
    padded = _pad(x, padding)
    for filters, channels in _groups(grad_weight, groups):
        for row, column in np.ndindex(grad_weight.shape[2:]):
            window = _window(padded[:, channels], grad_y, row, column, stride, dilation)
            grad_weight[filters, :, row, column] = np.einsum("nmij,ncij->mc", grad_y[:, filters], window)


def _pad(x, padding):
    (top, left) = padding
    return np.pad(x, ((0, 0), (0, 0), (top, top), (left, left)))


def _window(padded, y, row, column, stride, dilation):
    """The view of the padded image that filter tap (row, column) meets, one pixel for each output position."""
    (down, right), (height, width) = stride, y.shape[2:]
    first_row, first_column = row * dilation[0], column * dilation[1]
    return padded[:, :, first_row:first_row + height * down:down, first_column:first_column + width * right:right][:, :, :height, :width]


def _groups(weight, groups):
    """For each group: its filters and the input channels they see, as slices."""
    filters, channels = weight.shape[0] // groups, weight.shape[1]
    return [(slice(g * filters, (g + 1) * filters), slice(g * channels, (g + 1) * channels)) for g in range(groups)]
