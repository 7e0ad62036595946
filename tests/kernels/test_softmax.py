import numpy as np
import pytest
from hypothesis import given, strategies as st

from kernels import reference
from tests.kernels.agreement import DTYPES, SEEDS, agree, close, numbers, output

SIZES = st.sampled_from([(0, 3), (1, 1), (1, 10), (7, 10), (64, 10), (3, 129), (5, 2000), (1000, 9)])   # rows, classes
SPREADS = st.sampled_from([0.1, 1, 50])


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
@given(SIZES, DTYPES, SEEDS, SPREADS, st.booleans())
def test_cpu_agrees_with_reference(function, shape, dtype, seed, spread, special):
    x = numbers(seed, shape, dtype, special) * dtype(spread)
    # a term's size decides how exact its exponential is
    y, = agree(function, x, output(shape, dtype), units=8 + 2 * spread)
    agree(function + "_grad_input", numbers(seed + 1, shape, dtype), y, output(shape, dtype), units=100)


@given(SIZES, DTYPES, SEEDS, SPREADS, st.sampled_from([0.0, 0.1, 1.0, 0]), st.sampled_from([-100, 0]))
def test_cross_entropy_agrees_with_reference(shape, dtype, seed, spread, label_smoothing, ignore_index):
    logits = numbers(seed, shape, dtype) * dtype(spread)
    labels = np.random.default_rng(seed).integers(0, shape[1], shape[0])
    labels[::3] = ignore_index
    settings = label_smoothing, ignore_index
    losses, probabilities = agree("cross_entropy", logits, labels, output(shape[:1], dtype), output(shape, dtype), *settings,
                                  units=8 + 2 * spread)
    assert (losses[::3] == 0).all()
    grad_losses = numbers(seed + 1, shape[:1], dtype)
    grad_logits, = agree("cross_entropy_grad_input", grad_losses, probabilities, labels, output(shape, dtype), *settings)
    assert (grad_logits[::3] == 0).all()


def test_impossible_classes_cost_nothing_without_smoothing():
    logits, labels = np.array([[1, -np.inf, 2], [1, -np.inf, 2], [np.nan, 1, 2]], np.float32), np.array([0, 1, 1])
    outputs = output((3,), np.float32), output((3, 3), np.float32)
    losses, probabilities = agree("cross_entropy", logits, labels, *outputs, 0.0, -100)
    assert np.isfinite(losses[0]) and losses[1] == np.inf and np.isnan(losses[2])
    np.testing.assert_array_equal(probabilities[:, 1], np.array([0, 0, np.nan], np.float32))


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
def test_reference_is_torch(function, torch):
    x, grad_y = numbers(0, (20, 11), np.float64) * 5, numbers(1, (20, 11), np.float64)
    x[3, 4], x[5] = np.nan, -np.inf
    variable = torch.tensor(x, requires_grad=True)
    result = getattr(torch, function)(variable, dim=1)
    result.backward(torch.tensor(grad_y))
    y, grad_x = np.empty_like(x), np.empty_like(x)
    with np.errstate(invalid="ignore"):   # a row of minus infinities
        getattr(reference, function)(x, y)
    getattr(reference, function + "_grad_input")(grad_y, y, grad_x)
    close(function, y, result.detach().numpy(), units=20)
    close(function, grad_x, variable.grad.numpy(), units=100)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_reference_of_cross_entropy_is_torch(label_smoothing, torch):
    logits, labels = numbers(0, (20, 11), np.float64) * 5, np.random.default_rng(0).integers(0, 11, 20)
    labels[[2, 5]] = -100
    variable = torch.tensor(logits, requires_grad=True)
    result = torch.nn.functional.cross_entropy(variable, torch.tensor(labels), reduction="none", label_smoothing=label_smoothing)
    grad_losses = numbers(1, (20,), np.float64)
    result.backward(torch.tensor(grad_losses))
    losses, probabilities, grad_logits = np.empty(20), np.empty_like(logits), np.empty_like(logits)
    reference.cross_entropy(logits, labels, losses, probabilities, label_smoothing, -100)
    reference.cross_entropy_grad_input(grad_losses, probabilities, labels, grad_logits, label_smoothing, -100)
    close("cross_entropy", losses, result.detach().numpy(), units=20)
    close("cross_entropy", grad_logits, variable.grad.numpy(), units=20)
