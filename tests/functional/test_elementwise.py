"""Arithmetic, as functions and as operators."""
import re

import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from tests.functional.checks import case, three_questions

SHAPES = [((3, 4), (3, 4)), ((2, 3, 4), (3, 1)), ((4,), (2, 1, 4)), ((2, 1, 3), (1, 4, 1)), ((3, 4), ()), ((0, 4), (4,))]

TestBinary = three_questions(
    *(case(name, *shapes) for name in ("add", "subtract", "multiply") for shapes in SHAPES),
    *(case("divide", *shapes, low=0.5, high=3) for shapes in SHAPES),
    *(case("power", *shapes, low=0.5, high=3, torch="pow") for shapes in SHAPES),
)

TestUnary = three_questions(
    *(case(name, shape) for name in ("negative", "exp", "absolute") for shape in [(2, 3, 5), (), (0,)]),
    *(case(name, shape, low=0.1, high=3) for name in ("log", "sqrt") for shape in [(2, 3, 5), (), (0,)]),
)

TestOperators = three_questions(
    case(lambda a, b: a * b + a / b - b ** a, (3, 4), (4,), low=0.5, high=2),
    case(lambda a: 2 - 3 / (1 + a) + 2 ** a - (a - 1) * 4 / 5, (3, 4), low=0.5, high=2),
    case(lambda a: -a + abs(a) + a.abs() + a ** 2 + a.pow(3), (3, 4)),
    case(lambda a: a.exp().log() + a.sqrt(), (3, 4), low=0.5, high=2),
    case(lambda a: a + a, (3, 4)),
    case(lambda a: a * a, (3, 4)),
)


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_powers_of_zero_have_torchs_slopes(torch, power):
    ours, theirs = [(a, a ** b, b) for a, b in [
        [mc.tensor(np.array(value), requires_grad=True) for value in (0.0, power)],
        [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (0.0, power)]]]
    ours[1].backward()
    theirs[1].backward()
    assert (ours[0].grad.item(), ours[2].grad.item()) == (theirs[0].grad.item(), theirs[2].grad.item())


def test_shapes_that_do_not_broadcast_are_named():
    with pytest.raises(ValueError, match=re.escape("multiply: shapes (3, 4) and (3,) do not fit")):
        mc.zeros(3, 4) * mc.zeros(3)


def test_types_do_not_mix():
    with pytest.raises(TypeError, match="Add: a is float32, but b is float64; convert one of them, with .float\\(\\) or .double"):
        mc.zeros(3) + mc.zeros(3, dtype="float64")
    with pytest.raises(TypeError, match="Multiply: a is int64, but must be float32 or float64"):
        mc.arange(3) * 2
    with pytest.raises(TypeError, match="a Tensor and ndarray do not go together; minicnn.tensor"):
        np.zeros(3, np.float32) + mc.zeros(3)
    with pytest.raises(TypeError, match="ReLU: x must be a Tensor, not ndarray; minicnn.tensor"):
        F.relu(np.zeros(3, np.float32))


@pytest.mark.parametrize("number", [2, 2.0, np.float64(2), np.float32(2), np.int64(2), True])
def test_numbers_take_the_tensors_type(number):
    for kind in (np.float32, np.float64):
        x = mc.ones(3, dtype=kind)
        assert (x * number).dtype == (number - x).dtype == kind
