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


@pytest.mark.parametrize("count", [0, 1, 31, 300])
@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_equal_numbers_are_counted(count, dtype):
    a, b = (np.round(numbers(seed, (count,), np.float64)).astype(dtype) for seed in range(2))
    on = machine()
    y = on.empty((1,), np.int64)
    searching.count_equal(on.to_device(a), on.to_device(b), y)
    assert y.to_host() == (a == b).sum()
