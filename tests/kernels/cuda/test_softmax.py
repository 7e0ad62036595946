import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.kernels.agreement import DTYPES, SEEDS, numbers, output
from tests.kernels.cuda.agreement import agree
from tests.kernels.test_softmax import SPREADS

SIZES = st.sampled_from([(0, 3), (1, 1), (1, 10), (7, 10), (9, 12), (150, 5), (3, 129), (2, 1000), (3, 260), (1, 1030),
                         (1, 1028)])   # rows, classes


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
@settings(max_examples=12)
@given(SIZES, DTYPES, SEEDS, SPREADS, st.booleans())
def test_agrees_with_reference(function, shape, dtype, seed, spread, special):
    x = numbers(seed, shape, dtype, special) * dtype(spread)
    # a term's size decides how exact its exponential is
    y, = agree(function, x, output(shape, dtype), units=8 + 2 * spread)
    agree(function + "_grad_input", numbers(seed + 1, shape, dtype), y, output(shape, dtype), units=100)


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinities_and_extremes(function, dtype):
    most, inf, nan = np.finfo(dtype).max, np.inf, np.nan
    rows = [[1, -inf, 2], [-inf] * 3, [1, inf, 2], [inf] * 3, [1, nan, 2], [-inf, nan, 0], [most, 0, most], [-most] * 3,
            [-most, -inf, -inf]]
    x = np.array(rows, dtype)
    agree(function, x, output(x.shape, dtype))


@settings(max_examples=12)
@given(SIZES, DTYPES, SEEDS, SPREADS, st.sampled_from([0.0, 0.1, 1.0, 0]), st.sampled_from([-100, 0]))
def test_cross_entropy_agrees_with_reference(shape, dtype, seed, spread, label_smoothing, ignore_index):
    logits = numbers(seed, shape, dtype) * dtype(spread)
    labels = np.random.default_rng(seed).integers(0, shape[1], shape[0])
    labels[::3] = ignore_index
    options = label_smoothing, ignore_index
    losses, probabilities = agree("cross_entropy", logits, labels, output(shape[:1], dtype), output(shape, dtype), *options,
                                  units=8 + 2 * spread)
    assert (losses[::3] == 0).all()
    grad_losses = numbers(seed + 1, shape[:1], dtype)
    grad_logits, = agree("cross_entropy_grad_input", grad_losses, probabilities, labels, output(shape, dtype), *options)
    assert (grad_logits[::3] == 0).all()


def test_impossible_classes_cost_nothing_without_smoothing():
    logits, labels = np.array([[1, -np.inf, 2], [1, -np.inf, 2], [np.nan, 1, 2]], np.float32), np.array([0, 1, 1])
    outputs = output((3,), np.float32), output((3, 3), np.float32)
    losses, probabilities = agree("cross_entropy", logits, labels, *outputs, 0.0, -100)
    assert np.isfinite(losses[0]) and losses[1] == np.inf and np.isnan(losses[2])
    np.testing.assert_array_equal(probabilities[:, 1], np.array([0, 0, np.nan], np.float32))
