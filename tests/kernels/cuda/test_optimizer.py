import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import kernels.cuda
from kernels import reference
from kernels.cuda import optimizer
from tests.kernels.agreement import DTYPES, SEEDS, changed, close, numbers
from tests.kernels.cuda.agreement import _place, agree, machine

SHAPES = st.sampled_from([(0,), (1,), (), (3, 5, 7), (2, 0, 3), (1027,), (256,)])
MANY = [(3, 5), (1,), (0,), (515,), (2, 2, 2), (1024,)]   # one just over a piece, one of two
PIECE = 512


@settings(max_examples=15)
@given(SHAPES, DTYPES, SEEDS, st.booleans(), st.sampled_from([(0.1, 0.9, 0.0), (1, 0.5, 0.01), (0.01, 0.9, 0.1)]))
def test_sgd_agrees_with_reference(shape, dtype, seed, nesterov, settings):
    parameter, gradient, velocity = (numbers(seed + i, shape, dtype) for i in range(3))
    agree("sgd", changed(parameter), gradient, changed(velocity), *settings, nesterov, terms=1)


@settings(max_examples=15)
@given(SHAPES, DTYPES, SEEDS, st.sampled_from([(0.1, 0, 0.0), (0.01, 0.0, 0.1)]))
def test_sgd_without_momentum_agrees_with_reference(shape, dtype, seed, settings):
    agree("sgd", changed(numbers(seed, shape, dtype)), numbers(seed + 1, shape, dtype), None, *settings, False, terms=1)


@settings(max_examples=15)
@given(SHAPES, DTYPES, SEEDS, st.sampled_from([1, 2, 1000]), st.sampled_from([0, 0.01]), st.sampled_from([(0.9, 0.999), (0, 0.5)]))
def test_adam_agrees_with_reference(shape, dtype, seed, step, weight_decay, betas):
    parameter, gradient, mean, square = _adam_arrays(seed, shape, dtype)
    agree("adam", changed(parameter), gradient, changed(mean), changed(square), 0.01, *betas, 1e-8, weight_decay, step, units=8, terms=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("momentum, nesterov, beside", [(0, False, 0), (0.9, False, 3), (0.9, True, 4)])
def test_sgd_of_all_parameters_is_that_of_each(momentum, nesterov, beside, dtype, monkeypatch):
    arrays = [[numbers(10 * place + i, shape, dtype) for place, shape in enumerate(MANY)] for i in range(3 if momentum else 2)]
    rest = momentum, 0.1, nesterov
    for lr in (0.1, _on_device([0.1], dtype)):
        _check_all("sgd", arrays, (lr, *rest), (0.1, *rest), beside, monkeypatch)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("beside", [3, 4])
def test_adam_of_all_parameters_is_that_of_each(beside, dtype, monkeypatch):
    arrays = list(zip(*[_adam_arrays(place, shape, dtype) for place, shape in enumerate(MANY)]))
    rest = 0.9, 0.999, 1e-8, 0.1
    for lr, step in ((0.01, 3), (_on_device([0.01], dtype), _on_device([3], np.int64))):
        _check_all("adam", arrays, (lr, *rest, step), (0.01, *rest, 3), beside, monkeypatch)


def _adam_arrays(seed, shape, dtype):
    parameter, gradient, mean, square = (numbers(seed + i, shape, dtype) for i in range(4))
    return parameter, gradient, mean, 0.1 + np.abs(square)   # the smaller it is, the more its rounding matters


def _on_device(values, dtype):
    return machine().to_device(np.array(values, dtype))


def _check_all(name, arrays, settings, reference_settings, beside, monkeypatch):
    """Also: nothing is written beside an array, and a second step with arrays in the same places makes no new table."""
    monkeypatch.setattr(optimizer, "PIECE", PIECE)
    on, tables = machine(), {}
    placed = [[_place(on, array, beside) for array in one] for one in arrays]
    expected = [[array.astype(np.float64) for array in one] for one in arrays]
    lists = [[middle for _, middle in one] for one in placed] + [None] * (name == "sgd" and len(arrays) == 2)
    for _ in range(2):
        getattr(kernels.cuda, f"{name}_all")(*lists, *settings, tables)
        for each in zip(*expected):
            getattr(reference, name)(*each, *[None] * (name == "sgd" and len(arrays) == 2), *reference_settings)
    assert len(tables) == (arrays[0][0].dtype == np.float32)
    for ours, references in zip(placed, expected):
        for (whole, middle), wanted in zip(ours, references):
            close(name, middle.to_host(), wanted, units=16, terms=1)
            if beside:
                assert np.isnan(whole.to_host()).sum() >= 2 * beside
