import numpy as np
from hypothesis import example, given, settings, strategies as st

from tests.kernels.agreement import DTYPES, SEEDS, numbers, output
from tests.kernels.cuda.agreement import agree
from tests.kernels.test_pooling import HALVING, OVERLAPPING, windows

PLANES = st.sampled_from([(0, 3), (1, 1), (2, 3)])


def many_sizes(test):
    for case in [(*HALVING, (8, 12), (4, 6)), (*HALVING, (4, 16), (2, 8)), (*HALVING, (7, 8), (4, 4)),
                 (*OVERLAPPING, (9, 16), (5, 8)), (*OVERLAPPING, (5, 8), (3, 4)), ((3, 2), (1, 2), (1, 0), (4, 8), (4, 4)),
                 (*HALVING, (5, 7), (2, 3)), (*HALVING, (5, 5), (3, 3)), (*OVERLAPPING, (9, 10), (5, 5)),
                 (*OVERLAPPING, (4, 8), (2, 4)), ((3, 3), (2, 2), (0, 0), (6, 7), (3, 3)), ((3, 3), (1, 1), (1, 1), (5, 6), (5, 6)),
                 ((7, 7), (1, 1), (0, 0), (7, 7), (1, 1)), ((1, 1), (1, 1), (0, 0), (3, 3), (3, 3)), (*OVERLAPPING, (1, 1), (1, 1)),
                 ((85, 3), (1, 2), (42, 1), (5, 5), (5, 3)), ((2, 2), (2, 2), (1, 1), (1, 1), (1, 1))]:
        test = example((1, 2), case, np.float32, 1, True)(test)
    return test


@many_sizes
@settings(max_examples=15)
@given(PLANES, windows(), DTYPES, SEEDS, st.booleans())
def test_max_pool(planes, case, dtype, seed, special):
    window, stride, padding, size, output_size = case
    x, shape = numbers(seed, (*planes, *size), dtype, special, ties=True), (*planes, *output_size)
    y, switches = agree("max_pool2d", x, output(shape, dtype), output(shape, np.uint8), window, stride, padding, units=0)
    agree("max_pool2d_grad_input", numbers(seed + 1, y.shape, dtype), switches, output(x.shape, dtype), window, stride, padding)


@many_sizes
@settings(max_examples=15)
@given(PLANES, windows(), DTYPES, SEEDS, st.booleans())
def test_avg_pool(planes, case, dtype, seed, count_include_pad):
    window, stride, padding, size, output_size = case
    x, shape = numbers(seed, (*planes, *size), dtype), (*planes, *output_size)
    arguments = window, stride, padding, count_include_pad
    agree("avg_pool2d", x, output(shape, dtype), *arguments, units=8)
    agree("avg_pool2d_grad_input", numbers(seed + 1, shape, dtype), output(x.shape, dtype), *arguments, units=8)
