from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from kernels.cuda import normalization
from tests.kernels.agreement import DTYPES, SEEDS, changed, numbers, output
from tests.kernels.cuda.agreement import agree
from tests.kernels.test_normalization import EPSILON, affine, condition, mostly_finite

# Small ones; planes that are multiples of four and such that are not; more numbers than threads; a channel for several blocks.
SHAPES = st.sampled_from([(2, 3), (7, 20), (0, 3), (2, 0, 4), (3, 2, 0), (2, 1, 1, 1), (4, 5, 3, 3), (2, 3, 9, 7), (3, 2, 2, 10),
                          (5, 3, 7, 7), (5, 2, 9, 12)])
SEVERAL_BLOCKS = st.booleans()


def dealt(several_blocks):
    """Even small channels are dealt to several blocks, if wanted."""
    return mock.patch.multiple(normalization, _WHOLE=16 if several_blocks else 8192, _BLOCK=32)


@settings(max_examples=15)
@given(SHAPES, SEVERAL_BLOCKS, DTYPES, SEEDS, st.booleans())
def test_statistics(shape, several_blocks, dtype, seed, special):
    x, per_channel = mostly_finite(numbers(seed, shape, dtype, special), special), shape[1:2]
    with dealt(several_blocks):
        agree("batch_statistics", x, output(per_channel, dtype), output(per_channel, dtype), units=20, terms=1)


@settings(max_examples=15)
@given(SHAPES, SEVERAL_BLOCKS, DTYPES, SEEDS, st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_batch_norm(shape, several_blocks, dtype, seed, is_affine, has_residual, rectify, special):
    x = mostly_finite(numbers(seed, shape, dtype, special), special)
    weight, bias = affine(seed, shape[1], dtype) if is_affine else (None, None)
    residual = numbers(seed + 3, shape, dtype) if has_residual else None
    mean, variance = numbers(seed + 4, shape[1:2], dtype), numbers(seed + 5, shape[1:2], dtype) ** 2
    agree("batch_norm", x, mean, variance, weight, bias, residual, output(shape, dtype), EPSILON, rectify, units=8)
    with dealt(several_blocks):
        agree("batch_norm_training", x, weight, bias, residual, output(shape[1:2], dtype), output(shape[1:2], dtype),
              output(shape, dtype), EPSILON, rectify, units=20, terms=condition(x))


@pytest.mark.parametrize("several_blocks", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_running_statistics(dtype, several_blocks):
    shape, given_here = (4, 3, 5), [changed(np.full(3, 2, dtype)), changed(np.full(3, 3, dtype)), changed(np.int64(7))]
    outputs = [output(size, dtype) for size in ((3,), (3,), shape)]
    for running in (given_here, [None, *given_here[1:]], [given_here[0], None, None]):
        with dealt(several_blocks):
            agree("batch_norm_training", numbers(0, shape, dtype), *affine(0, 3, dtype), None, *outputs, EPSILON, False, *running, 0.25,
                  units=20)


@settings(max_examples=40)
@given(SHAPES, SEVERAL_BLOCKS, DTYPES, SEEDS, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_gradients(shape, several_blocks, dtype, seed, training, rectify, has_residual, wants_input, wants_weight, special):
    x, grad_y = mostly_finite(numbers(seed, shape, dtype, special), special), numbers(seed + 1, shape, dtype)
    y = numbers(seed + 2, shape, dtype, special, ties=True) if rectify else None
    mean, variance = numbers(seed + 4, shape[1:2], dtype), numbers(seed + 5, shape[1:2], dtype) ** 2 + dtype(0.1)
    weight = numbers(seed + 6, shape[1:2], dtype) if seed % 2 else None
    outputs = [output(size, dtype) if wanted else None for size, wanted in
               ((shape, wants_input), (shape[1:2], wants_weight), (shape[1:2], wants_weight), (shape, has_residual))]
    with dealt(several_blocks):
        agree("batch_norm_grad", grad_y, x, mean, variance, weight, y, *outputs, EPSILON, training, units=8, terms=30)


@pytest.mark.parametrize("shape", [(8, 3, 11, 11), (8, 3, 12, 12)])
def test_a_constant_channel_and_one_far_from_zero(shape):
    x = numbers(0, shape, np.float32)
    x[:, 0], x[:, 1] = 3, 1000 + x[:, 1] / 100
    mean, variance = agree("batch_statistics", x, output((3,), np.float32), output((3,), np.float32))
    exact = x.astype(np.float64)
    assert variance[0] == 0
    np.testing.assert_allclose(variance, exact.var(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 2, 3)), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("first", [1, 100])
def test_numbers_far_from_the_first_ones(first):
    x = numbers(0, (64, 1, 100), np.float32)
    x.reshape(-1)[first:] += 1e4
    _, variance = agree("batch_statistics", x, output((1,), np.float32), output((1,), np.float32))
    np.testing.assert_allclose(variance, x.astype(np.float64).var(axis=(0, 2)), rtol=1e-5)


LRN_SHAPES = st.sampled_from([(0, 3, 2, 2), (1, 1, 1, 1), (2, 7, 3, 5), (1, 35, 3), (1, 64, 2), (2, 4, 10, 9), (2, 9, 0)])


@example((1, 35, 3), 5, 0.75, np.float32, 1, False)   # a second share of the channels of a position
@example((1, 64, 2), 5, 0.5, np.float32, 1, True)
@settings(max_examples=15)
@given(LRN_SHAPES, st.one_of(st.just(5), st.integers(1, 9)), st.sampled_from([0.75, 0.5, 1.3]), DTYPES, SEEDS, st.booleans())
def test_local_response_norm(shape, size, beta, dtype, seed, special):
    x, options = numbers(seed, shape, dtype, special), (size, 0.3, beta, 2.0)
    agree("local_response_norm", x, output(shape, dtype), *options, units=8)
    agree("local_response_norm_grad_input", numbers(seed + 1, shape, dtype), x, output(shape, dtype), *options, units=20)
