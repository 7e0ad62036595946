"""Convolution, made differentiable."""
import math

from kernels.geometry import output_shape
from minicnn import arithmetic
from minicnn.autograd import Function
from minicnn.device import empty, kernels_for
from minicnn.functional import arguments


class Conv2d(Function):
    """Keeps the input for the gradient of the weight, and the weight for the gradient of the input."""

    def __init__(self, y_shape, stride, padding, dilation, groups):
        self.y_shape, self.geometry = y_shape, (stride, padding, dilation, groups)

    def forward(self, x, weight, bias=None):
        y = empty((len(x), len(weight), *self.y_shape), x.dtype)
        kernels_for(x).conv2d(x, weight, bias, y, *self.geometry)
        self.multiply_adds = y.size * math.prod(weight.shape[1:])
        self.x = x if self.needs_gradient[1] else None
        self.weight = weight if self.needs_gradient[0] else None
        return y

    def backward(self, gradient):
        kernels = kernels_for(gradient)
        needs_x, needs_weight, *needs_bias = self.needs_gradient
        grad_x = grad_weight = None
        if needs_x:
            grad_x = empty(self.input_shapes[0], gradient.dtype)
            kernels.conv2d_grad_input(gradient, self.weight, grad_x, *self.geometry)
        if needs_weight:
            grad_weight = empty(self.input_shapes[1], gradient.dtype)
            kernels.conv2d_grad_weight(gradient, self.x, grad_weight, *self.geometry)
        grad_bias = [arithmetic.sum(gradient, (0, 2, 3)).reshape(-1) if needed else None for needed in needs_bias]
        return grad_x, grad_weight, *grad_bias


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Convolution (cross-correlation) of images with filters, as torch.nn.functional.conv2d.

    x       (N, C, H, W)
    weight  (M, C / groups, R, K)    M filters; each of the `groups` shares of them sees its share of the channels
    bias    (M,) or None
    stride, padding, dilation        integers or pairs (rows, columns); padding is with zeros

    Returns (N, M, OH, OW), where OH = floor((H + 2 padding - dilation (R - 1) - 1) / stride) + 1, OW likewise. ValueError names
    the shapes that do not fit.
    """
    stride, padding = arguments.pair("conv2d", "stride", stride, 1), arguments.pair("conv2d", "padding", padding, 0)
    dilation = arguments.pair("conv2d", "dilation", dilation, 1)
    arguments.images("conv2d", x)
    if weight.ndim != 4:
        raise ValueError(f"conv2d: weight must have the shape (M, C / groups, R, K), not {weight.shape}")
    filters, channels = weight.shape[:2]
    if groups < 1 or filters % groups:
        raise ValueError(f"conv2d: weight {weight.shape} has {filters} filters, which do not split into {groups} groups")
    if channels * groups != x.shape[1]:
        times = f" x {groups} groups" if groups > 1 else ""
        raise ValueError(f"conv2d: weight {weight.shape} expects {channels}{times} input channels, "
                         f"but x {x.shape} has {x.shape[1]}")
    if bias is not None and bias.shape != (filters,):
        raise ValueError(f"conv2d: bias {bias.shape} must have one value for each of the {filters} filters "
                         f"of weight {weight.shape}")
    y_shape = output_shape(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    if min(y_shape) < 1:
        raise ValueError(f"conv2d: weight {weight.shape} with dilation {dilation} does not fit into x {x.shape} "
                         f"with padding {padding}")
    function = Conv2d(y_shape, stride, padding, dilation, groups)
    return function(x, weight) if bias is None else function(x, weight, bias)
