"""Matrix products: the four transpositions of a large one, on the kernel itself; LeNet's fully connected layers."""
import itertools

from benchmarks.arrays import random_array
from benchmarks.cases.case import FORWARD, GRAD_INPUT, GRAD_WEIGHT, Case, float_bytes, forward, gradient

_GROUP = "matrix product"
_SIZE = 1024
_BATCH = 64
_LENET_LAYERS = {"fc1": (400, 120), "fc2": (120, 84), "fc3": (84, 10)}


def _product(transpose_a, transpose_b):
    """c = op(a) op(b) for square matrices; c is given, so nothing is allocated."""
    def prepare(framework):
        a, b, c = (framework.tensor(random_array(_SIZE, _SIZE, number=number)) for number in (1, 2, 3))
        if framework.kernels:
            def multiply():
                framework.kernels.matmul(a.array, b.array, c.array, transpose_a, transpose_b)
                return c
        else:
            left, right = a.t() if transpose_a else a, b.t() if transpose_b else b

            def multiply():
                return framework.library.mm(left, right, out=c)
        return multiply
    return prepare


def _large():
    for transpose_a, transpose_b in itertools.product((False, True), repeat=2):
        aspect = "a" + "'" * transpose_a + " b" + "'" * transpose_b
        yield Case(_GROUP, f"{_SIZE} x {_SIZE} x {_SIZE}", aspect, _product(transpose_a, transpose_b), multiply_adds=_SIZE ** 3,
                   bytes=float_bytes(*[(_SIZE, _SIZE)] * 3))


def _linear(F, x, weight):
    return F.linear(x, weight)


def _fully_connected():
    for layer, (inputs, outputs) in _LENET_LAYERS.items():
        shapes = (_BATCH, inputs), (outputs, inputs)
        name = f"LeNet {layer}: {inputs} to {outputs}, batch {_BATCH}"
        passes = {FORWARD: forward(_linear, *shapes), GRAD_INPUT: gradient(_linear, *shapes, of=0),
                  GRAD_WEIGHT: gradient(_linear, *shapes, of=1)}
        for aspect, prepare in passes.items():
            yield Case(_GROUP, name, aspect, prepare, multiply_adds=_BATCH * inputs * outputs,
                       bytes=float_bytes(*shapes, (_BATCH, outputs)), quick=layer == "fc1")


CASES = [*_large(), *_fully_connected()]
