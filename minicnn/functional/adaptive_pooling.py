"""Adaptive pooling, made differentiable: the size of the output is given, not that of the windows."""
import operator

import numpy as np

from kernels.geometry import adaptive_window
from minicnn.autograd import Function
from minicnn.device import empty, kernels_for
from minicnn.functional import arguments
from minicnn.functional.pooling import MOST_POSITIONS, AvgPool2d, MaxPool2d


class AdaptiveMaxPool2d(Function):
    """Keeps for each output where in its plane the maximum was, and not the input."""

    def __init__(self, y_shape):
        self.y_shape = y_shape

    @property
    def windows(self):
        return tuple(map(adaptive_window, self.input_shapes[0][2:], self.y_shape))

    def forward(self, x):
        y = empty(x, (*x.shape[:2], *self.y_shape))
        self.places = empty(y, dtype=np.int32)
        kernels_for(x).adaptive_max_pool2d(x, y, self.places)
        return y

    def backward(self, gradient):
        grad_x = empty(gradient, self.input_shapes[0])
        kernels_for(gradient).adaptive_max_pool2d_grad_input(gradient, self.places, grad_x)
        return (grad_x,)


class AdaptiveAvgPool2d(Function):
    """Keeps the input's shape only."""

    def __init__(self, y_shape):
        self.y_shape = y_shape

    @property
    def windows(self):
        return tuple(map(adaptive_window, self.input_shapes[0][2:], self.y_shape))

    def forward(self, x):
        y = empty(x, (*x.shape[:2], *self.y_shape))
        kernels_for(x).adaptive_avg_pool2d(x, y)
        return y

    def backward(self, gradient):
        grad_x = empty(gradient, self.input_shapes[0])
        kernels_for(gradient).adaptive_avg_pool2d_grad_input(gradient, grad_x)
        return (grad_x,)


def adaptive_max_pool2d(x, output_size):
    """The largest value in each of OH x OW windows that cover the image: (N, C, H, W) -> (N, C, OH, OW), as
    torch.nn.functional.adaptive_max_pool2d.

    output_size  an integer or a pair (OH, OW); None stands for the size that the image has

    Windows differ in size by one pixel or two, and overlap, where OH does not divide H. The gradient goes to the first maximum of a
    window. An image that has the size already is passed on as it is.
    """
    size, window = _geometry("adaptive_max_pool2d", x, output_size)
    if size == x.shape[2:]:
        return x
    if window and window[0] * window[1] <= MOST_POSITIONS:
        return MaxPool2d(size, window, window, (0, 0))(x)
    return AdaptiveMaxPool2d(size)(x)


def adaptive_avg_pool2d(x, output_size):
    """The mean of each of OH x OW windows that cover the image: (N, C, H, W) -> (N, C, OH, OW), as
    torch.nn.functional.adaptive_avg_pool2d.

    output_size  an integer or a pair (OH, OW); None stands for the size that the image has; 1 means the mean of whole images,
                 the global average pooling of Lin, Chen & Yan, "Network In Network" (ICLR 2014)

    Windows differ in size by one pixel or two, and overlap, where OH does not divide H. An image that has the size already is passed on
    as it is.
    """
    size, window = _geometry("adaptive_avg_pool2d", x, output_size)
    if size == x.shape[2:]:
        return x
    if window:
        return AvgPool2d(size, window, window, (0, 0), True)(x)
    return AdaptiveAvgPool2d(size)(x)


def _geometry(function, x, output_size):
    """(OH, OW); and the size of the windows where all are of one size, side by side: None where they are not."""
    arguments.images(function, x)
    height, width = x.shape[2:]
    wanted = output_size if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    try:
        rows, columns = (given if one is None else operator.index(one) for one, given in zip(wanted, (height, width), strict=True))
    except (TypeError, ValueError):
        raise TypeError(f"{function}: output_size must be an integer or a pair of integers, None for the size of x, "
                        f"not {output_size!r}") from None
    if rows < 1 or columns < 1:
        raise ValueError(f"{function}: output_size must be at least 1, not {output_size!r}")
    if not height or not width:
        raise ValueError(f"{function}: x {x.shape} has no pixels")
    return (rows, columns), None if height % rows or width % columns else (height // rows, width // columns)
