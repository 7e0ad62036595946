"""Winograd's convolutions: what test_convolution.py asks, with each tile size and whatever the geometry."""
import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from kernels import cpu
from kernels.cpu import sandwich, winograd
from tests.kernels.agreement import SEEDS, agree, numbers, output

ONE = (1, 1)
ALGORITHMS = ["winograd 2x2", "winograd 4x4"]
UNITS = {"winograd 2x2": 16, "winograd 4x4": 64}   # rounding errors that are allowed


@st.composite
def convolutions(draw):
    """images, channels, filters, size, padding."""
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    size = tuple(draw(st.integers(max(1, 3 - 2 * p), 21)) for p in padding)
    return draw(st.integers(0, 3)), draw(st.integers(1, 40)), draw(st.integers(1, 70)), size, padding


def known(test):
    for case in [(1, 1, 1, (1, 1), ONE), (2, 64, 64, (14, 14), ONE), (5, 20, 130, (7, 7), ONE), (1, 3, 8, (50, 70), ONE),
                 (3, 17, 5, (9, 4), (2, 0))]:
        test = example(case, 1)(test)
    return test


def operands(case, seed):
    """x, weight, bias, grad_y."""
    images, channels, filters, size, padding = case
    out = tuple(n + 2 * p - 2 for n, p in zip(size, padding))
    shapes = (images, channels, *size), (filters, channels, 3, 3), (filters,), (images, filters, *out)
    return [numbers(seed + i, shape, np.float32) for i, shape in enumerate(shapes)]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_agrees_with_reference(algorithm):
    @known
    @given(convolutions(), SEEDS)
    def all_three(case, seed):
        x, weight, bias, grad_y = operands(case, seed)
        settings, units = (ONE, case[-1], ONE, 1), UNITS[algorithm]
        with cpu.algorithm(algorithm):
            agree("conv2d", x, weight, bias, output(grad_y.shape, np.float32), *settings, units=units)
            agree("conv2d", x, weight, None, output(grad_y.shape, np.float32), *settings, grad_y, True, units=units)
            agree("conv2d_grad_input", grad_y, weight, output(x.shape, np.float32), *settings, units=units)
            agree("conv2d_grad_weight", grad_y, x, output(weight.shape, np.float32), *settings, units=2 * units)

    all_three()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("rows", [1, 3])
def test_a_few_rows_of_tiles_at_a_time(algorithm, rows, monkeypatch):
    """As large images are worked off, whose tiles do not all fit into the cache."""
    x, weight, bias, grad_y = operands((3, 20, 40, (13, 11), ONE), 0)
    settings, units = (ONE, ONE, ONE, 1), UNITS[algorithm]
    monkeypatch.setattr(winograd, "_share", lambda count, most: rows)
    try:
        for plan in winograd._plan_of, winograd._grad_weight_plan:
            plan.cache_clear()
        with cpu.algorithm(algorithm):
            agree("conv2d", x, weight, bias, output(grad_y.shape, np.float32), *settings, grad_y, True, units=units)
            agree("conv2d_grad_input", grad_y, weight, output(x.shape, np.float32), *settings, units=units)
            agree("conv2d_grad_weight", grad_y, x, output(weight.shape, np.float32), *settings, units=2 * units)
    finally:
        for plan in winograd._plan_of, winograd._grad_weight_plan:
            plan.cache_clear()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_stay_near(algorithm, value):
    """They reach all that the definition lets them reach, and no other image, and nothing further away than a tile."""
    x, weight, bias, y = operands((3, 20, 40, (23, 23), ONE), 0)
    x[1, 5, 11, 12] = value
    with cpu.algorithm(algorithm):
        cpu.conv2d(x, weight, bias, y, ONE, ONE, ONE, 1)
    assert not np.isfinite(y[1, :, 10:13, 11:14]).any()
    y[1, :, 11 - 5:11 + 6, 12 - 5:12 + 6] = 0
    assert np.isfinite(y).all()


@pytest.mark.parametrize("m, points", [(2, 4), (4, 6)])
def test_matrices_make_a_correlation(m, points):
    """In one dimension, in float64: y = A^T [(G g) * (B^T d)]."""
    from_input, from_weight, to_output = map(np.array, sandwich._matrices(m))
    assert from_input.shape == (points, points) and from_weight.shape == (points, 3) and to_output.shape == (m, points)
    d, g = numbers(0, points, np.float64), numbers(1, 3, np.float64)
    np.testing.assert_allclose(to_output @ ((from_weight @ g) * (from_input @ d)), np.correlate(d, g, "valid"), atol=1e-10)
