import numpy as np
import pytest

from kernels.cuda import searching
from tests.kernels.agreement import numbers
from tests.kernels.cuda.agreement import machine


@pytest.mark.parametrize("shape, axis", [((10, 10), 1), ((3, 100), 1), ((4, 33), 1), ((2, 5, 3), 1), ((7, 40), 0), ((6,), 0), ((1, 1), 1),
                                         ((0, 5), 1), ((2, 3, 4), 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8, bool])
@pytest.mark.parametrize("special", [False, True])
def test_argmax_is_that_of_numpy(shape, axis, dtype, special):
    x = np.abs(2 * numbers(0, shape, np.float64, special and np.dtype(dtype).kind == "f", ties=True)).astype(dtype)
    on = machine()
    y = on.empty([size for place, size in enumerate(shape) if place != axis], np.int64)
    searching.argmax(on.to_device(x), y, axis)
    np.testing.assert_array_equal(y.to_host(), x.argmax(axis))


@pytest.mark.parametrize("shape", [(0,), (1,), (31,), (), (30, 100)])
def test_true_ones_are_counted(shape):
    x = np.asarray(numbers(0, shape, np.float64) > 0)
    y = machine().to_device(x).sum(tuple(range(x.ndim)), dtype=np.int64)
    assert (y.shape, y.dtype, y.to_host()) == ((), np.int64, x.sum())
    assert machine().to_device(x).sum(tuple(range(x.ndim)), True, np.int64).to_host() == x.sum(keepdims=True)
