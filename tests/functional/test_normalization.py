"""F.local_response_norm, F.batch_norm, and the BatchNorm below it, which can add and rectify as well."""
import importlib

import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from minicnn.functional.normalization import BatchNorm
from tests.functional.checks import case, close, three_questions

MEAN, VARIANCE = np.linspace(-1, 1, 4), np.linspace(0.5, 2, 4)


def in_training(x, weight=None, bias=None):
    return functional_of(x).batch_norm(x, None, None, weight, bias, training=True, eps=1e-3)


def in_evaluation(x, weight, bias):
    return functional_of(x).batch_norm(x, like(x, MEAN), like(x, VARIANCE), weight, bias)


def fused(training):
    """Batch norm, residual addition and ReLU in one; for PyTorch, one after the other."""
    def function(x, weight, bias, residual):
        if isinstance(x, mc.Tensor):
            batch_norm = BatchNorm((None, None) if training else (like(x, MEAN), like(x, VARIANCE)), 0.1, 1e-5, training)
            batch_norm.residual = batch_norm.rectify = True
            return batch_norm(x, weight, bias, residual)
        return (functional_of(x).batch_norm(x, like(x, MEAN), like(x, VARIANCE), weight, bias, training) + residual).relu()
    return function


def functional_of(x):
    return F if isinstance(x, mc.Tensor) else importlib.import_module("torch.nn.functional")


def like(x, array):
    """As a tensor of x's library and type."""
    return mc.tensor(array.astype(x.dtype)) if isinstance(x, mc.Tensor) else x.new_tensor(array)


SHAPES = [(5, 4), (3, 4, 7), (2, 4, 3, 5), (0, 4, 2, 2)]

TestBatchNorm = three_questions(*(case(function, shape, (4,), (4,)) for function in (in_training, in_evaluation) for shape in SHAPES),
                                case(in_training, (3, 4, 5)),
                                *(case(fused(training), (3, 4, 5, 2), (4,), (4,), (3, 4, 5, 2)) for training in (True, False)))


TestLocalResponseNorm = three_questions(*(case("local_response_norm", shape, **settings)
                                          for shape in [(2, 7, 3, 2), (3, 4, 5), (0, 3, 2, 2)]
                                          for settings in [{"size": 5}, {"size": 2, "alpha": 0.5, "beta": 0.5, "k": 2.0}]))


@pytest.mark.parametrize("shape", [(5, 4), (3, 4, 2, 2)])
def test_running_statistics_move_as_torchs(shape, torch):
    x = np.random.default_rng(0).standard_normal(shape)
    ours = mc.tensor(MEAN), mc.tensor(VARIANCE)
    theirs = torch.tensor(MEAN), torch.tensor(VARIANCE)
    for _ in range(2):
        F.batch_norm(mc.tensor(x), *ours, training=True, momentum=0.3)
        torch.nn.functional.batch_norm(torch.tensor(x), *theirs, training=True, momentum=0.3)
    close([tensor.numpy() for tensor in ours], [tensor.numpy() for tensor in theirs], 1e-12)


def test_running_statistics_stay_in_evaluation_and_without_values():
    mean, variance = mc.tensor(MEAN), mc.tensor(VARIANCE)
    F.batch_norm(mc.ones(2, 4).double(), mean, variance)
    F.batch_norm(mc.ones(0, 4).double(), mean, variance, training=True)
    np.testing.assert_array_equal(mean.numpy(), MEAN)
    np.testing.assert_array_equal(variance.numpy(), VARIANCE)


def test_backward_goes_by_the_statistics_that_forward_went_by():
    mean, variance, x = mc.zeros(1), mc.ones(1), mc.tensor(np.ones((1, 1), np.float32), requires_grad=True)
    y = F.batch_norm(x, mean, variance, eps=0.0)
    variance.copy_(np.array([100], np.float32))
    y.sum().backward()
    assert x.grad.tolist() == [[1]]


def test_only_needed_gradients_are_taken():
    x, weight = mc.randn(3, 2, 4), mc.tensor(np.ones(2, np.float32), requires_grad=True)
    F.batch_norm(x, None, None, weight, training=True).sum().backward()
    assert weight.grad is not None and x.grad is None


def test_nan_stays_in_its_channel():
    x = np.ones((2, 2, 3), np.float32)
    x[0, 0, 0] = np.nan
    y = F.batch_norm(mc.tensor(x), None, None, training=True).numpy()
    assert np.isnan(y[:, 0]).all() and (y[:, 1] == 0).all()


FOUR = mc.ones(4)


@pytest.mark.parametrize("error, message, arguments", [
    (TypeError, "x must be a Tensor, not list", ([1.0], None, None)),
    (ValueError, r"x must have the shape \(N, C, ...\), not \(4,\)", (FOUR, None, None)),
    (ValueError, r"weight \(4,\) must have one value for each of the 3 channels of x \(2, 3\)",
     (mc.ones(2, 3), None, None, FOUR, None, True)),
    (ValueError, "without training=True it normalises by running statistics, but running_var is None", (mc.ones(2, 4), FOUR, None)),
    (TypeError, r"running_mean is float64, but x is float32; convert one of them", (mc.ones(2, 4), FOUR.double(), FOUR)),
    (ValueError, r"in training a channel needs more than one value, and x \(1, 4, 1\) has one",
     (mc.ones(1, 4, 1), None, None, None, None, True)),
])
def test_errors_say_what_does_not_fit(error, message, arguments):
    with pytest.raises(error, match=f"batch_norm: {message}"):
        F.batch_norm(*arguments)


@pytest.mark.parametrize("error, message, arguments", [
    (TypeError, "x must be a Tensor, not list", ([1.0], 5)),
    (ValueError, r"x must have the shape \(N, C, L\) or \(N, C, H, W\), not \(2, 3\)", (mc.ones(2, 3), 5)),
    (ValueError, "size must be an integer of at least 1, not 0", (mc.ones(2, 3, 4), 0)),
])
def test_local_response_norm_says_what_does_not_fit(error, message, arguments):
    with pytest.raises(error, match=f"local_response_norm: {message}"):
        F.local_response_norm(*arguments)
