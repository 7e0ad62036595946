"""What becomes of images before a network sees them: every size and number of channels fits every network."""
import numpy as np
import pytest

from minicnn.data import Dataset, photographs, transforms
from minicnn.models.classifier import Preprocessing, Recipe
from minicnn.training import preparation

GREY, COLOUR = ((0.0,), (1.0,)), ((0.0,) * 3, (1.0,) * 3)


def recipe(crop=(), augmentation=()):
    return Recipe(epochs=1, batch_size=1, optimizer="sgd", lr=0.1, crop=crop, augmentation=augmentation)


def test_images_are_bordered_and_normalised():
    crop, transform = preparation.for_tests(Preprocessing((32, 32), (0.5,), (0.25,)), (1, 28, 28))
    y = transform(np.ones((2, 1, 28, 28), np.float32), None)
    assert crop is None and y.shape == (2, 1, 32, 32)
    assert (y[:, :, 2:-2, 2:-2] == 2).all() and (y[:, :, :2] == -2).all() and (y[..., -2:] == -2).all()


def test_images_are_augmented_in_training_only():
    moved = recipe(augmentation=(transforms.RandomShift(2),))
    images = np.zeros((50, 1, 28, 28), np.float32)
    images[:, :, 14, 14] = 1
    _, transform = preparation.for_training(Preprocessing((28, 28), *GREY), (1, 28, 28), moved)
    rows, columns = np.nonzero(transform(images.copy(), np.random.default_rng(0))[:, 0])[1:]
    assert len(rows) == 50 and set(rows) == set(columns) == {12, 13, 14, 15, 16}
    _, transform = preparation.for_tests(Preprocessing((28, 28), *GREY), (1, 28, 28))
    np.testing.assert_array_equal(transform(images.copy(), None), images)


@pytest.mark.parametrize("size, image_shape, bordered", [
    ((32, 32), (1, 32, 32), True), ((32, 32), (1, 28, 28), True), ((32, 36), (1, 28, 32), True),
    ((32, 32), (1, 31, 31), False),   # the border would be uneven
    ((36, 36), (1, 28, 28), False), ((32, 32), (1, 28, 32), False), ((28, 28), (1, 32, 32), False), ((224, 224), (3, 32, 32), False),
    ((224, 224), None, False),
])
def test_only_narrow_borders_are_filled_with_black(size, image_shape, bordered):
    crop, _ = preparation.for_tests(Preprocessing(size, *GREY), image_shape)
    assert (crop is None) == bordered


@pytest.mark.parametrize("resize, seen", [(None, slice(0, 8)), (16, slice(2, 6))])
def test_other_sizes_are_scaled_and_the_centre_is_cut_out(resize, seen):
    """Stripes of 8 pixels become 8 of one pixel, or the middle four of two."""
    stripes = np.arange(0, 80, 10, np.uint8).repeat(8)
    dataset = Dataset(np.broadcast_to(stripes[:, None], (1, 3, 64, 64)), np.zeros(1, np.int64), ("a",), (0,) * 3, (1,) * 3, "stripes")
    crop, transform = preparation.for_tests(Preprocessing((8, 8), *COLOUR, resize), (3, 64, 64))
    y = transform(dataset.batch([0], crop), None)
    assert y.shape == (1, 3, 8, 8)
    np.testing.assert_allclose(255 * y[0, 0, :, 4], np.arange(0, 80, 10)[seen].repeat(8 // (seen.stop - seen.start)), atol=4)


def test_recipes_say_how_photographs_are_cut_in_training():
    preprocessing = Preprocessing((8, 8), *COLOUR, 16)
    crop, _ = preparation.for_training(preprocessing, None, recipe(crop=(photographs.RandomCrop(8),)))
    assert [type(step) for step in crop.transforms] == [photographs.RandomCrop]
    crop, _ = preparation.for_training(preprocessing, None, recipe())
    assert [type(step) for step in crop.transforms] == [photographs.ScaleShorterSide, photographs.CenterCrop]
    crop, _ = preparation.for_training(preprocessing, (3, 8, 8), recipe(crop=(photographs.RandomCrop(8),)))
    assert crop is None


def test_channels_are_matched():
    images = np.random.default_rng(0).random((2, 3, 4, 4)).astype(np.float32)
    _, transform = preparation.for_tests(Preprocessing((4, 4), (0.5,), (0.25,)), (3, 4, 4))
    expected = (images * np.reshape(transforms.BRIGHTNESS, (3, 1, 1))).sum(1, keepdims=True)
    np.testing.assert_allclose(transform(images.copy(), None), (expected - 0.5) / 0.25, rtol=1e-5, atol=1e-5)
    _, transform = preparation.for_tests(Preprocessing((4, 4), *COLOUR), (1, 4, 4))
    np.testing.assert_array_equal(transform(images[:, :1].copy(), None), images[:, [0, 0, 0]])


def test_statistics_are_matched():
    assert preparation.match_channels(3, [0.1, 0.2, 0.3], [1, 2, 3]) == ((0.1, 0.2, 0.3), (1, 2, 3))
    assert preparation.match_channels(3, (0.1,), (0.3,)) == ((0.1,) * 3, (0.3,) * 3)
    mean, std = preparation.match_channels(1, (0.5, 0.5, 0.5), (1, 0, 0))
    assert mean == pytest.approx((0.5,)) and std == pytest.approx((0.299,))


@pytest.mark.parametrize("shape", [(3, 20, 30), (1, 28, 28), (3, 32, 32)])
def test_one_image_is_seen_as_in_a_batch(shape):
    image = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    dataset = Dataset(image[None], np.zeros(1, np.int64), ("a",), (0,), (1,), "noise")
    preprocessing = Preprocessing((32, 32), (0.4, 0.5, 0.6), (0.2, 0.25, 0.3), 40)
    crop, transform = preparation.for_tests(preprocessing, shape)
    seen = preparation.seen(preprocessing, image)
    np.testing.assert_array_equal(seen, transform(dataset.batch([0], crop), None)[0])
    assert seen.shape == (3, 32, 32) and seen.dtype == np.float32 and seen.flags.c_contiguous


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5), (3, 1, 1)])
def test_normalised_pixels_and_back(shape):
    preprocessing = Preprocessing((4, 5), (0.4, 0.5, 0.6), (0.2, 0.25, 0.5))
    pixels = np.random.default_rng(0).random(shape).astype(np.float32)
    x = preparation.normalised(preprocessing, pixels)
    np.testing.assert_allclose(x[..., 1, :, :], (pixels[..., 1, :, :] - 0.5) / 0.25, rtol=1e-6)
    assert x.shape == shape and x.dtype == np.float32
    np.testing.assert_allclose(preparation.pixels(preprocessing, x), pixels, atol=1e-6)


def test_normalised_pixels_are_what_a_test_shows():
    preprocessing = Preprocessing((4, 5), (0.4, 0.5, 0.6), (0.2, 0.25, 0.5))
    pixels = np.random.default_rng(0).random((2, 3, 4, 5)).astype(np.float32)
    _, transform = preparation.for_tests(preprocessing, (3, 4, 5))
    np.testing.assert_allclose(preparation.normalised(preprocessing, pixels), transform(pixels.copy(), None), rtol=1e-5, atol=1e-6)


def test_what_is_beyond_black_and_white_is_cut_off():
    pixels = preparation.pixels(Preprocessing((1, 2), (0.5,), (0.5,)), np.array([[[-3, 0, 0.5, 3]]], np.float32))
    assert pixels.tolist() == [[[0, 0.5, 0.75, 1]]]
