"""Convolution, made differentiable."""
import math

from kernels.geometry import Window, output_shape, transposed_output_size, transposed_window
from minicnn import arithmetic
from minicnn.autograd import Function
from minicnn.device import empty, kernels_for
from minicnn.functional import arguments
from minicnn.functional.activation import rectified_gradient
from minicnn.functional.epilogue import WithEpilogue
from minicnn.functional.normalization import BatchNorm
from minicnn.memory import kept_for


class Conv2d(WithEpilogue):
    """Keeps the input for the gradient of the weight, and the weight for the gradient of the input; its output if it is rectified.

    Batch normalisation in evaluation may follow, and goes into the filters. Inputs are x, weight, bias if `biased`, the weight and bias
    of the normalisation, and the residual.
    """

    normalization = None   # the BatchNorm that follows

    def __init__(self, y_shape, geometry, biased):
        self.y_shape, self.geometry, self.biased = y_shape, geometry, biased

    @property
    def windows(self):
        stride, padding, dilation, _ = self.geometry
        return tuple(map(Window, self.input_shapes[1][2:], stride, padding, dilation))

    def output_shape(self, x, weight, *others):
        return (x.shape[0], weight.shape[0], *self.y_shape)

    def followed_by(self, function, own_inputs, inputs, recording):
        if not isinstance(function, BatchNorm):
            return super().followed_by(function, own_inputs, inputs, recording)
        both = own_inputs + inputs[1:]
        learning = recording and any(tensor.requires_grad for tensor in both)
        if function.training or learning or self.residual or self.rectify or self.normalization:
            return None
        return self._changed(normalization=function, state=function.state), both

    def forward(self, x, weight, *others):
        others = list(others)
        residual = others.pop() if self.residual else None
        bias = others.pop(0) if self.biased else None
        learned = self.tensors[1:len(self.tensors) - self.residual]
        kept = None if any(self.needs_gradient[1:]) else kept_for(*learned, *self.state)
        if self.normalization is not None:
            weight, bias = self._normalized(kept, weight, bias, *others)
        y = empty(x, (len(x), len(weight), *self.y_shape))
        kernels_for(x).conv2d(x, weight, bias, y, *self.geometry, residual, self.rectify, kept)
        self.multiply_adds = y.size * math.prod(weight.shape[1:])
        self.x = x if self.needs_gradient[1] else None
        self.weight, self.kept = (weight, kept) if self.needs_gradient[0] else (None, None)
        self.y = y if self.rectify and any(self.needs_gradient) else None
        return y

    def _normalized(self, kept, weight, bias, *parameters):
        """Filters and biases that normalise as well."""
        if kept is not None and "normalized" in kept:
            return kept["normalized"]
        scale, shift = self.normalization.scale_and_shift(*parameters)
        weight = arithmetic.multiply(weight, scale.reshape(-1, 1, 1, 1))
        bias = shift if bias is None else arithmetic.add(arithmetic.multiply(bias, scale), shift)
        if kept is not None:
            kept["normalized"] = weight, bias
        return weight, bias

    def backward(self, gradient):
        kernels = kernels_for(gradient)
        needs_x, needs_weight, *needs_others = self.needs_gradient
        if self.rectify:
            gradient = rectified_gradient(gradient, self.y)
        grad_x = grad_weight = None
        if needs_x:
            grad_x = empty(gradient, self.input_shapes[0])
            kernels.conv2d_grad_input(gradient, self.weight, grad_x, *self.geometry, self.kept)
        if needs_weight:
            grad_weight = empty(gradient, self.input_shapes[1])
            kernels.conv2d_grad_weight(gradient, self.x, grad_weight, *self.geometry)
        grad_others = [None] * len(needs_others)
        if self.biased and needs_others[0]:
            grad_others[0] = arithmetic.sum(gradient, (0, 2, 3)).reshape(-1)
        if self.residual and needs_others[-1]:
            grad_others[-1] = gradient
        return grad_x, grad_weight, *grad_others


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
    function = Conv2d(y_shape, (stride, padding, dilation, groups), biased=bias is not None)
    return function(x, weight) if bias is None else function(x, weight, bias)


class ConvTranspose2d(Function):
    """The input's gradient of a convolution, run forwards, so its own gradients are a convolution and that one's weight gradient.

    Keeps the input for the gradient of the weight, and the weight for the gradient of the input.
    """

    def __init__(self, y_shape, stride, padding, dilation, groups):
        self.y_shape, self.geometry = y_shape, (stride, padding, dilation, groups)

    @property
    def windows(self):
        stride, padding, dilation, _ = self.geometry
        return tuple(map(transposed_window, self.input_shapes[1][2:], stride, padding, dilation))

    def forward(self, x, weight, bias=None):
        y = empty(x, self.y_shape)
        kernels_for(x).conv2d_grad_input(x, weight, y, *self.geometry)
        self.multiply_adds = x.size * math.prod(weight.shape[1:])
        self.x = x if self.needs_gradient[1] else None
        self.weight = weight if self.needs_gradient[0] else None
        return y if bias is None else arithmetic.add(y, bias.reshape(-1, 1, 1))

    def backward(self, gradient):
        kernels = kernels_for(gradient)
        needs_x, needs_weight, *needs_bias = self.needs_gradient
        grad_x = grad_weight = None
        if needs_x:
            grad_x = empty(gradient, self.input_shapes[0])
            kernels.conv2d(gradient, self.weight, None, grad_x, *self.geometry)
        if needs_weight:
            grad_weight = empty(gradient, self.input_shapes[1])
            kernels.conv2d_grad_weight(self.x, gradient, grad_weight, *self.geometry)
        grad_bias = [arithmetic.sum(gradient, (0, 2, 3)).reshape(-1) if needed else None for needed in needs_bias]
        return grad_x, grad_weight, *grad_bias


def conv_transpose2d(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Transposed convolution: each pixel of x stamps a filter, weighted, into a larger image. As torch.nn.functional.conv_transpose2d.

    x       (N, C, H, W)
    weight  (C, M / groups, R, K)    one filter for each channel of x; each of the `groups` shares of them makes its share of outputs
    bias    (M,) or None
    stride, padding, dilation        integers or pairs (rows, columns), those of the convolution that leads back: padding is cut off
    output_padding                   how much longer the output is at its far end; less than the stride or the dilation

    Returns (N, M, OH, OW), where OH = stride (H - 1) - 2 padding + dilation (R - 1) + 1 + output_padding, OW likewise. ValueError
    names the shapes that do not fit.
    """
    name = "conv_transpose2d"
    stride, dilation = arguments.pair(name, "stride", stride, 1), arguments.pair(name, "dilation", dilation, 1)
    padding, output_padding = arguments.pair(name, "padding", padding, 0), arguments.pair(name, "output_padding", output_padding, 0)
    arguments.images(name, x)
    if weight.ndim != 4:
        raise ValueError(f"{name}: weight must have the shape (C, M / groups, R, K), not {weight.shape}")
    if groups < 1 or weight.shape[0] % groups:
        raise ValueError(f"{name}: weight {weight.shape} is for {weight.shape[0]} channels, which do not split into {groups} groups")
    if weight.shape[0] != x.shape[1]:
        raise ValueError(f"{name}: weight {weight.shape} expects {weight.shape[0]} input channels, but x {x.shape} has {x.shape[1]}")
    filters = weight.shape[1] * groups
    if bias is not None and bias.shape != (filters,):
        raise ValueError(f"{name}: bias {bias.shape} must have one value for each of the {filters} output channels")
    if any(more >= max(s, d) for more, s, d in zip(output_padding, stride, dilation)):
        raise ValueError(f"{name}: output_padding {output_padding} must be less than stride {stride} or dilation {dilation}")
    size = tuple(map(transposed_output_size, x.shape[2:], weight.shape[2:], stride, padding, output_padding, dilation))
    if min(size) < 1:
        raise ValueError(f"{name}: padding {padding} leaves nothing of what x {x.shape} makes with weight {weight.shape}")
    function = ConvTranspose2d((x.shape[0], filters, *size), stride, padding, dilation, groups)
    return function(x, weight) if bias is None else function(x, weight, bias)
