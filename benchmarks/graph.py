"""A library of layers that computes nothing: a network made of them, called once, is written down as a graph.

It has the names that benchmarks.networks uses of minicnn and PyTorch. What goes through the network is a Value, of which only the
shape is known. From a Graph the benchmarks know what a network's layers are and how much they compute, and onnxruntime gets it.
Layers are as in evaluation: Dropout does nothing.
"""
import contextlib
import math
import types
from typing import NamedTuple

import numpy as np

from kernels.geometry import output_size


class Graph:
    """What a network does with an input of this shape.

    nodes   a Node for each layer and operation, in the order in which they run
    input, output   Values
    """

    def __init__(self, network, shape):
        self.nodes = []
        self.input = Value(self, shape)
        self.output = network(self.input)

    def apply(self, kind, layer, inputs, shape):
        """Write down a node; returns its output, of this shape."""
        self.nodes.append(Node(kind, layer, inputs, Value(self, shape)))
        return self.nodes[-1].output

    def of_kind(self, *kinds):
        return [node for node in self.nodes if node.kind in kinds]


class Value:
    """A tensor that is not computed."""

    def __init__(self, graph, shape):
        self.graph, self.shape = graph, shape

    def __add__(self, other):
        return self.graph.apply("Add", None, (self, other), self.shape)


class Node(NamedTuple):
    """One layer or operation, applied once."""

    kind: str       # the layer's name, "Conv2d", or "Add", "Concat"
    layer: object   # with its settings and weights; None for what has none
    inputs: tuple   # Values
    output: Value

    @property
    def multiply_adds(self):
        """How many it takes by the definition: one for each output and each of the weights that lead there."""
        if self.kind not in ("Conv2d", "Linear"):
            return 0
        return math.prod(self.output.shape) * math.prod(self.layer.weights["weight"].shape[1:])


class Module:
    """As minicnn.nn.Module, as far as it is needed. A layer's weights are arrays in its attribute `weights`."""

    def __init__(self):
        self.weights = {}

    def __call__(self, *values):
        return self.forward(*values)

    def named_modules(self, prefix=""):
        yield prefix, self
        for name, child in vars(self).items():
            if isinstance(child, Module):
                yield from child.named_modules(f"{prefix}{name}.")

    def state_dict(self):
        return {prefix + name: array for prefix, module in self.named_modules() for name, array in module.weights.items()}

    def load_state_dict(self, state):
        for prefix, module in self.named_modules():
            module.weights = {name: state[prefix + name] for name in module.weights}

    def eval(self):
        return self


class _Layer(Module):
    """A module that is one node of the graph."""

    def _weights(self, **shapes):
        self.weights = {name: np.empty(shape, np.float32) for name, shape in shapes.items()}

    def forward(self, x):
        return x.graph.apply(type(self).__name__, self, (x,), self.output_shape(x.shape))

    def output_shape(self, shape):
        return shape


class Conv2d(_Layer):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, bias=True):
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self._weights(weight=(out_channels, in_channels, kernel_size, kernel_size), **{"bias": (out_channels,)} if bias else {})

    def output_shape(self, shape):
        sizes = (output_size(size, self.kernel_size, self.stride, self.padding) for size in shape[2:])
        return shape[0], len(self.weights["weight"]), *sizes


class MaxPool2d(_Layer):
    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False):
        super().__init__()
        self.kernel_size, self.stride, self.padding, self.ceil_mode = kernel_size, stride or kernel_size, padding, ceil_mode

    def output_shape(self, shape):
        return *shape[:2], *(self._output_size(size) for size in shape[2:])

    def _output_size(self, size):
        """With ceil_mode, a last window that is cut off counts too, if it begins on the image."""
        whole = output_size(size, self.kernel_size, self.stride, self.padding)
        return whole + (self.ceil_mode and whole * self.stride < size + self.padding
                        and (whole - 1) * self.stride + self.kernel_size < size + 2 * self.padding)


class AdaptiveAvgPool2d(_Layer):
    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def output_shape(self, shape):
        return *shape[:2], self.output_size, self.output_size


class Linear(_Layer):
    def __init__(self, in_features, out_features):
        self._weights(weight=(out_features, in_features), bias=(out_features,))

    def output_shape(self, shape):
        return shape[0], len(self.weights["weight"])


class BatchNorm2d(_Layer):
    def __init__(self, channels, eps=1e-5):
        self.eps = eps
        self._weights(weight=channels, bias=channels, running_mean=channels, running_var=channels)


class ReLU(_Layer):
    pass


class Dropout(_Layer):
    def __init__(self, p=0.5):
        super().__init__()

    def forward(self, x):
        return x


class Flatten(_Layer):
    def output_shape(self, shape):
        return shape[0], math.prod(shape[1:])


class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        for number, module in enumerate(modules):
            setattr(self, str(number), module)

    def forward(self, x):
        for name, module in list(vars(self).items()):
            if name != "weights":
                x = module(x)
        return x


def cat(values, dim):
    """Side by side, channel after channel."""
    channels = sum(value.shape[dim] for value in values)
    return values[0].graph.apply("Concat", None, tuple(values), (values[0].shape[0], channels, *values[0].shape[2:]))


nn = types.SimpleNamespace(AdaptiveAvgPool2d=AdaptiveAvgPool2d, BatchNorm2d=BatchNorm2d, Conv2d=Conv2d, Dropout=Dropout, Flatten=Flatten,
                           Linear=Linear, MaxPool2d=MaxPool2d, Module=Module, ReLU=ReLU, Sequential=Sequential)
tensor = np.asarray
no_grad = contextlib.nullcontext
