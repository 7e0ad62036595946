import colorsys

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from minicnn import data
from minicnn.data import transforms
from minicnn.errors import InputError


def images(count=5, channels=3, height=6, width=4):
    return np.random.default_rng(0).random((count, channels, height, width), dtype=np.float32)


def generator():
    return np.random.default_rng(3)


def test_normalize_each_channel_by_its_own():
    result = transforms.Normalize((0.1, 0.2, 0.3), (1.0, 2.0, 4.0))(images(), generator())
    expected = (images() - np.array([0.1, 0.2, 0.3])[:, None, None]) / np.array([1, 2, 4])[:, None, None]
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-7)


def test_grey_is_repeated_and_colour_becomes_its_brightness():
    grey = images(channels=1)
    np.testing.assert_array_equal(transforms.Channels(3)(grey, None), np.concatenate([grey] * 3, 1))
    brightness = transforms.Channels(1)(images(), None)
    assert brightness.dtype == np.float32
    np.testing.assert_allclose(brightness, 0.299 * images()[:, :1] + 0.587 * images()[:, 1:2] + 0.114 * images()[:, 2:], rtol=1e-5)
    np.testing.assert_array_equal(transforms.Channels(3)(images(), None), images())


@pytest.mark.parametrize("pixels", [0, 1, 3])
def test_pad(pixels):
    result = transforms.Pad(pixels, value=0.5)(images(), generator())
    border = ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels))
    np.testing.assert_array_equal(result, np.pad(images(), border, constant_values=0.5))
    assert result.dtype == np.float32


def test_random_shift_moves_each_image_as_a_whole_and_fills_with_the_value():
    before = images(count=200)
    after = transforms.RandomShift(2, value=-1.0)(before.copy(), generator())
    assert after.shape == before.shape and after.dtype == np.float32 and after.flags.c_contiguous
    distances = set()
    for old, new in zip(before, after):
        wide = np.pad(old, ((0, 0), (2, 2), (2, 2)), constant_values=-1)
        fits = [(row, column) for row, column in np.ndindex(5, 5)
                if np.array_equal(wide[:, row:row + 6, column:column + 4], new)]
        assert len(fits) == 1
        distances.update(fits)
    assert len(distances) == 25


def test_random_shift_takes_its_randomness_from_the_generator_alone():
    shift = transforms.RandomShift(2)
    np.testing.assert_array_equal(shift(images(), generator()), shift(images(), generator()))
    assert not np.array_equal(shift(images(), generator()), shift(images(), np.random.default_rng(4)))


def test_compose_goes_from_first_to_last():
    both = transforms.Compose([transforms.Pad(1, value=1.0), transforms.Normalize((1.0,), (2.0,))])
    result = both(images(channels=1), generator())
    assert (result[:, :, 0] == 0).all()
    np.testing.assert_allclose(result[:, :, 1:-1, 1:-1], (images(channels=1) - 1) / 2, rtol=1e-6)


def test_half_of_the_images_are_mirrored_as_a_whole():
    before = images(count=1000)
    after = transforms.RandomFlip()(before.copy(), generator())
    mirrored = (after == before[..., ::-1]).all((1, 2, 3))
    assert (mirrored | (after == before).all((1, 2, 3))).all()
    assert 450 < mirrored.sum() < 550


@pytest.mark.parametrize("transform", [transforms.RandomFlip(), transforms.Lighting(), transforms.ColourJitter()],
                         ids=lambda transform: type(transform).__name__)
def test_what_is_random_comes_from_the_generator_alone(transform):
    results = [transform(images(), np.random.default_rng(seed)) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])
    assert results[0].dtype == np.float32 and results[0].shape == images().shape and results[0].flags.c_contiguous


def test_colours_of_imagenet_are_directions_of_length_one():
    variances, directions = transforms.IMAGENET_COLOURS
    np.testing.assert_allclose(directions.T @ directions, np.eye(3), atol=2e-4)
    assert (np.diff(variances) < 0).all()


def test_principal_colours_of_images_that_vary_as_told():
    directions, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    amounts = np.random.default_rng(2).normal(size=(500, 100, 3)) * [0.09, 0.03, 0.01]
    pixels = 0.5 + (amounts @ directions.T).transpose(0, 2, 1).reshape(500, 3, 10, 10)
    for some in (pixels, (255 * pixels).round().astype(np.uint8)):
        colours = transforms.principal_colours(some)
        np.testing.assert_allclose(colours.variances, [0.0081, 0.0009, 0.0001], rtol=0.05)
        np.testing.assert_allclose(np.abs(colours.directions.T @ directions), np.eye(3), atol=0.02)


def test_lighting_adds_one_colour_to_an_image_along_the_principal_ones():
    before = images(count=4000, height=2, width=2)
    added = transforms.Lighting(0.1)(before.copy(), generator()) - before
    assert np.ptp(added, axis=(2, 3)).max() < 1e-6
    amounts = added[:, :, 0, 0] @ transforms.IMAGENET_COLOURS.directions
    np.testing.assert_allclose(amounts.std(0), 0.1 * transforms.IMAGENET_COLOURS.variances, rtol=0.05)
    assert np.abs(np.corrcoef(amounts.T) - np.eye(3)).max() < 0.05


def test_lighting_with_the_colours_of_other_images():
    red_only = transforms.PrincipalColours(np.array([1.0, 0.0, 0.0]), np.eye(3))
    added = transforms.Lighting(0.1, red_only)(images(), generator()) - images()
    assert np.abs(added[:, 0]).min() > 1e-4 and np.abs(added[:, 1:]).max() == 0


@pytest.mark.parametrize("amounts, enhance", [((0.5, 0, 0), ImageEnhance.Brightness), ((0, 0.5, 0), ImageEnhance.Contrast),
                                              ((0, 0, 0.5), ImageEnhance.Color)], ids=["brightness", "contrast", "saturation"])
def test_each_jitter_is_what_pillow_does_with_some_factor(amounts, enhance):
    """Howard used the Python Imaging Library."""
    before = images(count=20, height=12, width=9)
    after = transforms.ColourJitter(*amounts)(before.copy(), generator())
    factors = []
    for old, new in zip(before, after):
        image = enhance(Image.fromarray((255 * old).round().astype(np.uint8).transpose(1, 2, 0)))
        candidates = np.linspace(0.5, 1.5, 101)
        errors = [np.abs(np.asarray(image.enhance(factor), np.float32).transpose(2, 0, 1) - 255 * new).mean() for factor in candidates]
        assert min(errors) < 1.5
        factors.append(candidates[np.argmin(errors)])
    assert np.ptp(factors) > 0.7


def test_jitter_in_every_order_and_within_bounds():
    same = np.tile(images(count=1), (500, 1, 1, 1))
    after = transforms.ColourJitter(0.9, 0.9, 0.9)(same.copy(), generator())
    assert after.min() >= 0 and after.max() <= 1
    before = np.array(same[0, :, 2, 2])

    class InOrder:
        """Draws the same factors for every image, and each of the six orders."""
        def uniform(self, low, high, shape):
            return np.broadcast_to([0.4, -0.6, 0.8], shape)

        def permuted(self, places, axis):
            return np.array([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])

    results = transforms.ColourJitter()(same[:6].copy(), InOrder())
    assert len({image.tobytes() for image in results}) == 6
    hue = [colorsys.rgb_to_hsv(*pixel)[0] for pixel in transforms.ColourJitter(0, 0, 0.05)(same[:20].copy(), generator())[:, :, 2, 2]]
    assert hue == pytest.approx([colorsys.rgb_to_hsv(*before)[0]] * 20, abs=1e-3)


def test_no_jitter_changes_nothing():
    np.testing.assert_array_equal(transforms.ColourJitter(0, 0, 0)(images(), generator()), images())


@pytest.mark.parametrize("function", [lambda grey: transforms.Lighting()(grey, generator()), transforms.principal_colours,
                                      lambda grey: transforms.ColourJitter()(grey, generator())])
def test_grey_images_have_no_colours(function):
    with pytest.raises(InputError, match="is for images in colour, with 3 channels: these have 1"):
        function(data.get("mnist", train=False).images[:3] / np.float32(255))
