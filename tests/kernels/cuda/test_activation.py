import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.kernels.agreement import DTYPES, SEEDS, numbers, output
from tests.kernels.cuda.agreement import agree

SHAPES = st.sampled_from([(0,), (1,), (), (3, 5, 7), (2, 0, 3), (300,), (256,), (64, 16), (2051,), (1101,)])
TINY = 1e-31   # below the least normal number, single precision's 1 / (1 + e^-x) may be 0

FUNCTIONS = pytest.mark.parametrize("function", ["relu", "tanh", "sigmoid"])


@FUNCTIONS
@settings(max_examples=20)
@given(SHAPES, DTYPES, SEEDS, st.sampled_from([0.1, 1, 30]), st.booleans())
def test_agrees_with_reference(function, shape, dtype, seed, spread, special):
    x = np.asarray(numbers(seed, shape, dtype, special) * dtype(spread))
    y, = agree(function, x, output(shape, dtype), each=True, terms=TINY)
    agree(function + "_grad_input", numbers(seed + 1, shape, dtype), y, output(shape, dtype), terms=1)


@FUNCTIONS
def test_extremes_have_their_limits(function):
    x = np.array([-np.inf, -1e30, -104, -88.9, 88.9, 104, 1e30, np.inf, np.nan], np.float32)
    y, = agree(function, x, output(x.shape, np.float32), each=True, terms=TINY)
    low, high = {"relu": (0, np.inf), "tanh": (-1, 1), "sigmoid": (0, 1)}[function]
    np.testing.assert_array_equal(y[[0, 1, 7, 8]], np.array([low, low, high, np.nan], np.float32))


@settings(max_examples=20)
@given(SHAPES, DTYPES, SEEDS, st.sampled_from([0, 0.01, 3.0]), st.booleans())
def test_leaky_relu_agrees_with_reference(shape, dtype, seed, slope, special):
    y, = agree("leaky_relu", numbers(seed, shape, dtype, special), output(shape, dtype), slope, each=True)
    agree("leaky_relu_grad_input", numbers(seed + 1, shape, dtype), y, output(shape, dtype), slope, each=True)
