"""Convolutions: all layers of the lecture's networks, forward and both gradients."""
from typing import NamedTuple

from benchmarks import networks
from benchmarks.cases.case import (
    FORWARD, GRAD_INPUT, GRAD_WEIGHT, TWO_LAYOUTS_AND_ERRORS, Case, float_bytes, forward, gradient,
)
from kernels.geometry import output_size


class Layer(NamedTuple):
    """A convolution of square images with square filters."""

    channels: int
    filters: int
    size: int          # of the image
    kernel_size: int
    stride: int = 1
    padding: int = 0


_NETWORKS = (networks.LENET, networks.ALEXNET, networks.VGG16, networks.GOOGLENET, networks.RESNET18, networks.RESNET50)
_BATCHES = 1, 16
_LENET_BATCHES = 1, 64

# Those that are measured also without --full, with the batch: something of every kind.
QUICK = {
    Layer(6, 16, 14, 5): 64,
    Layer(3, 64, 224, 11, stride=4, padding=2): 1,
    Layer(3, 64, 224, 7, stride=2, padding=3): 1,
    Layer(256, 256, 56, 3, padding=1): 1,
    Layer(64, 64, 56, 3, padding=1): 1,
    Layer(256, 64, 56, 1): 1,
    Layer(128, 128, 56, 3, stride=2, padding=1): 1,
}


def layers_of(network):
    """The convolutions of a network, each kind once."""
    return dict.fromkeys(_layer(node) for node in network.graph().of_kind("Conv2d"))


def _layer(node):
    _, channels, size, _ = node.inputs[0].shape
    return Layer(channels, node.output.shape[1], size, node.layer.kernel_size, node.layer.stride, node.layer.padding)


def _users():
    """{layer: the networks that have it}."""
    users = {}
    for network in _NETWORKS:
        for layer in layers_of(network):
            users.setdefault(layer, []).append(network)
    return users


def layer_cases(layer, users, batch):
    """The three passes of a layer at a batch size."""
    def convolve(F, x, weight):
        return F.conv2d(x, weight, None, layer.stride, layer.padding)

    size = output_size(layer.size, layer.kernel_size, layer.stride, layer.padding)
    x = batch, layer.channels, layer.size, layer.size
    weight = layer.filters, layer.channels, layer.kernel_size, layer.kernel_size
    y = batch, layer.filters, size, size
    stride = f" stride {layer.stride}" * (layer.stride > 1)
    subject = (f"{', '.join(network.name for network in users)}: {layer.channels} to {layer.filters}, "
               f"{layer.kernel_size}x{layer.kernel_size}{stride} on {layer.size}x{layer.size}, batch {batch}")
    passes = {FORWARD: forward(convolve, x, weight), GRAD_INPUT: gradient(convolve, x, weight, of=0),
              GRAD_WEIGHT: gradient(convolve, x, weight, of=1)}
    multiply_adds = batch * size ** 2 * layer.filters * layer.channels * layer.kernel_size ** 2
    geometry = x, weight, (layer.stride,) * 2, (layer.padding,) * 2, (1, 1), 1
    return [Case("convolution", subject, aspect, prepare, multiply_adds, float_bytes(x, weight, y), quick=batch == QUICK.get(layer),
                 others=TWO_LAYOUTS_AND_ERRORS, geometry=geometry)
            for aspect, prepare in passes.items()]


CASES = [case for layer, users in _users().items() for batch in (_LENET_BATCHES if networks.LENET in users else _BATCHES)
         for case in layer_cases(layer, users, batch)]
