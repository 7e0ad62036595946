import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from kernels import reference
from kernels.geometry import output_shape
from tests.kernels.agreement import DTYPES, SEEDS, agree, close, numbers, output


@st.composite
def windows(draw):
    """window, stride, padding, the size of an image into which they fit, and the size of the output."""
    window, stride = [draw(st.tuples(st.integers(1, most), st.integers(1, most))) for most in (5, 4)]
    padding = tuple(draw(st.integers(0, size // 2)) for size in window)
    size = tuple(draw(st.integers(max(1, w - 2 * p), 13)) for w, p in zip(window, padding))
    least = output_shape(size, window, stride, padding)
    hanging = tuple(n + (n * s - p < length) for n, s, p, length in zip(least, stride, padding, size))   # over the far edge
    return window, stride, padding, size, draw(st.sampled_from([least, hanging]))


HALVING = (2, 2), (2, 2), (0, 0)
OVERLAPPING = (3, 3), (2, 2), (1, 1)
PLANES = st.sampled_from([(0, 3), (1, 1), (2, 3), (50, 5)])


def many_sizes(test):
    for case in [(*HALVING, (28, 28), (14, 14)), (*HALVING, (10, 11), (5, 5)), (*HALVING, (3, 2), (1, 1)),
                 (*HALVING, (2, 71), (1, 35)), (*HALVING, (5, 5), (3, 3)), (*HALVING, (4, 5), (2, 3)),
                 (*OVERLAPPING, (35, 36), (18, 18)), (*OVERLAPPING, (4, 64), (2, 32)), (*OVERLAPPING, (13, 69), (7, 35)),
                 ((3, 3), (2, 2), (0, 0), (13, 13), (6, 6)), ((3, 3), (2, 2), (0, 0), (6, 40), (3, 20)),
                 ((3, 3), (1, 1), (1, 1), (7, 35), (7, 35)), ((5, 3), (3, 1), (2, 0), (9, 19), (3, 17)),
                 ((1, 3), (4, 1), (0, 1), (9, 17), (3, 17)), ((16, 16), (1, 1), (0, 0), (16, 16), (1, 1)),
                 ((3, 3), (1, 1), (1, 1), (7, 7), (7, 7)), ((3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
                 ((7, 7), (1, 1), (0, 0), (7, 7), (1, 1)),
                 ((85, 3), (1, 2), (42, 1), (5, 5), (5, 3)), ((2, 2), (2, 2), (1, 1), (1, 1), (1, 1)), (*OVERLAPPING, (1, 1), (1, 1))]:
        for dtype, odd in [(np.float32, False), (np.float32, True), (np.float64, True)]:
            test = example((20, 3), case, dtype, 1, odd)(test)
    return test


@many_sizes
@given(PLANES, windows(), DTYPES, SEEDS, st.booleans())
def test_max_pool_agrees_with_reference(planes, case, dtype, seed, special):
    window, stride, padding, size, output_size = case
    x, shape = numbers(seed, (*planes, *size), dtype, special, ties=True), (*planes, *output_size)
    y, switches = agree("max_pool2d", x, output(shape, dtype), output(shape, np.uint8), window, stride, padding, units=0)
    agree("max_pool2d_grad_input", numbers(seed + 1, y.shape, dtype), switches, output(x.shape, dtype), window, stride, padding)


@many_sizes
@given(PLANES, windows(), DTYPES, SEEDS, st.booleans())
def test_avg_pool_agrees_with_reference(planes, case, dtype, seed, count_include_pad):
    window, stride, padding, size, output_size = case
    x, shape = numbers(seed, (*planes, *size), dtype), (*planes, *output_size)
    settings = window, stride, padding, count_include_pad
    agree("avg_pool2d", x, output(shape, dtype), *settings, units=8)
    agree("avg_pool2d_grad_input", numbers(seed + 1, shape, dtype), output(x.shape, dtype), *settings, units=8)


SETTINGS = pytest.mark.parametrize("window, stride, padding, size", [
    (*HALVING, (6, 7)), (*OVERLAPPING, (7, 8)), ((3, 2), (1, 3), (1, 0), (6, 9)), ((3, 3), (1, 1), (0, 0), (5, 5)),
])


@SETTINGS
def test_reference_of_max_pool_is_torch(window, stride, padding, size, torch):
    x = numbers(0, (2, 3, *size), np.float64)
    x[0, 0, 2:5, 1:4] = -np.inf
    variable = torch.tensor(x, requires_grad=True)
    result, indices = torch.nn.functional.max_pool2d(variable, window, stride, padding, return_indices=True)
    grad_y = numbers(1, tuple(result.shape), np.float64)
    result.backward(torch.tensor(grad_y))
    y, switches, grad_x = np.empty(result.shape), np.empty(result.shape, np.uint8), np.empty_like(x)
    reference.max_pool2d(x, y, switches, window, stride, padding)
    reference.max_pool2d_grad_input(grad_y, switches, grad_x, window, stride, padding)
    close("max_pool2d", y, result.detach().numpy(), units=0)
    close("max_pool2d_grad_input", grad_x, variable.grad.numpy())
    i, j = np.indices(y.shape[2:])
    rows, columns = i * stride[0] - padding[0] + switches // window[1], j * stride[1] - padding[1] + switches % window[1]
    np.testing.assert_array_equal(rows * size[1] + columns, indices.numpy())


def test_nan_wins_in_reference_as_in_torch(torch):
    x = numbers(0, (2, 3, 9, 9), np.float64)
    x[0, 0, 4, 4] = np.nan
    result = torch.nn.functional.max_pool2d(torch.tensor(x), 3, 2)
    y, switches = np.empty(result.shape), np.empty(result.shape, np.uint8)
    reference.max_pool2d(x, y, switches, (3, 3), (2, 2), (0, 0))
    close("max_pool2d", y, result.numpy(), units=0)
    assert np.isnan(y).sum() == 4


@pytest.mark.parametrize("ceil_mode", [False, True])
@SETTINGS
@pytest.mark.parametrize("count_include_pad", [True, False])
def test_reference_of_avg_pool_is_torch(window, stride, padding, size, count_include_pad, ceil_mode, torch):
    x = numbers(0, (2, 3, *size), np.float64)
    variable = torch.tensor(x, requires_grad=True)
    result = torch.nn.functional.avg_pool2d(variable, window, stride, padding, ceil_mode, count_include_pad)
    grad_y = numbers(1, tuple(result.shape), np.float64)
    result.backward(torch.tensor(grad_y))
    y, grad_x = np.empty(result.shape), np.empty_like(x)
    reference.avg_pool2d(x, y, window, stride, padding, count_include_pad)
    reference.avg_pool2d_grad_input(grad_y, grad_x, window, stride, padding, count_include_pad)
    close("avg_pool2d", y, result.detach().numpy())
    close("avg_pool2d_grad_input", grad_x, variable.grad.numpy())
