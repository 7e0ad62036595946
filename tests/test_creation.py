"""Where tensors come from."""
import numpy as np
import pytest

import minicnn as mc


@pytest.mark.parametrize("data, kind", [
    (1.5, np.float32), ([1.0, 2], np.float32), (3, np.int64), ([[1, 2]], np.int64), (True, np.bool_),
    (np.zeros(2), np.float64), (np.zeros(2, np.float32), np.float32), (np.float64(1), np.float64),
    (np.zeros(2, np.uint8), np.uint8),
])
def test_types(data, kind):
    assert mc.tensor(data).dtype == kind
    assert mc.tensor(data, dtype="float64").dtype == np.float64


def test_tensor_copies_and_from_numpy_shares():
    array = np.zeros(3)
    copied, shared = mc.tensor(array), mc.from_numpy(array)
    array[0] = 1
    assert copied.tolist() == [0, 0, 0] and shared.tolist() == [1, 0, 0]
    assert mc.tensor(shared).tolist() == [1, 0, 0] and not np.shares_memory(mc.tensor(shared).array, array)
    with pytest.raises(TypeError, match="from_numpy: expected a numpy.ndarray, not list"):
        mc.from_numpy([1, 2])


def test_patterns():
    assert mc.zeros(2, 3).shape == mc.zeros((2, 3)).shape == mc.ones([2, 3]).shape == (2, 3)
    assert mc.ones(2).tolist() == [1, 1] and mc.full((2,), 7).tolist() == [7, 7] and mc.zeros(()).shape == ()
    assert mc.arange(3).tolist() == [0, 1, 2] and mc.arange(3).dtype == np.int64
    assert mc.arange(1, 2, 0.25).tolist() == [1, 1.25, 1.5, 1.75] and mc.arange(1, 2, 0.25).dtype == np.float32
    assert mc.zeros(2, requires_grad=True).requires_grad


def test_chance():
    mc.manual_seed(1)
    uniform, normal = mc.rand(10_000), mc.randn(10_000, dtype="float64")
    assert uniform.dtype == np.float32 and normal.dtype == np.float64
    assert 0 <= uniform.array.min() and uniform.array.max() < 1 and abs(uniform.array.mean() - 0.5) < 0.02
    assert abs(normal.array.mean()) < 0.05 and abs(normal.array.std() - 1) < 0.05
    mc.manual_seed(1)
    assert mc.rand(10_000).tolist() == uniform.tolist()
