"""F.adaptive_max_pool2d and F.adaptive_avg_pool2d."""
import re

import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from tests.functional.checks import case, three_questions

BOTH = pytest.mark.parametrize("pool", [F.adaptive_max_pool2d, F.adaptive_avg_pool2d])


def _cases(function):
    return [case(function, shape, output_size=size) for shape, size in [
        ((2, 3, 8, 6), 2), ((2, 3, 13, 7), 6), ((2, 3, 9, 7), (4, None)), ((2, 3, 4, 5), (None, 1)), ((1, 2, 20, 20), 1),
        ((2, 2, 3, 2), 5), ((2, 3, 6, 6), 6), ((0, 3, 8, 6), 3)]]


TestAdaptiveMaxPool2d = three_questions(*_cases("adaptive_max_pool2d"))
TestAdaptiveAvgPool2d = three_questions(*_cases("adaptive_avg_pool2d"))


@BOTH
@pytest.mark.parametrize("shape, output_size, error, sentence", [
    ((3, 6, 6), 2, ValueError, ": x must have the shape (N, C, H, W), not (3, 6, 6)"),
    ((2, 3, 6, 6), 0, ValueError, ": output_size must be at least 1, not 0"),
    ((2, 3, 6, 6), (1, 2, 3), TypeError, ": output_size must be an integer or a pair of integers, None for the size of x, not (1, 2, 3)"),
    ((2, 3, 6, 6), 2.5, TypeError, ": output_size must be an integer or a pair of integers"),
    ((2, 3, 0, 6), 1, ValueError, ": x (2, 3, 0, 6) has no pixels"),
])
def test_what_does_not_fit_is_named(pool, shape, output_size, error, sentence):
    with pytest.raises(error, match=re.escape(pool.__name__ + sentence)):
        pool(mc.zeros(shape), output_size)


@BOTH
def test_what_has_the_size_is_passed_on(pool):
    x = mc.randn(2, 3, 6, 6)
    assert pool(x, 6) is x and pool(x, None) is x


def test_of_equal_maxima_the_first_gets_the_gradient():
    x = mc.ones(1, 1, 3, 3, requires_grad=True)
    F.adaptive_max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[1, 1, 0], [1, 1, 0], [0, 0, 0]]]]


def test_maxima_of_large_windows_are_found():
    x = mc.zeros(1, 1, 34, 34, requires_grad=True)
    x.array[0, 0, [16, 20], [16, 33]] = 1
    y = F.adaptive_max_pool2d(x, 2)
    y.sum().backward()
    assert y.tolist() == [[[[1, 0], [0, 1]]]]
    assert np.argwhere(x.grad.array).tolist() == [[0, 0, 0, 17], [0, 0, 16, 16], [0, 0, 17, 0], [0, 0, 20, 33]]
