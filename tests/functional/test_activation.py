"""F.relu, F.leaky_relu, F.tanh, F.sigmoid."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from tests.functional.checks import case, three_questions

TestActivations = three_questions(*(case(name, shape) for name in ("relu", "leaky_relu", "tanh", "sigmoid")
                                    for shape in [(2, 3, 5, 4), (7,), (), (0, 3)]),
                                  *(case("leaky_relu", (2, 3, 5), negative_slope=slope) for slope in (0, 0.2, 2)))


@pytest.mark.parametrize("function, low, high", [(F.relu, 0, np.inf), (F.leaky_relu, -np.inf, np.inf), (F.tanh, -1, 1), (F.sigmoid, 0, 1)])
def test_infinities_and_nan(function, low, high):
    y = function(mc.tensor([-np.inf, np.inf, np.nan]))
    np.testing.assert_array_equal(y.numpy(), np.array([low, high, np.nan], np.float32))


def test_slopes_below_zero_are_refused():
    with pytest.raises(ValueError, match="leaky_relu: negative_slope must be at least 0, not -1"):
        F.leaky_relu(mc.ones(2), -1)
