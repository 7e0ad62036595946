"""gradcheck finds what is wrong, says where, and leaves everything as it was."""
import re

import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from minicnn import nn


class Product(mc.Function):
    """a * b, with a mistake that can be chosen in the gradient of b."""

    def __init__(self, mistake=lambda grad_b: grad_b):
        self.mistake = mistake

    def forward(self, a, b):
        self.a, self.b = a, b
        return a * b

    def backward(self, gradient):
        return gradient * self.b, self.mistake(gradient * self.a)


def inputs(*shapes):
    mc.manual_seed(0)
    return [mc.randn(*shape, dtype="float64") for shape in shapes]


def test_a_right_gradient_passes():
    report = mc.gradcheck(lambda a, b: Product()(a, b), *inputs((3, 4), (3, 4)))
    assert report and report.passed and report.assert_passed() is report
    assert [(row.name, row.shape, row.wrong) for row in report.rows] == [("a", (3, 4), False), ("b", (3, 4), False)]
    assert max(row.error for row in report.rows) < 1e-8


@pytest.mark.parametrize("mistake", [lambda g: 2 * g, lambda g: -g, lambda g: g * 0, lambda g: g + 1e-3, lambda g: g[::-1],
                                     lambda g: g * np.nan])
def test_a_wrong_gradient_is_found(mistake):
    report = mc.gradcheck(lambda a, b: Product(mistake)(a, b), *inputs((3, 4), (3, 4)))
    assert not report and [row.wrong for row in report.rows] == [False, True]
    assert "WRONG for b" in str(report)
    with pytest.raises(AssertionError, match="WRONG for b"):
        report.assert_passed()


@pytest.mark.parametrize("place", [(0, 0), (17, 3), (29, 39)])
def test_the_place_of_a_single_mistake_is_found(place):
    def mistake(gradient):
        gradient[place] += 0.5
        return gradient
    report = mc.gradcheck(lambda a, b: Product(mistake)(a, b), *inputs((30, 40), (30, 40)))
    assert f"WRONG, most at {place}: backward says" in report.rows[1].verdict


def test_the_report_can_be_read():
    def negate(gradient):
        return -gradient
    lines = str(mc.gradcheck(lambda left, right: Product(negate)(left, right), *inputs((2,), (2,)))).split("\n")
    assert lines[0] == "gradcheck of <lambda>: WRONG for right"
    assert lines[1].split() == ["input", "shape", "by", "backward", "by", "differences", "relative", "error"]
    assert lines[2].startswith("left   (2,)") and lines[2].endswith("right")
    assert re.fullmatch(r"right  \(2,\) .*WRONG, most at \(\d,\): backward says \S+, differences \S+", lines[3])


def test_a_forgotten_gradient_is_found():
    report = mc.gradcheck(lambda a, b: a * b.detach(), *inputs((3,), (3,)))
    assert [row.verdict for row in report.rows] == ["right", "WRONG: no gradient arrived"]
    assert not mc.gradcheck(lambda a: a.detach() * 2, *inputs((3,)))


def test_slopes_that_are_zero_are_right():
    assert mc.gradcheck(lambda a: F.softmax(a, 1).sum(), *inputs((3, 4)))
    assert mc.gradcheck(lambda a, b: a + b * 0, *inputs((3,), (3,)))


def test_the_parameters_of_a_module_are_checked():
    mc.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(32, 3)).double()
    report = mc.gradcheck(model, mc.randn(2, 1, 6, 6, dtype="float64"))
    assert [row.name for row in report.assert_passed().rows] == ["x", "0.weight", "0.bias", "3.weight", "3.bias"]


def test_everything_is_left_as_it_was():
    x, w = inputs((3,), (3,))
    w.requires_grad = True
    (w * 2).sum().backward()
    arrays, before, grad = (x.array, w.array), (x.tolist(), w.tolist()), w.grad
    mc.gradcheck(lambda x, w: x * w, x, w)
    assert (x.array, w.array) == arrays and (x.tolist(), w.tolist()) == before
    assert x.grad is None and not x.requires_grad and w.grad is grad and w.requires_grad
    with pytest.raises(ZeroDivisionError):
        mc.gradcheck(lambda x, w: 1 / 0, x, w)
    assert (x.array, w.array) == arrays and w.grad is grad


def test_the_same_seed_gives_the_same_report():
    def check(seed):
        return str(mc.gradcheck(F.relu, *inputs((5,)), seed=seed))
    assert check(1) == check(1) != check(2)


@pytest.mark.parametrize("function, given, error, sentence", [
    (F.relu, mc.zeros(3), TypeError, "gradcheck: x is float32, whose rounding drowns finite differences; check in float64"),
    (F.relu, mc.arange(3), TypeError, "gradcheck: there is no float64 Tensor among the inputs"),
    (lambda x: x.float(), mc.zeros(3, dtype="float64"), TypeError, "must return one Tensor of float64, not a Tensor of float32"),
    (lambda x: (x, x), mc.zeros(3, dtype="float64"), TypeError, "must return one Tensor of float64, not tuple"),
    (F.dropout, mc.ones(100, dtype="float64"), ValueError, "different outputs for the same inputs; seed what is random in it"),
    (F.relu, mc.ones(3, dtype="float64", requires_grad=True) * 2, ValueError, "x is itself the result of a computation"),
])
def test_what_cannot_be_checked_is_refused(function, given, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        mc.gradcheck(function, given)
