"""Features: what the maps of a layer hold for one image, and the depth column at a place in it."""
from typing import NamedTuple

import numpy as np

from minicnn.autograd import no_grad
from minicnn.visualize import layers


@no_grad()
def maps(model, x, chosen):
    """What each of the layers.Layers makes of one image, a Tensor (1, C, H, W): a list of arrays (C, H, W) or (K,)."""
    return [output.cpu().numpy()[0] for output in layers.outputs(model, x, chosen)]


def most_active(output, count):
    """The numbers of at most so many maps out of (C, H, W) or (K,), the one with the highest activation first; none that is all 0."""
    highest = output.reshape(len(output), -1).max(1)
    order = np.argsort(-highest, kind="stable")[:count]
    return [int(channel) for channel in order if highest[channel] > 0]


class Column(NamedTuple):
    """A depth column: what all the maps of a layer hold at one position. All these units see the same pixels."""

    layer: layers.Layer
    position: tuple           # row and column in the maps
    seen: tuple               # what the units see: top, left, bottom, right; it may reach beyond the edges
    activations: np.ndarray   # (C,)


def depth_columns(model, x, chosen, pixel):
    """The Column of each layer whose receptive field has its middle nearest to a pixel (row, column) of an image (1, C, H, W)."""
    columns = []
    for layer, output in zip(chosen, maps(model, x, chosen)):
        position = layer.unit_above(*pixel)
        columns.append(Column(layer, position, layer.seen_from(*position), output[:, position[0], position[1]]))
    return columns
