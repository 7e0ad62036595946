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


@pytest.mark.parametrize("penalty", [natural.total_variation, natural.contrast, lambda pixels: natural.blurred(pixels, 1.3)])
def test_gradients(penalty):
    assert mc.gradcheck(penalty, mc.tensor(numbers(2, 5, 7), requires_grad=True))


def test_a_point_becomes_a_gaussian():
    pixels = np.zeros((1, 31, 31))
    pixels[0, 15, 15] = 1
    spread = natural.blurred(mc.tensor(pixels), 2.0).numpy()[0]
    distance = np.hypot(*np.mgrid[-15:16, -15:16])
    inside = distance <= 5
    np.testing.assert_allclose(spread[inside], (np.exp(-distance ** 2 / 8) / (8 * np.pi))[inside], rtol=0.01)
    assert spread.sum() == pytest.approx(1)


def test_smoothing_leaves_what_is_even():
    np.testing.assert_allclose(natural.blurred(mc.tensor(np.full((3, 9, 4), 0.3)), 5.0).numpy(), 0.3)
    assert (natural.blurred(mc.tensor(numbers(1, 6, 6)), 1e-9).numpy() == numbers(1, 6, 6)).all()
