"""A case: one thing that is measured, written once for all frameworks."""
import math
import zlib
from typing import Callable, NamedTuple

import numpy as np

FORWARD, GRAD_INPUT, GRAD_WEIGHT = "forward", "input gradient", "weight gradient"
FLOAT = 4   # bytes

# From here on, plain NumPy takes seconds for one call.
_MOST_FOR_DEFINITION = 100_000_000   # multiply-adds


class Case(NamedTuple):
    """What is measured.

    group, subject, aspect  where it stands in the table: "convolution", "LeNet conv1, ...", "forward"
    prepare                 prepare(framework) makes the tensors and returns a function without arguments: its calls are timed,
                            and what it returns is compared between frameworks
    multiply_adds           how many one call takes by the definition, whatever an algorithm saves
    bytes                   how many must be moved at least: each input read once, each output written once
    quick                   measured also without --full
    """

    group: str
    subject: str
    aspect: str
    prepare: Callable
    multiply_adds: int = 0
    bytes: int = 0
    quick: bool = True

    @property
    def on_definition(self):
        """Is it small enough for plain NumPy?"""
        return self.multiply_adds <= _MOST_FOR_DEFINITION


def key_of(case):
    """A name for it that no other has."""
    return f"{case.group}: {case.subject}: {case.aspect}"


def random_array(*shape, number=0):
    """Normally distributed float32, the same ones for the same shape and number."""
    seed = zlib.crc32(repr((*shape, number)).encode())
    return np.asarray(np.random.default_rng(seed).standard_normal(shape, np.float32))


def forward(function, *shapes):
    """`prepare` for function(F, *tensors) of tensors of these shapes, none of which requires a gradient."""
    def prepare(framework):
        tensors = [framework.library.tensor(random_array(*shape)) for shape in shapes]
        return lambda: function(framework.F, *tensors)
    return prepare


def gradient(function, *shapes, of):
    """`prepare` for the backward pass of the same, for the gradient of input number `of` alone.

    The graph is made once and kept, so the forward pass is not in the time.
    """
    def prepare(framework):
        tensors = [framework.library.tensor(random_array(*shape), requires_grad=place == of)
                   for place, shape in enumerate(shapes)]
        output = function(framework.F, *tensors)
        upstream = framework.library.tensor(random_array(*output.shape))

        def backward():
            tensors[of].grad = None
            output.backward(upstream, retain_graph=True)
            return tensors[of].grad
        return backward
    return prepare


def float_bytes(*shapes):
    """What float32 arrays of these shapes take."""
    return FLOAT * sum(map(math.prod, shapes))
