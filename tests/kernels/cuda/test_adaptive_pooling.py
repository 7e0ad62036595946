import numpy as np
from hypothesis import example, given, settings, strategies as st

from tests.kernels.agreement import DTYPES, SEEDS, numbers, output
from tests.kernels.cuda.agreement import agree

PLANES = st.sampled_from([(0, 3), (1, 1), (2, 3)])
SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))


def known(test):
    for size, output_size in [((13, 13), (6, 6)), ((6, 7), (1, 1)), ((32, 33), (1, 1)), ((2, 3), (1, 1)), ((3, 2), (7, 5)),
                              ((7, 9), (7, 2))]:
        test = example((1, 3), size, output_size, np.float32, 1, True)(test)
    return test


@known
@settings(max_examples=20)
@given(PLANES, SIZES, SIZES, DTYPES, SEEDS, st.booleans())
def test_adaptive_max_pool(planes, size, output_size, dtype, seed, special):
    x, shape = numbers(seed, (*planes, *size), dtype, special, ties=True), (*planes, *output_size)
    y, places = agree("adaptive_max_pool2d", x, output(shape, dtype), output(shape, np.int32), units=0)
    agree("adaptive_max_pool2d_grad_input", numbers(seed + 1, shape, dtype), places, output(x.shape, dtype), units=16)


@known
@settings(max_examples=20)
@given(PLANES, SIZES, SIZES, DTYPES, SEEDS, st.booleans())
def test_adaptive_avg_pool(planes, size, output_size, dtype, seed, special):
    x, shape = numbers(seed, (*planes, *size), dtype, special), (*planes, *output_size)
    agree("adaptive_avg_pool2d", x, output(shape, dtype), units=8)
    agree("adaptive_avg_pool2d_grad_input", numbers(seed + 1, shape, dtype), output(x.shape, dtype), units=16)
