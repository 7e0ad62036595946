"""Layers: a function of minicnn.functional with its settings and, where it learns, its parameters. Names, defaults and initial
weights are PyTorch's."""
import math

import numpy as np

from minicnn import functional as F
from minicnn.functional import arguments
from minicnn.nn import init
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.tensor import Tensor


class _Weighted(Module):
    """A weight and, if wanted, a bias: uniform in +-1 / sqrt(fan_in), as in PyTorch (LeCun's variance, divided by 3)."""

    def _create(self, weight_shape, bias, outputs=None):
        self.weight = Parameter(Tensor(np.zeros(weight_shape, np.float32)))
        self.bias = Parameter(Tensor(np.zeros(outputs or weight_shape[0], np.float32))) if bias else None
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if bias:
            bound = 1 / math.sqrt(init.fans(self.weight)[0])
            init.uniform_(self.bias, -bound, bound)


class Conv2d(_Weighted):
    """Convolution of images (N, in_channels, H, W) with out_channels filters: see functional.conv2d."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True):
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"Conv2d: {in_channels} input and {out_channels} output channels do not split into {groups} groups")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = arguments.pair("Conv2d", "kernel_size", kernel_size, 1)
        self.stride = arguments.pair("Conv2d", "stride", stride, 1)
        self.padding = arguments.pair("Conv2d", "padding", padding, 0)
        self.dilation = arguments.pair("Conv2d", "dilation", dilation, 1)
        self._create((out_channels, in_channels // groups, *self.kernel_size), bias)

    def forward(self, x):
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self):
        settings = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        usual = {"padding": (0, 0), "dilation": (1, 1), "groups": 1}
        settings += [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return ", ".join(settings + ["bias=False"] * (self.bias is None))


class ConvTranspose2d(_Weighted):
    """Transposed convolution of images (N, in_channels, H, W): see functional.conv_transpose2d."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1):
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"ConvTranspose2d: {in_channels} input and {out_channels} output channels do not split into {groups} groups")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = arguments.pair("ConvTranspose2d", "kernel_size", kernel_size, 1)
        self.stride = arguments.pair("ConvTranspose2d", "stride", stride, 1)
        self.padding = arguments.pair("ConvTranspose2d", "padding", padding, 0)
        self.output_padding = arguments.pair("ConvTranspose2d", "output_padding", output_padding, 0)
        self.dilation = arguments.pair("ConvTranspose2d", "dilation", dilation, 1)
        self._create((in_channels, out_channels // groups, *self.kernel_size), bias, out_channels)

    def forward(self, x):
        return F.conv_transpose2d(x, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation)

    def extra_repr(self):
        settings = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        usual = {"padding": (0, 0), "output_padding": (0, 0), "dilation": (1, 1), "groups": 1}
        settings += [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return ", ".join(settings + ["bias=False"] * (self.bias is None))


class Linear(_Weighted):
    """Every output is a weighted sum of all inputs: (..., in_features) -> (..., out_features)."""

    def __init__(self, in_features, out_features, bias=True):
        self.in_features, self.out_features = in_features, out_features
        self._create((out_features, in_features), bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class MaxPool2d(Module):
    """See functional.max_pool2d."""

    def __init__(self, kernel_size, stride=None, padding=0, *, ceil_mode=False):
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode

    def forward(self, x):
        return F.max_pool2d(x, self.kernel_size, self.stride, self.padding, ceil_mode=self.ceil_mode)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, ceil_mode={self.ceil_mode}"


class AvgPool2d(Module):
    """See functional.avg_pool2d."""

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad

    def forward(self, x):
        return F.avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveMaxPool2d(Module):
    """See functional.adaptive_max_pool2d."""

    def __init__(self, output_size):
        self.output_size = output_size

    def forward(self, x):
        return F.adaptive_max_pool2d(x, self.output_size)

    def extra_repr(self):
        return f"output_size={self.output_size}"


class AdaptiveAvgPool2d(Module):
    """See functional.adaptive_avg_pool2d."""

    def __init__(self, output_size):
        self.output_size = output_size

    def forward(self, x):
        return F.adaptive_avg_pool2d(x, self.output_size)

    def extra_repr(self):
        return f"output_size={self.output_size}"


class Upsample(Module):
    """See functional.interpolate."""

    def __init__(self, size=None, scale_factor=None, mode="nearest", align_corners=None):
        self.size, self.scale_factor, self.mode, self.align_corners = size, scale_factor, mode, align_corners

    def forward(self, x):
        return F.interpolate(x, self.size, self.scale_factor, self.mode, self.align_corners)

    def extra_repr(self):
        target = f"scale_factor={self.scale_factor}" if self.size is None else f"size={self.size}"
        return f"{target}, mode={self.mode!r}"


class _Padding2d(Module):
    """A border around images, as wide all around as an integer says, or (left, right, top, bottom)."""

    _mode = "constant"

    def __init__(self, padding):
        self.padding = (padding,) * 4 if isinstance(padding, int) else tuple(padding)

    def forward(self, x):
        return F.pad(x, self.padding, self._mode)

    def extra_repr(self):
        return f"{self.padding}"


class ZeroPad2d(_Padding2d):
    """A border of zeros. padding: an integer, or (left, right, top, bottom)."""


class ReflectionPad2d(_Padding2d):
    """A border that mirrors the image at its edge, which is not repeated. padding: an integer, or (left, right, top, bottom)."""

    _mode = "reflect"


class ReplicationPad2d(_Padding2d):
    """A border that repeats the pixels at the edge. padding: an integer, or (left, right, top, bottom)."""

    _mode = "replicate"


class CircularPad2d(_Padding2d):
    """A border that shows the image again from its other side. padding: an integer, or (left, right, top, bottom)."""

    _mode = "circular"


class ReLU(Module):
    def forward(self, x):
        return F.relu(x)


class LeakyReLU(Module):
    """See functional.leaky_relu."""

    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    def forward(self, x):
        return F.leaky_relu(x, self.negative_slope)

    def extra_repr(self):
        return f"negative_slope={self.negative_slope}"


class Tanh(Module):
    def forward(self, x):
        return F.tanh(x)


class Sigmoid(Module):
    def forward(self, x):
        return F.sigmoid(x)


class Softmax(Module):
    """Probabilities along axis `dim`."""

    def __init__(self, dim):
        self.dim = dim

    def forward(self, x):
        return F.softmax(x, self.dim)

    def extra_repr(self):
        return f"dim={self.dim}"


class Flatten(Module):
    """Axes start_dim ... end_dim as one; by default all but the batch."""

    def __init__(self, start_dim=1, end_dim=-1):
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x):
        return F.flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self):
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Dropout(Module):
    """Drops values with probability p in training, and nothing in evaluation."""

    def __init__(self, p=0.5):
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p must be a probability between 0 and 1, not {p}")
        self.p = p

    def forward(self, x):
        return F.dropout(x, self.p, self.training)

    def extra_repr(self):
        return f"p={self.p}"


class CrossEntropyLoss(Module):
    """See functional.cross_entropy."""

    def __init__(self, *, ignore_index=-100, reduction="mean", label_smoothing=0.0):
        self.ignore_index, self.reduction, self.label_smoothing = ignore_index, reduction, label_smoothing

    def forward(self, logits, labels):
        return F.cross_entropy(logits, labels, ignore_index=self.ignore_index, reduction=self.reduction,
                               label_smoothing=self.label_smoothing)
