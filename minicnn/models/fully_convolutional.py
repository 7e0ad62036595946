"""Fully connected layers applied at every position of a larger image, as convolutions.

A layer that sees maps of (C, rows, columns) as C rows columns numbers is a convolution with kernels of that size; the layers after it are
convolutions of 1 x 1. So a network for images of one size becomes one for any larger size, whose output is a map of scores.

Sermanet et al., "OverFeat: integrated recognition, localization and detection using convolutional networks" (ICLR 2014), section 3.5;
Long, Shelhamer & Darrell, "Fully convolutional networks for semantic segmentation" (CVPR 2015), section 3.1.
"""
from minicnn import functional as F
from minicnn.nn import Linear


def score_map(maps, layers, size):
    """Maps (N, C, H, W) -> scores (N, classes, H - rows + 1, W - columns + 1).

    layers  modules that follow the maps once they are flattened: Linear ones, and others that act value by value
    size    (rows, columns) of the maps that the first Linear layer expects
    """
    for layer in layers:
        if isinstance(layer, Linear):
            kernels = layer.weight.reshape(layer.out_features, maps.shape[1], *size)
            maps, size = F.conv2d(maps, kernels, layer.bias), (1, 1)
        else:
            maps = layer(maps)
    return maps
