"""The definition on a device: one thread for each number of the result, any geometry and type."""
import numpy as np
from hypothesis import given, strategies as st

from kernels.cuda import direct
from tests.kernels.agreement import DTYPES, SEEDS, output
from tests.kernels.cuda.agreement import agree
from tests.kernels.cuda.geometries import convolutions, operands


@given(convolutions(), DTYPES, SEEDS, st.booleans(), st.booleans(), st.booleans())
def test_forward(case, dtype, seed, with_bias, with_residual, rectify):
    x, weight, bias, residual = operands(case, seed, dtype)
    agree("conv2d", x, weight, bias if with_bias else None, output(residual.shape, dtype), *case[6:], case[3],
          residual if with_residual else None, rectify, units=8, package=direct)


@given(convolutions(), DTYPES, SEEDS)
def test_gradients(case, dtype, seed):
    x, weight, _, grad_y = operands(case, seed, dtype)
    agree("conv2d_grad_input", grad_y, weight, output(x.shape, dtype), *case[6:], case[3], units=8, package=direct)
    agree("conv2d_grad_weight", grad_y, x, output(weight.shape, dtype), *case[6:], case[3], units=16, package=direct)


@given(convolutions(), SEEDS)
def test_nan_and_infinity_reach_what_they_should(case, seed):
    x, weight, bias, grad_y = operands(case, seed, np.float32)
    for array, value in (x, np.nan), (x, np.inf), (weight, np.nan), (grad_y, np.nan):
        if array.size:
            array.flat[seed % array.size] = value
    agree("conv2d", x, weight, bias, output(grad_y.shape, np.float32), *case[6:], case[3], None, True, units=16, package=direct)
    agree("conv2d_grad_input", grad_y, weight, output(x.shape, np.float32), *case[6:], case[3], units=16, package=direct)
    agree("conv2d_grad_weight", grad_y, x, output(weight.shape, np.float32), *case[6:], case[3], units=16, package=direct)
