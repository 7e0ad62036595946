"""What keeps dreams natural, by its definition, and its gradients."""
import numpy as np
import pytest

import minicnn as mc
from minicnn.visualize import natural


def numbers(*shape):
    return np.random.default_rng(0).uniform(0, 1, shape)


def test_total_variation_by_hand():
    pixels = mc.tensor([[[0.0, 1.0], [0.5, 0.5]]])
    assert natural.total_variation(pixels).item() == pytest.approx((0.25 + 0.25) / 2 + (1 + 0) / 2)


def test_contrast_by_hand():
    assert natural.contrast(mc.tensor([[[0.0, 0.5], [1.0, 0.5]]])).item() == pytest.approx(0.125)


@pytest.mark.parametrize("penalty", [natural.total_variation, natural.contrast])
def test_gradients(penalty):
    assert mc.gradcheck(penalty, mc.tensor(numbers(2, 5, 7), requires_grad=True))
