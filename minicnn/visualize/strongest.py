"""The images, among many, to which units of a layer answer most, and the patches of these that the units see.

M. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section 4 and Figure 2: the nine strongest
activations of a feature map over a data set. Every unit of a map has the same weights, so of each image the map's maximum counts, and
the patch is its unit's receptive field.
"""
import itertools
from typing import NamedTuple

import numpy as np

from minicnn.autograd import no_grad
from minicnn.tensor import Tensor
from minicnn.visualize import layers
from minicnn.visualize.crops import Crop

_CELLS = 3   # along each side of a photograph: from each of these nine parts comes at most one patch


class Strong(NamedTuple):
    """One of a map's strongest activations."""

    activation: float
    position: tuple    # row and column in the map
    seen: tuple        # the receptive field: top, left, bottom, right, in pixels of x; it may reach beyond the edges
    x: np.ndarray      # (C, H, W): the image, as the network takes it
    source: object     # the photograph that x is a Crop of; else the number of the image, counted from 0


@no_grad()
def strongest(model, maps, images, count=9, batch_size=16):
    """The `count` strongest activations of each map, or fewer if there are not so many images: a list of lists of Strong, falling.

    maps    pairs (layers.Layer, number of the channel), of any layers
    images  any iterable of arrays (C, H, W) of one size, as the network takes them, or of crops.Crops; it is gone through once

    Each image counts once, with the map's maximum. Crops of one photograph overlap, and show the same thing at several scales: of those
    whose patches have their middle in the same ninth of it, the strongest counts. No more than a batch and `count` images for each map
    are kept. Activations of 0 are none.
    """
    for layer, channel in maps:
        layer.check(channel)
    wanted = list(dict.fromkeys(layer for layer, _ in maps))
    best = [_Best(count) for _ in maps]
    where = next((parameter.device for parameter in model.parameters()), "cpu")
    numbers = itertools.count()
    for batch in _batches(images, batch_size):
        x = Tensor(np.stack([_array(image) for image in batch])).to(where)
        found = dict(zip(wanted, map(_maxima, layers.outputs(model, x, wanted))))
        for place, (image, number) in enumerate(zip(batch, numbers)):
            for (layer, channel), kept in zip(maps, best):
                values, positions = found[layer]
                kept.offer(*_strong(layer, float(values[place, channel]), tuple(positions[place, channel].tolist()), image, number))
    return [kept.falling() for kept in best]


def _batches(images, size):
    images = iter(images)
    while batch := list(itertools.islice(images, size)):
        yield batch


def _array(image):
    return image.x if isinstance(image, Crop) else image


def _maxima(output):
    """Of a layer's output (N, C, H, W), or (N, K): the maximum of each map (N, C), and its row and column (N, C, 2), on the host."""
    units = output.reshape(*output.shape[:2], -1)
    width = output.shape[3] if output.ndim == 4 else 1
    return units.amax(2).cpu().numpy(), np.stack(np.divmod(units.argmax(2).cpu().numpy(), width), 2)


def _strong(layer, activation, position, image, number):
    """The Strong, and what only one may come from."""
    seen = layer.seen_from(*position)
    if not isinstance(image, Crop):
        return number, Strong(activation, position, seen, image, number)
    cell = tuple(min(max(int(share * _CELLS), 0), _CELLS - 1) for share in image.centre(seen))
    return (image.source, cell), Strong(activation, position, seen, image.x, image.source)


class _Best:
    """The strongest of each of at most `count` origins.

    An origin that was dropped had `count` stronger ones above it, which can only have risen since: so what is kept in the end are the
    strongest of all, in whatever order they came.
    """

    def __init__(self, count):
        self.count, self.kept = count, {}   # by origin

    def offer(self, origin, strong):
        before = self.kept.get(origin)
        if not strong.activation or (before is not None and strong.activation <= before.activation):
            return
        self.kept[origin] = strong
        if len(self.kept) > self.count:
            del self.kept[min(self.kept, key=lambda origin: self.kept[origin].activation)]

    def falling(self):
        return sorted(self.kept.values(), key=lambda strong: -strong.activation)
