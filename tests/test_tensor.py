"""Tensor: values, types, conversions, and what Python's syntax does with it. Its arithmetic is tested in tests/functional."""
import copy
import pickle
import re

import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import InputError


def test_properties():
    x = mc.zeros(2, 3)
    assert (x.shape, x.dtype, x.ndim, x.device, x.numel(), len(x)) == ((2, 3), np.float32, 2, "cpu", 6, 2)
    assert x.size() == (2, 3) and x.size(1) == 3 and x.T.shape == (3, 2)


def test_numpy_shares_memory_and_tells_of_gradients():
    x = mc.zeros(3)
    x.numpy()[1] = 5
    assert x.tolist() == [0, 5, 0]
    with pytest.raises(RuntimeError, match=re.escape("use .detach().numpy()")):
        mc.zeros(3, requires_grad=True).numpy()
    np.testing.assert_array_equal(np.asarray(x), [0, 5, 0])
    assert np.asarray(x, np.float64).dtype == np.float64


def test_python_numbers():
    x = mc.tensor([2.5])
    assert (x.item(), float(x), int(x), bool(x), f"{mc.tensor(2.5):.2f}") == (2.5, 2.5, 2, True, "2.50")
    assert f"{x}" == str(x)
    with pytest.raises(ValueError):
        mc.zeros(2).item()
    with pytest.raises(ValueError):
        bool(mc.zeros(2))
    with pytest.raises(TypeError, match="without axes has no len"):
        len(mc.tensor(1.0))


def test_iteration_ends():
    assert [row.tolist() for row in mc.tensor([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
    first, second = mc.tensor([5.0, 6.0])
    assert (first.item(), second.item()) == (5, 6)


def test_comparisons_are_tensors_and_tensors_are_keys():
    x, y = mc.tensor([1.0, 2.0, 3.0]), mc.tensor([3.0, 2.0, 1.0])
    assert [(x == y).tolist(), (x != y).tolist(), (x < y).tolist(), (x <= 2).tolist(), (x > y).tolist(), (x >= 2.5).tolist()] == [
        [False, True, False], [True, False, True], [True, False, False], [True, True, False], [False, False, True],
        [False, False, True]]
    assert (mc.tensor([0, 1]) == 0.5).tolist() == [False, False]
    assert {x: 1, y: 2}[y] == 2


def test_repr():
    assert repr(mc.tensor([[1.0, 2.0], [3.0, 4.5]])) == "tensor([[1. , 2. ],\n        [3. , 4.5]])"
    assert repr(mc.zeros(2, dtype="float64", requires_grad=True)) == "tensor([0., 0.], dtype=float64, requires_grad=True)"
    assert repr(mc.tensor([1, 2])) == "tensor([1, 2])"


def test_only_floating_point_requires_gradients():
    with pytest.raises(TypeError, match="only float32 and float64 tensors can require a gradient, not int64"):
        mc.tensor([1, 2], requires_grad=True)


def test_nothing_is_changed_in_place():
    x, w = mc.zeros(3), mc.ones(3, requires_grad=True)
    with pytest.raises(TypeError, match="not changed in place"):
        x[0] = 1
    total = before = w.sum()
    total += 1
    total -= 2
    total *= 3
    total /= 2
    assert total.item() == 3 and before.item() == 3   # (3 + 1 - 2) * 3 / 2, in a new tensor each time
    for operation in ("__iadd__", "__isub__", "__imul__", "__itruediv__"):
        with mc.no_grad(), pytest.raises(RuntimeError, match=re.escape("write `w.copy_(w - x)` under no_grad")):
            getattr(w, operation)(x)


def test_copy_():
    w = mc.ones(3, requires_grad=True)
    array = w.array
    with mc.no_grad():
        assert w.copy_(w - 0.5) is w
    assert w.tolist() == [0.5] * 3 and w.array is array and w.requires_grad and w.creator is None
    with pytest.raises(ValueError, match=re.escape("copy_: values of shape (2,) do not fit a tensor of shape (3,)")):
        w.copy_(mc.zeros(2))


def test_leaves_can_be_copied_and_pickled_but_graphs_cannot():
    w = mc.ones(3, requires_grad=True)
    for twin in (copy.deepcopy(w), pickle.loads(pickle.dumps(w))):
        assert twin.tolist() == [1, 1, 1] and twin.requires_grad and not np.shares_memory(twin.array, w.array)
    with pytest.raises(RuntimeError, match="only leaves can be pickled or copied"):
        copy.deepcopy(w * 2)


def test_devices():
    assert mc.zeros(3).cpu().to("cpu").device == "cpu"
    with pytest.raises(InputError, match="there is no device 'cuda:1': choose cpu, cuda or cuda-simulator"):
        mc.zeros(3).to("cuda:1")
