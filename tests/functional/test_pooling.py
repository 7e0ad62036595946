"""F.max_pool2d and F.avg_pool2d."""
import re

import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from tests.functional.checks import case, three_questions

TestMaxPool2d = three_questions(
    case("max_pool2d", (2, 3, 8, 6), kernel_size=2),
    case("max_pool2d", (2, 3, 9, 7), kernel_size=3, stride=2),
    case("max_pool2d", (2, 3, 9, 7), kernel_size=3, stride=2, padding=1),
    case("max_pool2d", (2, 3, 7, 7), kernel_size=3, stride=1, padding=1),
    case("max_pool2d", (2, 2, 7, 9), kernel_size=(3, 2), stride=(1, 3), padding=(1, 0)),
    case("max_pool2d", (2, 3, 8, 7), kernel_size=3, stride=2, ceil_mode=True),
    case("max_pool2d", (2, 3, 7, 6), kernel_size=2, stride=3, padding=1, ceil_mode=True),
    case("max_pool2d", (1, 2, 16, 16), kernel_size=16),
    case("max_pool2d", (0, 3, 8, 6), kernel_size=2),
)

TestAvgPool2d = three_questions(
    case("avg_pool2d", (2, 3, 8, 6), kernel_size=2),
    case("avg_pool2d", (2, 3, 9, 7), kernel_size=3, stride=2, padding=1),
    case("avg_pool2d", (2, 3, 9, 7), kernel_size=3, stride=2, padding=1, count_include_pad=False),
    case("avg_pool2d", (2, 2, 7, 9), kernel_size=(3, 2), stride=(1, 3), padding=(1, 0)),
    case("avg_pool2d", (2, 3, 8, 7), kernel_size=3, stride=2, padding=1, ceil_mode=True),
    case("avg_pool2d", (2, 3, 8, 7), kernel_size=3, stride=2, ceil_mode=True, count_include_pad=False),
    case("avg_pool2d", (2, 3, 7, 7), kernel_size=3, stride=1, padding=1),
    case("avg_pool2d", (1, 2, 20, 20), kernel_size=20),
    case("avg_pool2d", (0, 3, 8, 6), kernel_size=2),
)


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
@pytest.mark.parametrize("shape, settings, sentence", [
    ((3, 6, 6), {"kernel_size": 2}, ": x must have the shape (N, C, H, W), not (3, 6, 6)"),
    ((2, 3, 6, 6), {"kernel_size": 7}, ": kernel_size (7, 7) does not fit into x (2, 3, 6, 6) with padding (0, 0)"),
    ((2, 3, 6, 6), {"kernel_size": 3, "padding": 2}, ": padding (2, 2) is more than half of kernel_size (3, 3)"),
    ((2, 3, 6, 6), {"kernel_size": 0}, ": kernel_size must be at least 1, not 0"),
])
def test_what_does_not_fit_is_named(pool, shape, settings, sentence):
    with pytest.raises(ValueError, match=re.escape(pool.__name__ + sentence)):
        pool(mc.zeros(shape), **settings)


def test_a_switch_is_one_byte():
    with pytest.raises(ValueError, match="more than 256 positions"):
        F.max_pool2d(mc.zeros(1, 1, 20, 20), 17)


def test_max_pooling_keeps_no_input():
    x = mc.randn(2, 3, 8, 6, requires_grad=True)
    kept = [value for value in vars(F.max_pool2d(x, 2).creator).values() if isinstance(value, np.ndarray)]
    assert [array.dtype for array in kept] == [np.uint8]


def test_of_equal_maxima_the_first_gets_the_gradient():
    x = mc.ones(1, 1, 2, 2, requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[1, 0], [0, 0]]]]
