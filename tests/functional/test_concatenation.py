"""F.cat and F.stack."""
import re

import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from tests.functional.checks import case, three_questions

TestJoining = three_questions(
    case("cat", (2, 3), (1, 3), (4, 3), as_list=True),
    case("cat", (2, 1, 3), (2, 1, 2), dim=-1, as_list=True),
    case("cat", (2, 4, 3, 3), (2, 1, 3, 3), (2, 2, 3, 3), dim=1, as_list=True),
    case("cat", (0, 3), (2, 3), as_list=True),
    case("stack", (2, 3), (2, 3), as_list=True),
    case("stack", (2, 3), (2, 3), dim=-1, as_list=True),
)


def test_types_other_than_floating_point_are_joined_too():
    labels = mc.arange(3)
    assert mc.cat([labels, labels]).tolist() == [0, 1, 2, 0, 1, 2] and mc.cat([labels, labels]).dtype == np.int64
    assert mc.stack([labels > 0, labels > 1], 1).tolist() == [[False, False], [True, False], [True, True]]


def test_only_needed_gradients_are_computed():
    parts = mc.randn(2, 3, 4, requires_grad=True), mc.randn(2, 1, 4), mc.randn(2, 2, 4, requires_grad=True)
    joined = F.cat(parts, 1)
    gradients = joined.creator.backward(np.arange(48, dtype=np.float32).reshape(2, 6, 4))
    assert gradients[1] is None and gradients[2][1].tolist() == [[40, 41, 42, 43], [44, 45, 46, 47]]


@pytest.mark.parametrize("call, error, sentence", [
    (lambda x: F.cat([x, mc.zeros(2, 4)]), ValueError, "cat: shapes (2, 3) and (2, 4) differ elsewhere than in dim 0"),
    (lambda x: F.cat([x, x.double()]), TypeError, "Concatenate: arrays is float32, but input 1 is float64"),
    (lambda x: F.cat([]), ValueError, "cat: expected at least one tensor"),
    (lambda x: F.cat([x, x], 2), IndexError, "cat: dim 2 is out of range for a tensor with 2 axes"),
    (lambda x: F.stack([x, x.T]), ValueError, "stack: shapes (2, 3) and (3, 2) differ"),
])
def test_what_does_not_fit_is_named(call, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        call(mc.zeros(2, 3))
