import numpy as np
from hypothesis import given, settings, strategies as st

from tests.kernels.agreement import DTYPES, SEEDS, numbers, output
from tests.kernels.cuda.agreement import agree
from tests.kernels.test_pooling import HALVING, OVERLAPPING

# window, stride, padding, and the sizes of image and output. Few windows, for each is compiled; some hang over the far edge.
CASES = st.sampled_from([
    (*HALVING, (6, 8), (3, 4)), (*HALVING, (5, 7), (2, 3)), (*HALVING, (5, 5), (3, 3)), (*OVERLAPPING, (7, 8), (4, 4)),
    (*OVERLAPPING, (8, 9), (4, 5)), (*OVERLAPPING, (1, 1), (1, 1)), ((3, 3), (2, 2), (0, 0), (7, 7), (3, 3)),
    ((3, 3), (2, 2), (0, 0), (6, 12), (3, 6)), ((3, 3), (1, 1), (1, 1), (4, 8), (4, 8)), ((3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    ((5, 3), (3, 1), (2, 0), (9, 6), (3, 4)), ((1, 3), (4, 1), (0, 1), (9, 5), (3, 5)), ((2, 2), (2, 2), (1, 1), (1, 1), (1, 1)),
    ((7, 5), (1, 1), (0, 0), (7, 5), (1, 1)), ((85, 3), (1, 2), (42, 1), (5, 5), (5, 3)),
])
PLANES = st.sampled_from([(0, 3), (1, 1), (2, 3)])


@settings(max_examples=40)
@given(PLANES, CASES, DTYPES, SEEDS, st.booleans())
def test_max_pool(planes, case, dtype, seed, special):
    window, stride, padding, size, output_size = case
    x, shape = numbers(seed, (*planes, *size), dtype, special, ties=True), (*planes, *output_size)
    y, switches = agree("max_pool2d", x, output(shape, dtype), output(shape, np.uint8), window, stride, padding, units=0)
    agree("max_pool2d_grad_input", numbers(seed + 1, y.shape, dtype), switches, output(x.shape, dtype), window, stride, padding)


@settings(max_examples=40)
@given(PLANES, CASES, DTYPES, SEEDS, st.booleans())
def test_avg_pool(planes, case, dtype, seed, count_include_pad):
    window, stride, padding, size, output_size = case
    x, shape = numbers(seed, (*planes, *size), dtype), (*planes, *output_size)
    options = window, stride, padding, count_include_pad
    agree("avg_pool2d", x, output(shape, dtype), *options, units=8)
    agree("avg_pool2d_grad_input", numbers(seed + 1, shape, dtype), output(x.shape, dtype), *options, units=8)


def test_minus_infinity_all_over_a_window():
    x = np.full((1, 1, 4, 4), -np.inf, np.float32)
    for settings_of_window in (*HALVING, (2, 2)), (*OVERLAPPING, (2, 2)):
        *window, size = settings_of_window
        agree("max_pool2d", x, output((1, 1, *size), np.float32), output((1, 1, *size), np.uint8), *window, units=0)
