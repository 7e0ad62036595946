"""Smoothing: a point becomes a Gaussian, what is even stays, and there is a gradient."""
import numpy as np

import minicnn as mc
from minicnn.visualize.smoothing import blurred


def numbers(*shape):
    return np.random.default_rng(0).uniform(0, 1, shape)


def test_gradient():
    assert mc.gradcheck(lambda x: blurred(x, 1.3), mc.tensor(numbers(1, 2, 5, 7), requires_grad=True))


def test_a_point_becomes_a_gaussian_in_its_own_channel():
    x = np.zeros((1, 2, 21, 25))
    x[0, 1, 10, 12] = 1
    found = blurred(mc.tensor(x), 1.5).numpy()
    rows, columns = np.ogrid[-10:11, -12:13]
    expected = np.exp(-(rows ** 2 + columns ** 2) / (2 * 1.5 ** 2)) / (2 * np.pi * 1.5 ** 2)
    np.testing.assert_allclose(found[0, 1], expected, atol=1e-3 * expected.max())
    assert not found[0, 0].any()


def test_smoothing_leaves_what_is_even():
    np.testing.assert_allclose(blurred(mc.tensor(np.full((1, 3, 9, 4), 0.3)), 5.0).numpy(), 0.3)
    assert (blurred(mc.tensor(numbers(2, 1, 6, 6)), 1e-9).numpy() == numbers(2, 1, 6, 6)).all()
