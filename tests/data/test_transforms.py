import numpy as np
import pytest

from minicnn.data import transforms


def images(count=5, channels=3, height=6, width=4):
    return np.random.default_rng(0).random((count, channels, height, width), dtype=np.float32)


def generator():
    return np.random.default_rng(3)


def test_normalize_each_channel_by_its_own():
    result = transforms.Normalize((0.1, 0.2, 0.3), (1.0, 2.0, 4.0))(images(), generator())
    expected = (images() - np.array([0.1, 0.2, 0.3])[:, None, None]) / np.array([1, 2, 4])[:, None, None]
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-7)


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
