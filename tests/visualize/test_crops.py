"""Crops cover photographs at each scale, know where they are from, and look as the network wants it."""
import numpy as np
import pytest
from PIL import Image

from minicnn import data
from minicnn.data import photographs
from minicnn.errors import InputError
from minicnn.models.classifier import Preprocessing
from minicnn.training import preparation
from minicnn.visualize import crops

COLOUR = Preprocessing((20, 20), (0.5, 0.4, 0.3), (0.2, 0.25, 0.3), resize=24)


@pytest.fixture
def photo(tmp_path):
    """72 x 48 pixels; red grows from left to right, green from top to bottom."""
    rows, columns = np.mgrid[:48, :72]
    path = tmp_path / "photo.png"
    Image.fromarray(np.stack([columns * 3, rows * 5, rows * 0], 2).astype(np.uint8)).save(path)
    return path


def test_crops_cover_the_photograph_at_each_scale(photo):
    found = list(crops.of_photographs(COLOUR, [photo], (1, 2)))
    covered = np.zeros((2, 48, 72), int)
    for crop in found:
        top, left, bottom, right = (round(share * side) for share, side in zip(crop.box, (48, 72, 48, 72)))
        covered[int(crop.box[2] - crop.box[0] < 0.6), top:bottom, left:right] += 1
        assert crop.x.shape == (3, 20, 20) and crop.x.dtype == np.float32 and crop.source == photo
    assert covered[1].all() and covered[1].max() <= 4          # of the larger scale everything
    assert covered[0][4:44].all() and len(found) == 2 + 3 * 4   # of the smaller, 24 pixels high, the middle 20


def test_a_crop_is_where_it_says(photo):
    for crop in crops.of_photographs(COLOUR, [photo], (2,)):   # at its own size: nothing is interpolated
        pixels = preparation.pixels(COLOUR, crop.x)
        top, left, bottom, right = crop.box
        assert 255 * pixels[:2, 0, 0] == pytest.approx([3 * left * 72, 5 * top * 48], abs=0.1)
        assert crop.centre((0, 0, 20, 20)) == pytest.approx(((top + bottom) / 2, (left + right) / 2))
        assert crop.centre((-2, 4, 2, 8)) == pytest.approx((top, left + 6 / 72))


def test_grey_photographs_and_networks_that_see_grey(tmp_path):
    Image.fromarray(np.full((30, 30), 100, np.uint8)).save(tmp_path / "grey.png")
    crop, = crops.of_photographs(COLOUR, [tmp_path / "grey.png"], (1,))
    np.testing.assert_allclose(preparation.pixels(COLOUR, crop.x), 100 / 255, rtol=1e-5)
    grey = Preprocessing((10, 10), (0.5,), (0.5,))
    crop, = crops.of_photographs(grey, [photographs.EXAMPLES / "brick.jpg"], (1,))
    assert crop.x.shape == (1, 10, 10)


def test_images_of_a_data_set_are_what_tests_see():
    digits = data.get("mnist", train=False).take(130)
    preprocessing = Preprocessing((28, 28), digits.mean, digits.std)
    found = list(crops.of_dataset(preprocessing, digits))
    assert len(found) == 130
    np.testing.assert_allclose(found[129], preparation.seen(preprocessing, digits.image(129)), rtol=1e-6)
    assert found[0].base is None   # and no part of a batch


def test_files(tmp_path, photo):
    (tmp_path / "b.JPG").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("none", encoding="utf-8")
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in crops.files(tmp_path)] == ["b.JPG", "photo.png"]
    with pytest.raises(InputError, match="is not a folder: name one with photographs"):
        crops.files(photo)
    with pytest.raises(InputError, match="has no images in it"):
        crops.files(tmp_path / "folder.png")
    with pytest.raises(InputError, match=r"b.JPG is no image that can be read"):
        list(crops.of_photographs(COLOUR, crops.files(tmp_path)))


def test_there_are_photographs_to_search():
    assert len(crops.files(photographs.EXAMPLES)) >= 12
