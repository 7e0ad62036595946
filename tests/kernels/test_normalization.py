import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from kernels import reference
from tests.kernels.agreement import DTYPES, SEEDS, agree, changed, close, numbers, output

# Small ones; planes that end in the middle of a register, or fill several; many pieces; a sum of several parts.
SHAPES = st.sampled_from([(2, 3), (7, 20), (0, 3), (2, 0, 4), (3, 2, 0), (2, 1, 1, 1), (4, 5, 3, 3), (2, 3, 9, 7), (16, 40, 7, 7),
                          (3, 4, 130), (1, 2, 129, 129), (90, 130)])
EPSILON = 1e-5


def mostly_finite(x, special):
    """Only in the last channel: the others are finite, or nothing would be compared but NaN."""
    if special and x.size:
        x[:, :-1] = np.nan_to_num(x[:, :-1], posinf=1, neginf=-1)
    return x


def condition(x):
    """How much larger than its deviation the mean of a channel is, at most: so much of rounding errors the normalised values show."""
    axes = (0, *range(2, x.ndim))
    with np.errstate(invalid="ignore"):
        each = np.abs(x).max(axes, initial=0) / np.sqrt(x.std(axes) ** 2 + EPSILON) if x.size else np.zeros(1)
    return 1 + each[np.isfinite(each)].max(initial=0)


def affine(seed, channels, dtype):
    return numbers(seed + 1, (channels,), dtype), numbers(seed + 2, (channels,), dtype)


@example((90, 130), np.float32, 1, True)
@given(SHAPES, DTYPES, SEEDS, st.booleans())
def test_statistics_agree_with_reference(shape, dtype, seed, special):
    x, per_channel = mostly_finite(numbers(seed, shape, dtype, special), special), shape[1:2]
    agree("batch_statistics", x, output(per_channel, dtype), output(per_channel, dtype), units=20, terms=1)


@given(SHAPES, DTYPES, SEEDS, st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_batch_norm_agrees_with_reference(shape, dtype, seed, is_affine, has_residual, rectify, special):
    x = mostly_finite(numbers(seed, shape, dtype, special), special)
    weight, bias = affine(seed, shape[1], dtype) if is_affine else (None, None)
    residual = numbers(seed + 3, shape, dtype) if has_residual else None
    mean, variance = numbers(seed + 4, shape[1:2], dtype), numbers(seed + 5, shape[1:2], dtype) ** 2
    agree("batch_norm", x, mean, variance, weight, bias, residual, output(shape, dtype), EPSILON, rectify, units=8)
    agree("batch_norm_training", x, weight, bias, residual, output(shape[1:2], dtype), output(shape[1:2], dtype),
          output(shape, dtype), EPSILON, rectify, units=20, terms=condition(x))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_running_statistics_move(dtype):
    shape, given_here = (4, 3, 5), [changed(np.full(3, 2, dtype)), changed(np.full(3, 3, dtype)), changed(np.int64(7))]
    outputs = [output(size, dtype) for size in ((3,), (3,), shape)]
    for running in (given_here, [None, *given_here[1:]], [given_here[0], None, None]):
        agree("batch_norm_training", numbers(0, shape, dtype), *affine(0, 3, dtype), None, *outputs, EPSILON, False, *running, 0.25,
              units=20)


@given(SHAPES, DTYPES, SEEDS, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_gradients_agree_with_reference(shape, dtype, seed, training, rectify, has_residual, wants_input, wants_weight, special):
    x, grad_y = mostly_finite(numbers(seed, shape, dtype, special), special), numbers(seed + 1, shape, dtype)
    y = numbers(seed + 2, shape, dtype, special, ties=True) if rectify else None
    mean, variance = numbers(seed + 4, shape[1:2], dtype), numbers(seed + 5, shape[1:2], dtype) ** 2 + dtype(0.1)
    weight = numbers(seed + 6, shape[1:2], dtype) if seed % 2 else None
    outputs = [output(size, dtype) if wanted else None for size, wanted in
               ((shape, wants_input), (shape[1:2], wants_weight), (shape[1:2], wants_weight), (shape, has_residual))]
    agree("batch_norm_grad", grad_y, x, mean, variance, weight, y, *outputs, EPSILON, training, units=8, terms=30)


def test_a_constant_channel_and_one_far_from_zero():
    x = numbers(0, (8, 3, 11, 11), np.float32)
    x[:, 0], x[:, 1] = 3, 1000 + x[:, 1] / 100
    mean, variance = agree("batch_statistics", x, output((3,), np.float32), output((3,), np.float32))
    exact = x.astype(np.float64)
    assert variance[0] == 0
    np.testing.assert_allclose(variance, exact.var(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 2, 3)), rtol=1e-7, atol=1e-7)


def test_images_far_from_the_first_one():
    x = numbers(0, (64, 1, 100), np.float32)
    x[1:] += 1e4
    _, variance = agree("batch_statistics", x, output((1,), np.float32), output((1,), np.float32))
    np.testing.assert_allclose(variance, x.astype(np.float64).var(axis=(0, 2)), rtol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_reference_of_batch_norm_is_torch(training, torch):
    x, residual, grad_y = (numbers(seed, (5, 3, 4, 2), np.float64) for seed in range(3))
    mean, variance, weight, bias = (numbers(seed, (3,), np.float64) for seed in range(3, 7))
    variance = variance ** 2
    inputs = [torch.tensor(array, requires_grad=True) for array in (x, weight, bias, residual)]
    result = torch.nn.functional.batch_norm(inputs[0], torch.tensor(mean), torch.tensor(variance), *inputs[1:3], training) + inputs[3]
    result.relu().backward(torch.tensor(grad_y))
    y, grads = np.empty_like(x), [np.empty_like(array) for array in (x, weight, bias, residual)]
    if training:
        reference.batch_norm_training(x, weight, bias, residual, mean, variance, y, EPSILON, True)
    else:
        reference.batch_norm(x, mean, variance, weight, bias, residual, y, EPSILON, True)
    close("batch_norm", y, result.relu().detach().numpy(), units=20)
    reference.batch_norm_grad(grad_y, x, mean, variance, weight, y, *grads, EPSILON, training)
    for found, expected in zip(grads, inputs):
        close("batch_norm_grad", found, expected.grad.numpy(), units=100)


# Small ones; windows wider than there are channels; several strips of positions.
LRN_SHAPES = st.sampled_from([(0, 3, 2, 2), (1, 1, 1, 1), (2, 7, 3, 5), (3, 12, 600), (1, 4, 40, 41), (2, 9, 0)])


@given(LRN_SHAPES, st.integers(1, 9), st.sampled_from([0.75, 0.5, 1.3]), DTYPES, SEEDS, st.booleans())
def test_local_response_norm_agrees_with_reference(shape, size, beta, dtype, seed, special):
    x, settings = numbers(seed, shape, dtype, special), (size, 0.3, beta, 2.0)
    agree("local_response_norm", x, output(shape, dtype), *settings, units=8)
    agree("local_response_norm_grad_input", numbers(seed + 1, shape, dtype), x, output(shape, dtype), *settings, units=20)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 20])
def test_reference_of_local_response_norm_is_torch(size, torch):
    x, grad_y = (numbers(seed, (2, 7, 3, 4), np.float64) for seed in range(2))
    x[0, 3, 1, 1] = np.nan
    variable = torch.tensor(x, requires_grad=True)
    result = torch.nn.functional.local_response_norm(variable, size, 0.3, 0.7, 2.0)
    result.backward(torch.tensor(grad_y))
    y, grad_x = np.empty_like(x), np.empty_like(x)
    reference.local_response_norm(x, y, size, 0.3, 0.7, 2.0)
    close("local_response_norm", y, result.detach().numpy(), units=20)
    reference.local_response_norm_grad_input(grad_y, x, grad_x, size, 0.3, 0.7, 2.0)
    close("local_response_norm_grad_input", grad_x, variable.grad.numpy(), units=100)
