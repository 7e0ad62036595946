"""Pooling, made differentiable."""
import numpy as np

from kernels.geometry import Window, output_size
from minicnn.autograd import Function
from minicnn.device import empty, kernels_for
from minicnn.functional import arguments

MOST_POSITIONS = 256   # in a window whose maximum is wanted: one byte tells where it is


class MaxPool2d(Function):
    """Keeps for each output where in its window the maximum was: one byte, and not the input."""

    def __init__(self, y_shape, window, stride, padding):
        self.y_shape, self.geometry = y_shape, (window, stride, padding)

    @property
    def windows(self):
        return tuple(map(Window, *self.geometry))

    def forward(self, x):
        y = empty(x, (*x.shape[:2], *self.y_shape))
        self.switches = empty(y, dtype=np.uint8)
        kernels_for(x).max_pool2d(x, y, self.switches, *self.geometry)
        return y

    def backward(self, gradient):
        grad_x = empty(gradient, self.input_shapes[0])
        kernels_for(gradient).max_pool2d_grad_input(gradient, self.switches, grad_x, *self.geometry)
        return (grad_x,)


class AvgPool2d(Function):
    """Keeps the input's shape only."""

    def __init__(self, y_shape, window, stride, padding, count_include_pad):
        self.y_shape, self.geometry, self.count_include_pad = y_shape, (window, stride, padding), count_include_pad

    @property
    def windows(self):
        return tuple(map(Window, *self.geometry))

    def forward(self, x):
        y = empty(x, (*x.shape[:2], *self.y_shape))
        kernels_for(x).avg_pool2d(x, y, *self.geometry, self.count_include_pad)
        return y

    def backward(self, gradient):
        grad_x = empty(gradient, self.input_shapes[0])
        kernels_for(gradient).avg_pool2d_grad_input(gradient, grad_x, *self.geometry, self.count_include_pad)
        return (grad_x,)


def max_pool2d(x, kernel_size, stride=None, padding=0, *, ceil_mode=False):
    """The largest value in each window: (N, C, H, W) -> (N, C, OH, OW), as torch.nn.functional.max_pool2d.

    kernel_size, stride, padding  integers or pairs (rows, columns); the stride is the kernel size unless given. What lies
                                  outside the image counts as -inf; padding is at most half the kernel size.
    ceil_mode                     let a last window hang over the right and lower edge instead of leaving pixels unseen

    The gradient goes to the first maximum of a window. At most 256 positions to a window (`adaptive_max_pool2d`
    has no such limit).
    """
    geometry = _geometry("max_pool2d", x, kernel_size, stride, padding, ceil_mode)
    rows, columns = geometry[1]
    if rows * columns > MOST_POSITIONS:
        raise ValueError(f"max_pool2d: kernel_size {geometry[1]} has more than {MOST_POSITIONS} positions; "
                         "adaptive_max_pool2d(x, 1) pools over whole images")
    return MaxPool2d(*geometry)(x)


def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """The mean of each window: (N, C, H, W) -> (N, C, OH, OW), as torch.nn.functional.avg_pool2d.

    kernel_size, stride, padding  integers or pairs (rows, columns); the stride is the kernel size unless given. Padding is with
                                  zeros, and at most half the kernel size.
    ceil_mode                     let a last window hang over the right and lower edge instead of leaving pixels unseen; what
                                  is beyond the padding never counts
    count_include_pad             divide by the size of the window; False: by the number of its pixels inside the image
    """
    return AvgPool2d(*_geometry("avg_pool2d", x, kernel_size, stride, padding, ceil_mode), count_include_pad)(x)


def _geometry(function, x, kernel_size, stride, padding, ceil_mode):
    """(OH, OW), window, stride and padding as pairs; ValueError if they do not fit x."""
    arguments.images(function, x)
    window = arguments.pair(function, "kernel_size", kernel_size, 1)
    stride = window if stride is None else arguments.pair(function, "stride", stride, 1)
    padding = arguments.pair(function, "padding", padding, 0)
    if 2 * padding[0] > window[0] or 2 * padding[1] > window[1]:
        raise ValueError(f"{function}: padding {padding} is more than half of kernel_size {window}, "
                         "so some windows would see nothing but padding")
    y_shape = tuple(map(_output_size_ceil if ceil_mode else output_size, x.shape[2:], window, stride, padding))
    if min(y_shape) < 1:
        raise ValueError(f"{function}: kernel_size {window} does not fit into x {x.shape} with padding {padding}")
    return y_shape, window, stride, padding


def _output_size_ceil(size, window, stride, padding):
    """Windows may hang over the far edge, but each begins in the image or its near padding."""
    windows = -(-(size + 2 * padding - window) // stride) + 1
    return windows - 1 if (windows - 1) * stride >= size + padding else windows
