"""Windows on an image: where they may lie, and that gradients come back to the pixels that were seen."""
import numpy as np

import minicnn as mc
from minicnn.visualize.views import Views


def test_windows_lie_anywhere_in_the_image():
    views = Views((4, 6), 3, (1,), np.random.default_rng(0))
    height, width = views.image_size
    pixels = mc.tensor(np.arange(height * width, dtype=np.float32).reshape(1, height, width))
    corners = set()
    for _ in range(200):
        window = views.draw(pixels).numpy()[0]
        top, left = divmod(int(window[0, 0]), width)
        np.testing.assert_array_equal(window, pixels.numpy()[0, top:top + 4, left:left + 6])
        corners.add((top, left))
    assert corners == {(top, left) for top in range(4) for left in range(4)}


def test_a_person_sees_the_middle():
    pixels = mc.tensor(np.random.default_rng(0).uniform(size=(3, 10, 12)).astype(np.float32))
    np.testing.assert_array_equal(Views((6, 8), 4, (1,), None).middle(pixels).numpy(), pixels.numpy()[:, 2:8, 2:10])


def test_scaled_windows_have_the_same_size():
    pixels = mc.tensor(np.random.default_rng(0).uniform(size=(3, 24, 24)).astype(np.float32), requires_grad=True)
    for scale in (0.5, 0.9, 1.1, 1.7):
        window = Views((20, 20), 4, (scale,), np.random.default_rng(1)).draw(pixels)
        assert window.shape == (3, 20, 20)
        gradient, = mc.grad(window.sum(), [pixels])
        assert gradient.numpy().sum() > 100   # each of the 1200 window's pixels is made of some, though others are mirrored


def test_an_even_image_stays_even():
    window = Views((20, 20), 4, (0.7,), np.random.default_rng(1)).draw(mc.full((3, 24, 24), 0.25))
    np.testing.assert_allclose(window.numpy(), 0.25, rtol=1e-6)
