"""F.relu, F.tanh, F.sigmoid."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from tests.functional.checks import case, three_questions

TestActivations = three_questions(*(case(name, shape) for name in ("relu", "tanh", "sigmoid")
                                    for shape in [(2, 3, 5, 4), (7,), (), (0, 3)]))


@pytest.mark.parametrize("function, low, high", [(F.relu, 0, np.inf), (F.tanh, -1, 1), (F.sigmoid, 0, 1)])
def test_infinities_and_nan(function, low, high):
    y = function(mc.tensor([-np.inf, np.inf, np.nan]))
    np.testing.assert_array_equal(y.numpy(), np.array([low, high, np.nan], np.float32))
