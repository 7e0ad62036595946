import numpy as np
import pytest

from kernels.cuda import comparison
from tests.kernels.agreement import numbers
from tests.kernels.cuda.agreement import machine

SHAPES = [((3, 5, 7), (3, 5, 7)), ((300,), ()), ((2, 3, 5, 4), (3, 1, 1)), ((), (7,)), ((4, 1, 5), (1, 3, 1)), ((2, 0), (2, 0))]


def apply(name, dtype, *operands):
    on = machine()
    there = [on.to_device(one) if isinstance(one, np.ndarray) else one for one in operands]
    y = on.empty(np.broadcast_shapes(*map(np.shape, operands)), dtype)
    getattr(comparison, name)(*there, y)
    return y.to_host()


@pytest.mark.parametrize("name", ["equal", "not_equal", "greater", "greater_equal", "less", "less_equal"])
@pytest.mark.parametrize("shapes", SHAPES)
def test_comparisons_are_those_of_numpy(name, shapes):
    for dtype in (np.float32, np.float64, np.int64):
        a, b = (np.asarray(numbers(seed, shape, np.float64, special=dtype != np.int64, ties=True)).astype(dtype)
                for seed, shape in enumerate(shapes))
        np.testing.assert_array_equal(apply(name, bool, a, b), getattr(np, name)(a, b))
        np.testing.assert_array_equal(apply(name, bool, a, 0.5 if dtype != np.int64 else 1),
                                      getattr(np, name)(a, 0.5 if dtype != np.int64 else 1))


@pytest.mark.parametrize("name, of_numpy", [("both", "logical_and"), ("either", "logical_or"), ("equal", "equal")])
def test_truths_are_combined(name, of_numpy):
    a, b = numbers(0, (3, 40), np.float32) > 0, numbers(1, (40,), np.float32) > 0
    np.testing.assert_array_equal(apply(name, bool, a, b), getattr(np, of_numpy)(a, b))


@pytest.mark.parametrize("shapes", SHAPES[:3])
def test_numbers_are_cleared(shapes):
    x, where = numbers(0, shapes[0], np.float32), np.asarray(numbers(1, shapes[1], np.float32) > 0)
    np.testing.assert_array_equal(apply("clear", np.float32, x, where), np.where(where, 0, x))
