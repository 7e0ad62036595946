import numpy as np
import pytest
from hypothesis import given, strategies as st

from kernels import reference
from tests.kernels.agreement import DTYPES, SEEDS, SHAPES, agree, close, numbers, output

TINY = 1e-31   # below the least normal number, single precision's 1 / (1 + e^-x) is 0

FUNCTIONS = pytest.mark.parametrize("function", ["relu", "tanh", "sigmoid"])


@FUNCTIONS
@given(SHAPES, DTYPES, SEEDS, st.sampled_from([0.1, 1, 30]), st.booleans())
def test_cpu_agrees_with_reference(function, shape, dtype, seed, spread, special):
    x = numbers(seed, shape, dtype, special) * dtype(spread)
    y, = agree(function, x, output(shape, dtype), each=True, terms=TINY)
    agree(function + "_grad_input", numbers(seed + 1, shape, dtype), y, output(shape, dtype), terms=1)


@FUNCTIONS
def test_extremes_have_their_limits(function):
    x = np.array([-np.inf, -1e30, -104, -88.9, 88.9, 104, 1e30, np.inf, np.nan], np.float32)
    y, = agree(function, x, output(x.shape, np.float32), each=True, terms=TINY)
    low, high = {"relu": (0, np.inf), "tanh": (-1, 1), "sigmoid": (0, 1)}[function]
    np.testing.assert_array_equal(y[[0, 1, 7, 8]], np.array([low, low, high, np.nan], np.float32))


@FUNCTIONS
def test_reference_is_torch(function, torch):
    x, grad_y = numbers(0, (100,), np.float64, special=True) * 3, numbers(1, (100,), np.float64)
    variable = torch.tensor(x, requires_grad=True)
    result = getattr(torch, function)(variable)
    result.backward(torch.tensor(grad_y))
    y, grad_x = np.empty(100), np.empty(100)
    getattr(reference, function)(x, y)
    getattr(reference, function + "_grad_input")(grad_y, y, grad_x)
    close(function, y, result.detach().numpy())
    close(function, grad_x, variable.grad.numpy())


@given(SHAPES, DTYPES, SEEDS, st.sampled_from([0, 0.01, 3.0]), st.booleans())
def test_leaky_relu_agrees_with_reference(shape, dtype, seed, slope, special):
    y, = agree("leaky_relu", numbers(seed, shape, dtype, special), output(shape, dtype), slope, each=True)
    agree("leaky_relu_grad_input", numbers(seed + 1, shape, dtype), y, output(shape, dtype), slope, each=True)


def test_reference_of_leaky_relu_is_torch(torch):
    x, grad_y = numbers(0, (100,), np.float64, special=True), numbers(1, (100,), np.float64)
    variable = torch.tensor(x, requires_grad=True)
    result = torch.nn.functional.leaky_relu(variable, 0.2)
    result.backward(torch.tensor(grad_y))
    y, grad_x = np.empty(100), np.empty(100)
    reference.leaky_relu(x, y, 0.2)
    reference.leaky_relu_grad_input(grad_y, y, grad_x, 0.2)
    close("leaky_relu", y, result.detach().numpy(), units=0)
    close("leaky_relu", grad_x, variable.grad.numpy(), units=0)
