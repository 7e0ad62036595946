"""Convolutions: layers of the lecture's networks, forward and both gradients."""
from typing import NamedTuple

from benchmarks.cases.case import FORWARD, GRAD_INPUT, GRAD_WEIGHT, Case, float_bytes, forward, gradient
from kernels.geometry import output_size


class Layer(NamedTuple):
    """A convolution of square images with square filters."""

    name: str
    channels: int
    filters: int
    size: int          # of the image
    kernel_size: int
    stride: int = 1
    padding: int = 0
    batches: tuple = (1, 16)
    quick: int = 0     # the batch that is measured also without --full; 0 for none


LAYERS = [
    Layer("LeNet conv1", 1, 6, 28, 5, padding=2, batches=(1, 64), quick=64),
    Layer("LeNet conv2", 6, 16, 14, 5, batches=(1, 64), quick=64),
    Layer("AlexNet conv1", 3, 64, 224, 11, stride=4, padding=2, quick=1),
    Layer("VGG conv1_2", 64, 64, 224, 3, padding=1, batches=(1,)),
    Layer("VGG conv3_2", 256, 256, 56, 3, padding=1, quick=1),
    Layer("VGG conv5", 512, 512, 14, 3, padding=1),
    Layer("ResNet conv1", 3, 64, 224, 7, stride=2, padding=3),
    Layer("ResNet stage 1", 64, 64, 56, 3, padding=1, quick=1),
    Layer("ResNet-50 reduce", 256, 64, 56, 1, quick=1),
    Layer("ResNet-50 expand", 64, 256, 56, 1),
    Layer("ResNet down", 128, 128, 56, 3, stride=2, padding=1, quick=1),
]


def layer_cases(layer, batch):
    """The three passes of a layer at a batch size."""
    def convolve(F, x, weight):
        return F.conv2d(x, weight, None, layer.stride, layer.padding)

    size = output_size(layer.size, layer.kernel_size, layer.stride, layer.padding)
    x = batch, layer.channels, layer.size, layer.size
    weight = layer.filters, layer.channels, layer.kernel_size, layer.kernel_size
    y = batch, layer.filters, size, size
    stride = f" stride {layer.stride}" * (layer.stride > 1)
    subject = (f"{layer.name}: {layer.channels} to {layer.filters}, {layer.kernel_size}x{layer.kernel_size}{stride} "
               f"on {layer.size}x{layer.size}, batch {batch}")
    passes = {FORWARD: forward(convolve, x, weight), GRAD_INPUT: gradient(convolve, x, weight, of=0),
              GRAD_WEIGHT: gradient(convolve, x, weight, of=1)}
    multiply_adds = batch * size ** 2 * layer.filters * layer.channels * layer.kernel_size ** 2
    return [Case("convolution", subject, aspect, prepare, multiply_adds, float_bytes(x, weight, y), quick=batch == layer.quick)
            for aspect, prepare in passes.items()]


CASES = [case for layer in LAYERS for batch in layer.batches for case in layer_cases(layer, batch)]
