import numpy as np
from hypothesis import example, given, settings, strategies as st

from tests.kernels.agreement import DTYPES, SEEDS, numbers, output
from tests.kernels.cuda.agreement import agree
from tests.kernels.test_resampling import MODES, scale_of

SIZES = st.tuples(st.integers(1, 8), st.integers(1, 8))
PLANES = st.sampled_from([(0, 3), (1, 1), (2, 3)])


def known(test):
    for size, length in [((5, 7), (10, 14)), ((9, 10), (5, 5)), ((1, 1), (3, 4)), ((6, 5), (1, 1)), ((1, 120), (2, 301))]:
        for mode in ("nearest", False), ("bilinear", False), ("bilinear", True):
            for dtype in np.float32, np.float64:
                test = example((1, 2), size, length, mode, dtype, 1, True)(test)
    return test


@known
@settings(max_examples=15)
@given(PLANES, SIZES, SIZES, MODES, DTYPES, SEEDS, st.booleans())
def test_resample(planes, size, length, mode_and_corners, dtype, seed, special):
    mode, align_corners = mode_and_corners
    special, scale = special and mode == "nearest", scale_of(size, length, align_corners)
    x, grad_y = (numbers(seed + number, (*planes, *shape), dtype, special) for number, shape in enumerate((size, length)))
    units = 8 * max(size) if mode == "bilinear" and dtype == np.float64 else 8   # a place in the last pixel is rounded to units of its own
    agree("resample", x, output(grad_y.shape, dtype), mode, scale, align_corners, units=0 if mode == "nearest" else units)
    agree("resample_grad_input", grad_y, output(x.shape, dtype), mode, scale, align_corners, units=2 * units)


@given(SEEDS)
@settings(max_examples=10)
def test_a_scale_that_is_not_the_ratio_of_the_sizes(seed):
    x = numbers(seed, (1, 2, 5, 6), np.float32)
    for mode in "nearest", "bilinear":
        y, = agree("resample", x, output((1, 2, 8, 7), np.float32), mode, (0.6, 0.81), False, units=8)
        agree("resample_grad_input", y, output(x.shape, np.float32), mode, (0.6, 0.81), False, units=16)
