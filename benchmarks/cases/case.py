"""A case: one thing that is measured, written once for all frameworks."""
import math
from typing import Callable, NamedTuple

from benchmarks import frameworks
from benchmarks.arrays import random_array

FORWARD, GRAD_INPUT, GRAD_WEIGHT = "forward", "input gradient", "weight gradient"
FLOAT = 4   # bytes

# From here on, plain NumPy takes seconds for one call.
_MOST_FOR_DEFINITION = 100_000_000   # multiply-adds

# Whom a case is for, beside ours and the definition: where PyTorch has one way of doing it, where the layout of images matters,
# where rounding errors are worth telling too.
ONE_WAY = frozenset({frameworks.PYTORCH})
TWO_LAYOUTS = ONE_WAY | {frameworks.CHANNELS_LAST}
TWO_LAYOUTS_AND_ERRORS = TWO_LAYOUTS | {frameworks.EXACT}


class Case(NamedTuple):
    """What is measured.

    group, subject, aspect  where it stands in the table: "convolution", "LeNet conv1, ...", "forward"
    prepare                 prepare(framework) makes the tensors and returns a function without arguments: its calls are timed,
                            and what it returns is compared between frameworks
    multiply_adds           how many one call takes by the definition, whatever an algorithm saves
    bytes                   how many must be moved at least: each input read once, each output written once
    quick                   measured also without --full
    others                  the names of the frameworks that it is for, beside ours and the definition
    geometry                of a convolution: shapes of images and filters, stride, padding, dilation, groups
    tolerance               relative difference of two results that float32 may explain
    """

    group: str
    subject: str
    aspect: str
    prepare: Callable
    multiply_adds: int = 0
    bytes: int = 0
    quick: bool = True
    others: frozenset = ONE_WAY
    geometry: tuple = None
    tolerance: float = 1e-3

    def is_for(self, name):
        """Does a framework take part? The definition does where that is a matter of less than seconds."""
        if name == frameworks.DEFINITION:
            return self.multiply_adds <= _MOST_FOR_DEFINITION
        return name == frameworks.OURS or name in self.others


def key_of(case):
    """A name for it that no other has."""
    return f"{case.group}: {case.subject}: {case.aspect}"


def forward(function, *shapes):
    """`prepare` for function(F, *tensors) of tensors of these shapes, none of which requires a gradient."""
    def prepare(framework):
        tensors = _tensors(framework, shapes)
        return lambda: function(framework.F, *tensors)
    return prepare


def gradient(function, *shapes, of):
    """`prepare` for the backward pass of the same, for the gradient of input number `of` alone.

    The graph is made once and kept, so the forward pass is not in the time.
    """
    def prepare(framework):
        tensors = _tensors(framework, shapes)
        tensors[of].requires_grad = True
        output = function(framework.F, *tensors)
        upstream = framework.tensor(random_array(*output.shape, number=len(shapes)))

        def backward():
            tensors[of].grad = None
            output.backward(upstream, retain_graph=True)
            return tensors[of].grad
        return backward
    return prepare


def _tensors(framework, shapes):
    """Each with numbers of its own. A gradient like the input, say, is one that batch normalisation makes 0."""
    return [framework.tensor(random_array(*shape, number=number)) for number, shape in enumerate(shapes)]


def float_bytes(*shapes):
    """What float32 arrays of these shapes take."""
    return FLOAT * sum(map(math.prod, shapes))
