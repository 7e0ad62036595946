import math

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from tests.kernels.agreement import DTYPES, SEEDS, numbers, output
from tests.kernels.cuda.agreement import agree
from tests.kernels.test_reduction import kept, reductions

# Several warps or blocks to a result, and a second launch; fours of numbers, and what is no multiple of four.
LARGE = [((3, 6, 4, 4), (0, 2, 3)), ((5, 3, 25, 25), (0, 2, 3)), ((2, 2, 32, 68), (0, 2, 3)), ((20_005,), (0,)), ((20_000,), (0,)),
         ((700, 5), (0,)), ((5, 700), (1,)), ((900, 12), (0,)), ((2, 30, 5, 8), (1, 3)), ((2, 30, 5, 4), (0, 2)), ((400, 2), (0, 1)),
         ((2, 90, 3, 4), (1,)), ((300, 3), (1,)), ((2, 3, 2, 3, 2, 3), (0, 2, 4)), ((2, 3, 2, 3, 2, 3), (1, 3, 5))]


def large(cases):
    def add(test):
        for case in cases:
            test = example(case, np.float32, 1, False)(test)
        return test
    return add


@large(LARGE)
@example(((2, 2, 30, 40), (0, 2, 3)), np.float64, 1, False)
@settings(max_examples=8)
@given(reductions(), DTYPES, SEEDS, st.booleans())
def test_sum(case, dtype, seed, special):
    shape, axes = case
    terms = math.prod(shape) // max(1, math.prod(kept(shape, axes)))
    agree("sum", np.asarray(numbers(seed, shape, dtype, special)), output(kept(shape, axes), dtype), axes, units=4, terms=math.sqrt(terms))


@large(LARGE[:2] + LARGE[5:9] + LARGE[-2:])
@settings(max_examples=8)
@given(reductions(least=1), DTYPES, SEEDS, st.booleans())
def test_max(case, dtype, seed, special):
    shape, axes = case
    x = np.asarray(numbers(seed, shape, dtype, special, ties=True))
    y, = agree("max", x, output(kept(shape, axes), dtype), axes, units=0)
    agree("max_grad_input", np.asarray(numbers(seed + 1, y.shape, dtype)), x, y, output(shape, dtype), axes, each=True)


@pytest.mark.parametrize("shape, axes", [((20_003,), (0,)), ((20_000, 1), (0,)), ((2, 3, 10_000), (0, 2)), ((10_001, 2), (0,))])
def test_a_long_sum_in_single_precision_stays_exact(shape, axes):
    y, = agree("sum", np.full(shape, 0.1, np.float32), output(kept(shape, axes), np.float32), axes, units=2)
    assert y == pytest.approx(0.1 * math.prod(shape) / y.size, rel=3e-7)
