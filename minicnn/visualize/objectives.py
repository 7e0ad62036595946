"""What is asked of a network about an image: one number per image, which can be differentiated. Such numbers add up:

    wanted = 0.2 * channel("fire9", 3) + 0.8 * logit("banana")
    wanted.of(model)(images)             # Tensor (N,)

An objective is made without a network; `of` looks its layers and classes up in one. The same objectives are explained by gradients
(saliency.py and others) and enhanced by dreams (dreaming.py).
"""
from minicnn import functional as F
from minicnn.visualize import classes, layers


class Objective:
    """A weighted sum of terms."""

    def __init__(self, terms):
        self.terms = terms   # pairs (factor, Term)

    def __add__(self, other):
        return Objective(self.terms + other.terms)

    def __mul__(self, factor):
        return Objective([(factor * weight, term) for weight, term in self.terms])

    __rmul__ = __mul__

    def __neg__(self):
        return -1 * self

    def __sub__(self, other):
        return self + -other

    def __str__(self):
        return " + ".join(f"{term}" if weight == 1 else f"{weight:g} {term}" for weight, term in self.terms)

    def of(self, model, input_shape=None):
        """The function Tensor (N, C, H, W) -> Tensor (N,) that this is of a network in evaluation mode. InputError if the network has
        no such layer, unit or class.

        input_shape  (C, H, W) of images; None for what the network is made for
        """
        return OfModel(self, model, input_shape)


class OfModel:
    """An Objective of one network; to be called with images. `known` is the network's layers.Listing."""

    def __init__(self, objective, model, input_shape):
        self.model = model
        self.known = layers.Listing(model, input_shape)
        self.terms = [(weight, term.look_up(model, self.known)) for weight, term in objective.terms]
        self.layers = list({term.layer.place: term.layer for _, term in self.terms}.values())

    def __call__(self, x):
        return self.value(dict(zip(self.layers, layers.outputs(self.model, x, self.layers))))

    def value(self, outputs):
        """From what its layers give: {layer: Tensor}."""
        parts = [term.value(outputs[term.layer]) * weight for weight, term in self.terms]
        return sum(parts[1:], parts[0])


class Term:
    """One number per image. A subclass says which layer it needs (`look_up`), and what number comes of that (`value`)."""

    layer = None   # a Layer, after look_up


class ClassTerm(Term):
    """Of the scores, for one class."""

    kinds = {"logit": lambda scores: scores, "probability": lambda scores: F.softmax(scores, 1),
             "log probability": lambda scores: F.log_softmax(scores, 1)}

    def __init__(self, kind, wanted):
        self.kind, self.wanted = kind, wanted

    def __str__(self):
        return f"{self.kind} of {self.wanted}"

    def look_up(self, model, known):
        found = type(self)(self.kind, self.wanted)
        found.layer = known.find(layers.SCORES)
        found.number = classes.find(model, self.wanted, found.layer.shape[0])
        return found

    def value(self, scores):
        return self.kinds[self.kind](scores)[:, self.number]


class LayerTerm(Term):
    """Of a layer: of all of it (channel None), of one channel, or of that channel at one position."""

    def __init__(self, name, channel, position):
        self.name, self.channel, self.position = name, channel, position

    def __str__(self):
        if self.channel is None:
            return self.name
        return f"{self.name}, channel {self.channel}" + (f" at {self.position}" if self.position else "")

    def look_up(self, model, known):
        found = type(self)(self.name, self.channel, self.position)
        found.layer = layer = known.find(self.name, maps=self.position is not None)
        if self.channel is not None:
            layer.check(self.channel, self.position)
        return found

    def value(self, output):
        if self.channel is None:
            return (output * output).mean(tuple(range(1, output.ndim)))
        maps = output[:, self.channel]
        if self.position:
            return maps[:, self.position[0], self.position[1]]
        return maps.mean((1, 2)) if maps.ndim == 3 else maps


def logit(wanted):
    """The score of a class, before softmax. Its name or number; see classes.py."""
    return Objective([(1, ClassTerm("logit", wanted))])


def probability(wanted):
    """The probability of a class."""
    return Objective([(1, ClassTerm("probability", wanted))])


def log_probability(wanted):
    """The logarithm of the probability of a class."""
    return Objective([(1, ClassTerm("log probability", wanted))])


def channel(layer, number):
    """The mean of a map of a layer."""
    return Objective([(1, LayerTerm(layer, number, None))])


def unit(layer, number, row, column):
    """The activation at one position of a map of a layer."""
    return Objective([(1, LayerTerm(layer, number, (row, column)))])


def whole(layer):
    """The mean square of all that a layer gives: Mordvintsev, Olah & Tyka, "Inceptionism" (2015), enhance "whatever was detected"."""
    return Objective([(1, LayerTerm(layer, None, None))])
