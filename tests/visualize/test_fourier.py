"""Images made of waves: they are what the formula says, and what smooths them is a Gaussian."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from minicnn.tensor import Tensor
from minicnn.visualize.fourier import Pixels, Waves, colours, cosines
from minicnn.visualize.smoothing import blurred


def image(*shape):
    """Smooth, and away from black and white."""
    generator = np.random.default_rng(0)
    small = Tensor(generator.uniform(0.2, 0.8, (1, shape[0], 4, 5)).astype(np.float32))
    return F.interpolate(small, shape[1:], mode="bilinear").numpy()[0]


@pytest.mark.parametrize("size", [1, 2, 7, 16])
def test_cosines_are_orthonormal(size):
    np.testing.assert_allclose(cosines(size) @ cosines(size).T, np.eye(size), atol=1e-6)


def test_one_wave_is_a_cosine():
    numbers = np.zeros((1, 8, 8), np.float32)
    numbers[0, 0, 3] = 1
    pixels = Waves(mc.tensor(numbers), decay=2.0).pixels().detach().numpy()
    wave = 8 / 3 ** 2 * np.sqrt(1 / 8) * np.sqrt(2 / 8) * np.cos(np.pi * 3 * (2 * np.arange(8) + 1) / 16)
    np.testing.assert_allclose(pixels[0], np.tile(1 / (1 + np.exp(-wave)), (8, 1)), rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_waves_of_an_image_make_it(channels):
    shown = image(channels, 24, 31)
    np.testing.assert_allclose(Waves.of(shown, 1.5, "cpu").pixels().detach().numpy(), shown, atol=2e-4)


def test_black_and_white_pixels_have_waves_too():
    shown = np.zeros((1, 6, 6), np.float32)
    shown[0, 2:4] = 1
    np.testing.assert_allclose(Waves.of(shown, 1.0, "cpu").pixels().detach().numpy(), shown, atol=2e-3)


@pytest.mark.parametrize("make", [lambda shown: Waves.of(shown, 1.5, "cpu"), lambda shown: Pixels.of(shown, "cpu")])
def test_smoothing_is_that_by_a_gaussian(make):
    shown = image(3, 40, 36)
    expected = blurred(Tensor(np.log(shown / (1 - shown))[None]), 2.0).numpy()[0]
    made = make(shown)
    made.blur(2.0)
    pixels = made.pixels().detach().numpy()
    if isinstance(made, Pixels):
        np.testing.assert_allclose(pixels, blurred(Tensor(shown[None]), 2.0).numpy()[0], rtol=1e-6)
    else:   # of what goes into the sigmoid; at the edges the images go on in different ways
        np.testing.assert_allclose(np.log(pixels / (1 - pixels))[:, 8:-8, 8:-8], expected[:, 8:-8, 8:-8], atol=4e-3)


def test_noise_is_weak_and_of_all_frequencies():
    noise = Waves.noise((3, 32, 32), 1.5, np.random.default_rng(0), "cpu")
    assert 0.002 < noise.pixels().detach().numpy().std() < 0.2
    assert noise.parameters[0].detach().numpy()[:, 16:, 16:].std() > 0.01


def test_brightness_varies_most():
    directions = colours() / np.linalg.norm(colours(), axis=0)
    strongest = directions[:, np.linalg.norm(colours(), axis=0).argmax()]
    assert abs(strongest.sum()) > 1.65   # of at most the root of 3: the three colours rise together
    np.testing.assert_allclose(directions.T @ directions, np.eye(3), atol=1e-5)


def test_gradients_go_through():
    numbers = mc.tensor(0.1 * np.random.default_rng(0).standard_normal((2, 5, 6)), requires_grad=True)
    waves = Waves(numbers, 1.0)
    for name in ("strength", "down", "across", "mixing"):
        setattr(waves, name, getattr(waves, name).double())

    def of(numbers):
        waves.parameters = [numbers]
        return waves.pixels()

    assert mc.gradcheck(of, numbers)
