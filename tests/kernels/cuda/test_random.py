import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import kernels.cuda
from kernels import reference
from tests.kernels.agreement import DTYPES, numbers, output
from tests.kernels.cuda.agreement import agree, machine

SHAPES = st.sampled_from([(0,), (1,), (), (3, 5, 7), (2, 0, 3), (1027,), (256,)])
SEEDS = st.integers(-2**70, 2**70)


@settings(max_examples=30)
@given(SHAPES, DTYPES, SEEDS, st.sampled_from([0.0, 0.25, 0.5, 0.999, 1.0, 0, 1]), st.booleans())
def test_is_the_reference_to_the_bit(shape, dtype, seed, probability, special):
    agree("dropout", numbers(0, shape, dtype, special), output(shape, dtype), probability, seed, units=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", [0, 7, 2**64 - 1])
def test_a_seed_on_the_device_is_the_same_seed(seed, dtype):
    on, x, expected = machine(), numbers(0, (501,), dtype), np.empty(501, dtype)
    y = on.empty(x.shape, x.dtype)
    kernels.cuda.dropout(on.to_device(x), y, 0.5, on.to_device(np.array([seed], np.uint64)))
    reference.dropout(x, expected, 0.5, seed)
    np.testing.assert_array_equal(y.to_host(), expected)
