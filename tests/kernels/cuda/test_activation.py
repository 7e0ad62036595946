import numpy as np
from hypothesis import given, strategies as st

from tests.kernels.agreement import DTYPES, SEEDS, numbers, output
from tests.kernels.cuda.agreement import agree

SHAPES = st.sampled_from([(0,), (1,), (), (3, 5, 7), (2, 0, 3), (300,), (256,), (64, 16)])


@given(SHAPES, DTYPES, SEEDS)
def test_relu(shape, dtype, seed):
    agree("relu", numbers(seed, shape, dtype, special=True), output(shape, dtype))
