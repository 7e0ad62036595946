"""The layers of a network by name, and what one of them makes of images.

What a layer is, minicnn/models/layers.py says: a convolution with the ReLU that follows it is one, and so is a pooling. Its name is that
of the module which computes it ("features.0"), or the paper's where the network knows that ("conv1"); of what no module computes, that of
the function ("MaxPool2d"). The name of a module that has several layers inside, such as "layer1" or "fire9", stands for the last of them,
and "scores" for what the network returns.
"""
import contextlib
import difflib
import itertools
import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from minicnn.errors import InputError
from minicnn.models.layers import ReceptiveFields, follow, overhear
from minicnn.tensor import Tensor

SCORES = "scores"


class Layer(NamedTuple):
    """A layer of one network, as `find` and `every` give it."""

    name: str
    place: int      # of the function that ends it, among those that the image meets
    shape: tuple    # (C, H, W), or (K,), of its output for an image of the network's usual size
    fields: tuple   # kernels.geometry.ReceptiveField of a unit, for rows and columns

    @property
    def has_maps(self):
        return len(self.shape) == 3 and self.shape[1] * self.shape[2] > 1

    def check(self, channel, position=None):
        """InputError if it has no such channel (counted from 0), or its maps no such position, a row and a column."""
        if not 0 <= channel < self.shape[0]:
            raise InputError(f"layer {self.name!r} has channels 0 to {self.shape[0] - 1}, and no channel {channel}")
        if position and not all(0 <= place < size for place, size in zip(position, self.shape[1:])):
            raise InputError(f"the maps of layer {self.name!r} are {self.shape[1]} x {self.shape[2]} pixels, counted from 0, "
                             f"and have none at {position}")

    def seen_from(self, row, column):
        """The pixels that the unit at this position depends on: (top, left, bottom, right), the last two exclusive. They may lie beyond
        the image, where its padding is."""
        starts = [field.offset + place * field.stride for field, place in zip(self.fields, (row, column))]
        ends = [start + field.size for field, start in zip(self.fields, starts)]
        return (*map(math.floor, starts), *map(math.ceil, ends))

    def unit_above(self, row, column):
        """The position of the unit whose receptive field has its middle nearest to a pixel. InputError if there are no maps."""
        if len(self.shape) != 3:
            raise InputError(f"layer {self.name!r} gives {self.shape[0]} numbers and no maps, so none of its units is above a pixel")
        return tuple(map(_nearest, (row, column), self.fields, self.shape[1:]))


def _nearest(pixel, field, units):
    if not field.stride:   # all see the same
        return 0
    return min(max(round((pixel - field.offset - Fraction(field.size - 1) / 2) / field.stride), 0), units - 1)


def every(model, input_shape=None):
    """All Layers, in order.

    input_shape  (C, H, W) of an image; None for what the network is made for
    """
    return Listing(model, input_shape).layers()


def several(model, count, input_shape=None):
    """About so many Layers that have maps, from low to high, at even distances: of those that the paper names, if the network knows
    them, else of those that are not inside another one, as a convolution is inside a residual block; the scores of classes are left
    out."""
    named, found = getattr(model, "layer_names", {}), Listing(model, input_shape).with_maps()
    insides = tuple(f"{layer.name}." for layer in found)
    candidates = [layer for layer in found if layer.name in named] or [layer for layer in found if not layer.name.startswith(insides)]
    return [candidates[place] for place in sorted({round(i * (len(candidates) - 1) / max(count - 1, 1)) for i in range(count)})]


def last_with_maps(model, input_shape=None, pooled=True):
    """The last Layer with maps that are not those of the classes: there, what is in the image is known best while it is still known
    where. InputError if no layer has maps.

    pooled  may it be a pooling? Else it is what that pools
    """
    return Listing(model, input_shape).last_with_maps(pooled)


def find(model, name, input_shape=None, maps=False):
    """The Layer of this name. InputError names those that there are, the near ones first.

    maps  must its output have a spatial extent?
    """
    return Listing(model, input_shape).find(name, maps)


def outputs(model, x, layers):
    """What Layers make of images in evaluation mode, as Tensors (N, C, H, W) or (N, K), with the graph down to x.

    x  Tensor (N, C, H, W)

    The network is run no further than the last of the layers.
    """
    found = {layer.place: None for layer in layers}

    def see(place, output):
        if place in found:
            found[place] = output
        if place == max(found):
            raise _Enough

    with contextlib.suppress(_Enough):
        overhear(model, x, see)
    if any(output is None for output in found.values()):
        raise RuntimeError(f"{type(model).__name__} applied fewer functions than when its layers were listed: does that depend on the "
                           "image?")
    for output in found.values():
        output.settle()   # before a weight changes
    return [found[layer.place] for layer in layers]


class _Enough(Exception):
    """The last layer that was wanted has been seen."""


class Listing:
    """The Layers of a network, from one pass of a black image: for who looks up several, for which the functions need a pass each."""

    def __init__(self, model, input_shape):
        self.input_shape = shape = tuple(input_shape or getattr(model, "input_shape", None) or ())
        if not shape:
            raise InputError(f"{type(model).__name__} does not say what images it takes; give input_shape=(C, H, W)")
        self.kind = type(model).__name__
        self.papers_names = {path: name for name, path in getattr(model, "layer_names", {}).items()}
        self.ends = {}      # of layers, by number: Layer
        self.inside = {}    # by the path of a module: the place of the last function in it
        self.layer_at = []  # by place: the number of the layer, or None
        weight = next(iter(model.parameters()), Tensor(np.zeros(0, np.float32)))
        x = weight.new_full((1, *shape), 0)
        self.fields = ReceptiveFields(x)
        follow(model, x, self.see)

    def see(self, step):
        place, fields = len(self.layer_at), self.fields.of(step)
        self.layer_at.append(step.layer)
        for path in step.running:   # and of what holds it, though that may not be called as a whole
            self.inside.update(dict.fromkeys(itertools.accumulate(path.split("."), "{}.{}".format), place))
        self.last = Layer(SCORES, place, step.output.shape[1:], fields)
        if step.layer is None:
            return
        name = step.module or next(iter(step.running[-1:]), type(step.function).__name__)
        if step.layer in self.ends:
            name = self.ends[step.layer].name
        self.ends[step.layer] = Layer(name, place, step.output.shape[1:], fields)

    def layers(self):
        """With the paper's names, no two alike."""
        named, uses = [], {}
        for layer in self.ends.values():
            name = self._papers(layer.name)
            uses[name] = uses.get(name, 0) + 1
            named.append(layer._replace(name=name if uses[name] == 1 else f"{name} ({uses[name]})"))
        return named

    def with_maps(self):
        """The Layers that have maps, without those of the classes, with which a network ends that takes a mean over positions."""
        found = [layer for layer in self.layers() if layer.has_maps]
        if not found:
            raise InputError(f"no layer of {self.kind} has maps: its images must be larger, or it must have convolutions")
        return [layer for layer in found if layer.shape[0] != self.last.shape[0]] or found

    def last_with_maps(self, pooled=True):
        """As the function of this name."""
        *others, last = self.with_maps()
        if not pooled and others and others[-1].shape[0] == last.shape[0] and others[-1].shape[1:] > last.shape[1:]:
            return others[-1]   # a pooling leaves as many maps as there were, but smaller
        return last

    def find(self, name, maps=False):
        """As the function of this name."""
        layers = self.layers()
        layer, known = self._named(name, layers), [one.name for one in layers if one.has_maps or not maps]
        if layer is None:
            nearest = "".join(f"did you mean {near!r}? " for near in difflib.get_close_matches(str(name), known, n=1))
            raise InputError(f"there is no layer {name!r}: {nearest}Known: {', '.join(known)}.")
        if maps and not layer.has_maps:
            raise InputError(f"layer {name!r} gives {layer.shape[0]} numbers and no maps: choose one of {', '.join(known)}")
        return layer

    def _named(self, name, layers):
        if name == SCORES:
            return self.last
        for layer in layers:
            if name == layer.name:
                return layer
        path = next((path for path in self.inside if name in (path, self._papers(path))), None)
        if path is None:
            return None
        number = self.layer_at[self.inside[path]]
        return None if number is None else layers[list(self.ends).index(number)]._replace(name=self._papers(name))

    def _papers(self, path):
        """A path with its beginning replaced by the paper's name for it: "fire2.squeeze" for "features.3.squeeze"."""
        parts = path.split(".")
        for count in range(len(parts), 0, -1):
            name = self.papers_names.get(".".join(parts[:count]))
            if name:
                return ".".join([name, *parts[count:]])
        return path
