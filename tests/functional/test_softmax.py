"""F.softmax and F.log_softmax."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from tests.functional.checks import case, three_questions

SHAPES_AND_DIMS = [((5, 7), 1), ((5, 7), 0), ((2, 3, 4, 5), -1), ((2, 3, 4, 5), 1), ((6,), 0), ((0, 4), 1)]

TestSoftmax = three_questions(*(case(name, shape, dim=dim) for name in ("softmax", "log_softmax")
                                for shape, dim in SHAPES_AND_DIMS))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_large_numbers_do_not_overflow(kind):
    x = mc.tensor(np.array([[1000, 0, -1000]], kind))
    assert F.softmax(x, 1).tolist() == [[1, 0, 0]]
    assert F.log_softmax(x, 1).tolist() == [[0, -1000, -2000]]


def test_dim_is_checked():
    with pytest.raises(IndexError, match="softmax: dim 2 is out of range for a tensor with 2 axes"):
        F.softmax(mc.zeros(2, 3), 2)
