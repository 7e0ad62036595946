"""Depthwise convolution on a device: windows and strides that depthwise.serves."""
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from kernels.cuda import depthwise
from tests.kernels.agreement import DTYPES, SEEDS, output
from tests.kernels.cuda.agreement import agree
from tests.kernels.cuda.geometries import operands

ONE = (1, 1)
CASES = {
    "3 x 3": (2, 1, 1, 3, (6, 7), (3, 3), ONE, ONE, ONE),
    "3 x 3, strided": (2, 1, 1, 2, (8, 7), (3, 3), (2, 2), ONE, ONE),
    "5 x 5": (1, 1, 1, 2, (5, 9), (5, 5), ONE, (2, 2), ONE),
    "5 x 5, strided": (1, 1, 1, 2, (11, 6), (5, 5), (2, 2), (2, 2), ONE),
    "7 x 7": (1, 1, 1, 2, (7, 7), (7, 7), ONE, (3, 3), ONE),
    "with several filters for each channel": (2, 1, 3, 2, (5, 4), (3, 2), (1, 2), (0, 1), ONE),
    "with wider strides than windows": (2, 1, 1, 2, (9, 8), (2, 1), (3, 3), (1, 0), ONE),
    "that leaves a row and a column unseen": (1, 1, 1, 2, (6, 6), (3, 3), (2, 2), (0, 0), ONE),
    "of no image": (0, 1, 1, 2, (6, 6), (3, 3), ONE, ONE, ONE),
    "of many rows": (1, 1, 1, 2, (21, 3), (3, 3), ONE, ONE, ONE),
}


def check(case, seed, dtype, special=None):
    x, weight, bias, grad_y = operands(case, seed, dtype)
    assert depthwise.serves(weight.shape, case[6], case[8], case[3])
    if special is not None and x.size:
        for array in (x, grad_y):
            array.flat[seed % array.size] = special
    geometry = *case[6:], case[3]
    residual = grad_y if seed % 2 else None
    agree("conv2d", x, weight, bias if seed % 3 else None, output(grad_y.shape, dtype), *geometry, residual, seed % 2 == 1, units=8,
          package=depthwise)
    agree("conv2d_grad_input", grad_y, weight, output(x.shape, dtype), *geometry, units=8, package=depthwise)
    agree("conv2d_grad_weight", grad_y, x, output(weight.shape, dtype), *geometry, units=16, package=depthwise)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("special", [None, np.nan, np.inf], ids=str)
def test_cases(case, special):
    check(case, 1, np.float32, special)


@st.composite
def geometries(draw):
    def pair(least, most):
        return draw(st.tuples(st.integers(least, most), st.integers(least, most)))

    window, stride, padding = pair(1, 4), pair(1, 3), pair(0, 3)
    size = tuple(draw(st.integers(least, max(least, 6))) for least in (max(1, k - 2 * p) for k, p in zip(window, padding)))
    return draw(st.integers(0, 2)), 1, draw(st.integers(1, 2)), 2, size, window, stride, padding, ONE


@settings(max_examples=15)
@given(geometries(), DTYPES, SEEDS)
def test_any_geometry(case, dtype, seed):
    check(case, seed, dtype)
