import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from kernels import reference
from tests.kernels.agreement import DTYPES, SEEDS, agree, close, numbers, output

PLANES = st.sampled_from([(0, 3), (1, 1), (2, 3), (50, 5)])
SIZES = st.tuples(st.integers(1, 20), st.integers(1, 20))


@given(PLANES, SIZES, SIZES, DTYPES, SEEDS, st.booleans())
@example((20, 3), (13, 13), (6, 6), np.float32, 1, True)
@example((2, 3), (30, 70), (1, 1), np.float32, 1, True)
@example((2, 3), (3, 2), (7, 5), np.float32, 1, False)
def test_adaptive_max_pool_agrees_with_reference(planes, size, output_size, dtype, seed, special):
    x, shape = numbers(seed, (*planes, *size), dtype, special, ties=True), (*planes, *output_size)
    y, places = agree("adaptive_max_pool2d", x, output(shape, dtype), output(shape, np.int32), units=0)
    agree("adaptive_max_pool2d_grad_input", numbers(seed + 1, shape, dtype), places, output(x.shape, dtype), units=16)


@given(PLANES, SIZES, SIZES, DTYPES, SEEDS)
@example((20, 3), (13, 13), (6, 6), np.float32, 1)
@example((2, 3), (30, 70), (1, 1), np.float32, 1)
@example((2, 3), (3, 2), (7, 5), np.float32, 1)
def test_adaptive_avg_pool_agrees_with_reference(planes, size, output_size, dtype, seed):
    x, shape = numbers(seed, (*planes, *size), dtype), (*planes, *output_size)
    agree("adaptive_avg_pool2d", x, output(shape, dtype), units=8)
    agree("adaptive_avg_pool2d_grad_input", numbers(seed + 1, shape, dtype), output(x.shape, dtype), units=16)


@pytest.mark.parametrize("size, output_size", [((13, 13), (6, 6)), ((7, 9), (7, 2)), ((5, 4), (1, 1)), ((2, 3), (5, 4))])
def test_reference_is_torch(size, output_size, torch):
    x = np.round(numbers(0, (2, 3, *size), np.float64))   # with ties
    x[0, 0, 1, 1] = np.nan
    variable = torch.tensor(x, requires_grad=True)
    result, indices = torch.nn.functional.adaptive_max_pool2d(variable, output_size, return_indices=True)
    grad_y = numbers(1, tuple(result.shape), np.float64)
    result.backward(torch.tensor(grad_y))
    y, places, grad_x = np.empty(result.shape), np.empty(result.shape, np.int32), np.empty_like(x)
    reference.adaptive_max_pool2d(x, y, places)
    reference.adaptive_max_pool2d_grad_input(grad_y, places, grad_x)
    close("adaptive_max_pool2d", y, result.detach().numpy(), units=0)
    np.testing.assert_array_equal(places, indices.numpy())
    close("adaptive_max_pool2d_grad_input", grad_x, variable.grad.numpy())

    variable.grad = None
    result = torch.nn.functional.adaptive_avg_pool2d(variable, output_size)
    result.backward(torch.tensor(grad_y))
    reference.adaptive_avg_pool2d(x, y)
    reference.adaptive_avg_pool2d_grad_input(grad_y, grad_x)
    close("adaptive_avg_pool2d", y, result.detach().numpy())
    close("adaptive_avg_pool2d_grad_input", grad_x, variable.grad.numpy())
