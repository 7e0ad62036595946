"""F.dropout."""
import numpy as np
import pytest

import kernels.reference
import minicnn as mc
from minicnn import device
from minicnn import functional as F


def test_the_share_given_is_dropped_and_the_rest_is_scaled():
    mc.manual_seed(0)
    y = F.dropout(mc.ones(100_000), 0.3).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.7)}
    assert abs((y == 0).mean() - 0.3) < 0.01


def test_the_gradient_is_dropped_where_the_value_was():
    x = mc.rand(1000, requires_grad=True)
    y = F.dropout(x, 0.5)
    y.backward(mc.ones(1000))
    np.testing.assert_array_equal(x.grad.numpy(), np.where(y.detach().numpy() == 0, 0, 2))


def test_gradients_agree_with_differences():
    def seeded(x):
        mc.manual_seed(3)
        return F.dropout(x, 0.4)
    mc.gradcheck(seeded, mc.rand(5, 7, dtype="float64")).assert_passed()


def test_manual_seed_decides():
    def drop():
        return [F.dropout(mc.ones(50)).tolist() for _ in range(2)]
    mc.manual_seed(7)
    first = drop()
    assert first[0] != first[1]
    mc.manual_seed(7)
    assert drop() == first
    mc.manual_seed(7)
    with device.use_kernels(kernels.reference):
        assert drop() == first


def test_the_ends():
    x = mc.ones(10)
    assert F.dropout(x, 0) is x and F.dropout(x, 0.5, training=False) is x
    assert F.dropout(x, 1.0).sum().item() == 0
    with pytest.raises(ValueError, match="dropout: p must be a probability between 0 and 1, not 1.5"):
        F.dropout(x, 1.5)
