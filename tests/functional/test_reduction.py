"""Sums, means, maxima."""
import re

import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from tests.functional.checks import case, three_questions

DIMS = [None, 0, -1, (0, 2), (1, 2), (0, 1, 2)]

TestReductions = three_questions(
    *(case(name, (3, 4, 5), dim=dim, keepdim=keepdim) for name in ("sum", "mean", "amax") for dim in DIMS[1:]
      for keepdim in (False, True)),
    *(case(lambda x, name=name: getattr(x, name)(), (3, 4, 5)) for name in ("sum", "mean", "amax", "max")),
    case(lambda x: x.max(1).values, (3, 4, 5)),
    case(lambda x: x.sum(), ()),
    case(lambda x: x.sum(0), (0, 4)),
)


def test_equal_maxima_share_the_gradient(torch):
    values = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]
    ours, theirs = mc.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    ours.amax(1).sum().backward()
    theirs.amax(1).sum().backward()
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-6)


def test_where_the_maximum_was():
    x = mc.tensor([[1.0, 5.0, 5.0], [7.0, 2.0, 1.0]])
    values, indices = x.max(1)
    assert values.tolist() == [5, 7] and indices.tolist() == [1, 0] and indices.dtype == np.int64
    assert x.argmax().item() == 3 and x.argmax(0).tolist() == [1, 0, 0] and x.argmax(1, keepdim=True).shape == (2, 1)


def test_booleans_and_integers_are_counted():
    found = mc.tensor([1, 2, 3]) == mc.tensor([1, 5, 3])
    assert found.sum().item() == 2 and found.sum().dtype == np.int64
    assert found.float().mean().item() == pytest.approx(2 / 3)
    assert mc.arange(6).reshape(2, 3).sum(1).tolist() == [3, 12]


def test_what_does_not_fit_is_named():
    x = mc.zeros(2, 3)
    for call, error, sentence in [
            (lambda: x.sum(2), IndexError, "sum: dim 2 is out of range for a tensor with 2 axes"),
            (lambda: x.sum((0, -2)), ValueError, "sum: dim (0, -2) names an axis twice"),
            (lambda: x.mean(0.5), TypeError, "mean: dim must be an integer, not 0.5"),
            (lambda: mc.zeros(0, 3).amax(0), ValueError, "amax: x (0, 3) has nothing along dim 0 to choose from"),
            (lambda: mc.zeros(0).argmax(), ValueError, "argmax: x (0,) is empty"),
            (lambda: F.mean(mc.arange(3)), TypeError, "Sum: x is int64, but must be float32 or float64")]:
        with pytest.raises(error, match=re.escape(sentence)):
            call()
