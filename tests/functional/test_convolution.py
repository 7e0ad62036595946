"""F.conv2d and F.conv_transpose2d."""
import re

import pytest

import minicnn as mc
from minicnn import functional as F
from tests.functional.checks import case, three_questions

TestConv2d = three_questions(
    case("conv2d", (2, 3, 7, 6), (4, 3, 3, 2), (4,)),
    case("conv2d", (2, 3, 7, 6), (4, 3, 3, 2)),
    case("conv2d", (3, 1, 12, 12), (6, 1, 5, 5), (6,), padding=2),
    case("conv2d", (2, 3, 9, 8), (4, 3, 3, 3), (4,), stride=2, padding=1),
    case("conv2d", (2, 2, 9, 11), (3, 2, 3, 2), (3,), stride=(2, 3), padding=(1, 0), dilation=(2, 1)),
    case("conv2d", (2, 4, 6, 6), (6, 2, 3, 3), (6,), groups=2),
    case("conv2d", (2, 4, 6, 6), (4, 1, 3, 3), padding=1, groups=4),
    case("conv2d", (2, 5, 4, 4), (7, 5, 1, 1), (7,)),
    case("conv2d", (1, 2, 5, 5), (3, 2, 5, 5), (3,)),
    case("conv2d", (1, 2, 3, 3), (3, 2, 5, 5), (3,), padding=4),
    case("conv2d", (0, 3, 7, 6), (4, 3, 3, 2), (4,)),
)

TestConvTranspose2d = three_questions(
    case("conv_transpose2d", (2, 3, 5, 6), (3, 4, 3, 2), (4,)),
    case("conv_transpose2d", (2, 3, 5, 6), (3, 4, 2, 2), (4,), stride=2),
    case("conv_transpose2d", (2, 3, 5, 4), (3, 4, 4, 4), stride=2, padding=1),
    case("conv_transpose2d", (2, 3, 5, 4), (3, 4, 3, 3), (4,), stride=(2, 3), padding=1, output_padding=(1, 2)),
    case("conv_transpose2d", (2, 4, 5, 4), (4, 2, 3, 2), (4,), stride=2, output_padding=(1, 2), groups=2, dilation=(2, 3)),
    case("conv_transpose2d", (2, 4, 5, 4), (4, 1, 3, 3), (4,), stride=2, padding=1, output_padding=1, groups=4),
    case("conv_transpose2d", (2, 3, 1, 1), (3, 4, 5, 5), (4,)),
    case("conv_transpose2d", (2, 3, 4, 4), (3, 4, 1, 1), (4,)),
    case("conv_transpose2d", (0, 3, 5, 6), (3, 4, 3, 2), (4,)),
)


@pytest.mark.parametrize("x, weight, bias, settings, sentence", [
    ((2, 3, 6, 6), (4, 3, 3, 3), None, {}, ": weight (4, 3, 3, 3) expects 4 input channels, but x (2, 3, 6, 6) has 3"),
    ((2, 3, 6, 6), (3, 4, 3, 3), None, {"groups": 2}, ": weight (3, 4, 3, 3) is for 3 channels, which do not split into 2 groups"),
    ((2, 4, 6, 6), (4, 3, 3, 3), (3,), {"groups": 2}, ": bias (3,) must have one value for each of the 6 output channels"),
    ((3, 6, 6), (3, 4, 3, 3), None, {}, ": x must have the shape (N, C, H, W), not (3, 6, 6); x.unsqueeze(0) makes a batch"),
    ((2, 3, 6, 6), (3, 4, 3), None, {}, ": weight must have the shape (C, M / groups, R, K), not (3, 4, 3)"),
    ((2, 3, 1, 6), (3, 4, 2, 5), None, {"padding": 1}, ": padding (1, 1) leaves nothing of what x (2, 3, 1, 6) makes"),
    ((2, 3, 6, 6), (3, 4, 3, 3), None, {"stride": 2, "output_padding": 2},
     ": output_padding (2, 2) must be less than stride (2, 2) or dilation (1, 1)"),
])
def test_what_does_not_fit_a_transposed_convolution_is_named(x, weight, bias, settings, sentence):
    with pytest.raises(ValueError, match=re.escape("conv_transpose2d" + sentence)):
        F.conv_transpose2d(mc.zeros(x), mc.zeros(weight), bias and mc.zeros(bias), **settings)


@pytest.mark.parametrize("x, weight, bias, settings, sentence", [
    ((9, 1, 28, 28), (8, 3, 5, 5), None, {}, "conv2d: weight (8, 3, 5, 5) expects 3 input channels, but x (9, 1, 28, 28) has 1"),
    ((2, 4, 6, 6), (6, 4, 3, 3), None, {"groups": 2}, "expects 4 x 2 groups input channels, but x (2, 4, 6, 6) has 4"),
    ((2, 4, 6, 6), (5, 2, 3, 3), None, {"groups": 2}, "has 5 filters, which do not split into 2 groups"),
    ((2, 3, 6, 6), (4, 3, 3, 3), (3,), {}, "bias (3,) must have one value for each of the 4 filters of weight (4, 3, 3, 3)"),
    ((3, 6, 6), (4, 3, 3, 3), None, {}, "x must have the shape (N, C, H, W), not (3, 6, 6); x.unsqueeze(0) makes a batch"),
    ((2, 3, 6, 6), (4, 3, 3), None, {}, "weight must have the shape (M, C / groups, R, K), not (4, 3, 3)"),
    ((2, 3, 4, 6), (4, 3, 5, 5), None, {}, "weight (4, 3, 5, 5) with dilation (1, 1) does not fit into x (2, 3, 4, 6)"),
    ((2, 3, 6, 6), (4, 3, 3, 3), None, {"stride": 0}, "conv2d: stride must be at least 1, not 0"),
    ((2, 3, 6, 6), (4, 3, 3, 3), None, {"padding": (1, -1)}, "conv2d: padding must be at least 0, not (1, -1)"),
])
def test_what_does_not_fit_is_named(x, weight, bias, settings, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        F.conv2d(mc.zeros(x), mc.zeros(weight), bias and mc.zeros(bias), **settings)


def test_images_must_be_a_tensor():
    with pytest.raises(TypeError, match="conv2d: x must be a Tensor, not list; minicnn.tensor"):
        F.conv2d([[[[1.0]]]], mc.zeros(1, 1, 1, 1))


@pytest.mark.parametrize("stride", ["2", 1.5, (1, 2, 3), None])
def test_settings_are_integers_or_pairs(stride):
    with pytest.raises(TypeError, match="conv2d: stride must be an integer or a pair of integers, not"):
        F.conv2d(mc.zeros(2, 3, 6, 6), mc.zeros(4, 3, 3, 3), stride=stride)


def test_only_needed_gradients_are_computed(monkeypatch):
    x, weight = mc.randn(2, 3, 6, 6), mc.randn(4, 3, 3, 3, requires_grad=True)
    y = F.conv2d(x, weight)
    assert y.creator.x is x.array and y.creator.weight is None   # the weight is needed for the input's gradient only
    y.sum().backward()
    assert weight.grad.shape == weight.shape and x.grad is None
    assert F.conv2d(mc.randn(2, 3, 6, 6, requires_grad=True), weight.detach()).creator.x is None


def test_multiply_adds_are_counted():
    counted = []
    with mc.watch(lambda function, inputs, output: counted.append(function.multiply_adds)):
        F.conv2d(mc.zeros(2, 4, 8, 8), mc.zeros(6, 2, 3, 3), stride=2, groups=2)
        F.conv_transpose2d(mc.zeros(2, 4, 3, 3), mc.zeros(4, 3, 2, 2), stride=2, groups=2)
    assert counted == [2 * 6 * 3 * 3 * (2 * 3 * 3), 2 * 4 * 3 * 3 * (3 * 2 * 2)]
