"""Photographs, scans and drawings become images like those of the data sets."""
import numpy as np
import pytest
from PIL import Image, ImageDraw

from minicnn import data
from minicnn.data import own_images
from minicnn.errors import InputError


@pytest.fixture(scope="module")
def digits():
    """float32 (100, 28, 28), 0 to 1."""
    return data.get("mnist", train=False).images[:100, 0].astype(np.float32) / 255


def enlarged(digit, factor):
    size = 28 * factor
    return np.asarray(Image.fromarray(digit).resize((size, size), Image.Resampling.BICUBIC)).clip(0, 1)


def on_a_page(digit, height, width, top, left):
    page = np.zeros((height, width), np.float32)
    page[top:top + len(digit), left:left + len(digit)] = digit
    return page


def likeness(image, other):
    """Correlation of two images of 28 x 28 pixels, 1 if they are the same; one pixel to the side does not count."""
    shifted = (np.roll(image.reshape(28, 28), (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1))
    return max(np.corrcoef(image.ravel(), other.ravel())[0, 1] for image in shifted)


def test_digits_of_mnist_stay_what_they_are(digits):
    for digit in digits:
        image = own_images.like_mnist(digit)
        assert image.shape == (1, 28, 28) and image.dtype == np.float32
        assert likeness(image, digit) > 0.9
    nearly_equal = sum(np.abs(own_images.like_mnist(digit) - digit).mean() < 0.01 for digit in digits)
    assert nearly_equal >= 85   # the others have pale ends that might as well be dirt, and are scaled a little


@pytest.mark.parametrize("change", [
    lambda digit: enlarged(digit, 5),
    lambda digit: 1 - enlarged(digit, 5),
    lambda digit: 0.5 + 0.2 * enlarged(digit, 4),                                            # pale
    lambda digit: 0.7 - 0.25 * on_a_page(enlarged(digit, 6), 480, 300, 250, 70),             # away from the middle
    lambda digit: 1 - enlarged(digit, 6)[24:-24, 24:-24],                                    # cut close
    lambda digit: 1 - on_a_page(digit, 30, 90, 1, 50),
    lambda digit: (1 - 0.4 * np.linspace(0, 1, 400)[:, None]) * (1 - 0.7 * on_a_page(enlarged(digit, 6), 400, 300, 150, 90)),
    lambda digit: 0.8 - 0.6 * enlarged(digit, 9) + np.random.default_rng(0).normal(0, 0.02, (252, 252)),
], ids=["larger", "dark on light", "pale", "on a page", "cut close", "small on a strip", "badly lit", "noisy"])
def test_digits_are_found_and_centred(digits, change):
    similar = [likeness(own_images.like_mnist(change(digit).astype(np.float32)), digit) for digit in digits]
    assert np.mean(similar) > 0.9 and min(similar) > 0.5


def test_size_and_place_are_those_of_mnist():
    page = np.ones((300, 200), np.float32)
    page[40:240, 150:170] = 0   # a 1, at the side
    image = own_images.like_mnist(page)[0]
    rows, columns = np.nonzero(image > 0.5)
    assert np.ptp(rows) + 1 == 20 and np.ptp(columns) + 1 == 2
    mass = image / image.sum()
    assert abs(mass.sum(1) @ np.arange(28) - 14) <= 0.5 and abs(mass.sum(0) @ np.arange(28) - 14) <= 0.5
    assert image.max() == 1 and image.min() == 0


def test_what_is_heavy_at_one_end_is_still_inside():
    page = np.zeros((100, 100), np.float32)
    page[10:90, 48:52] = 0.4
    page[80:90, 10:90] = 1
    assert own_images.like_mnist(page).shape == (1, 28, 28)


@pytest.mark.parametrize("form", [own_images.like_mnist, own_images.like_fashion_mnist])
@pytest.mark.parametrize("page", [np.zeros((28, 28)), np.ones((50, 20)), np.full((1, 1), 0.5),
                                  0.6 + 0.02 * np.random.default_rng(0).standard_normal((80, 80)),
                                  np.broadcast_to(np.linspace(0.9, 1, 100), (100, 100))], ids=str)
def test_there_is_nothing_on_a_blank_page(form, page):
    with pytest.raises(InputError, match="nothing in it stands out from the background"):
        form(page.astype(np.float32))


def boot():
    image = np.zeros((28, 28), np.float32)
    image[8:20, 18:28] = 0.8
    image[14:20, 0:28] = 0.6
    return image


def test_clothing_of_fashion_mnist_stays_what_it_is():
    np.testing.assert_allclose(own_images.like_fashion_mnist(boot())[0], boot(), atol=1e-6)


@pytest.mark.parametrize("change", [lambda image: image, lambda image: 1 - image, lambda image: 0.9 - 0.8 * image])
def test_clothing_fills_the_image_light_on_dark(change):
    page = on_a_page(enlarged(boot(), 6), 300, 260, 70, 40)
    image = own_images.like_fashion_mnist(change(page))
    assert likeness(image, boot()) > 0.93
    assert image[0, 0, 0] < 0.05 and image.max() > 0.5


def stroke(mode, paper, ink, size=(60, 80)):
    image = Image.new(mode, size, paper)
    ImageDraw.Draw(image).rectangle((25, 10, 34, 69), fill=ink)
    return image


def palette():
    image = stroke("P", 1, 0)
    image.putpalette([200, 30, 30, 250, 250, 240] + 254 * [0, 0, 0])
    return image


def deep(values):
    return Image.fromarray(np.asarray(stroke("L", 255, 0), np.uint16) * np.uint16(values))


@pytest.mark.parametrize("name, image", [
    ("grey.png", stroke("L", 250, 10)), ("light on dark.png", stroke("L", 10, 250)), ("bilevel.png", stroke("1", 1, 0)),
    ("colour.jpg", stroke("RGB", "ivory", "darkblue")), ("palette.gif", palette()),
    ("grey with alpha.png", stroke("LA", (0, 0), (0, 255))),
    ("black on nothing.png", stroke("RGBA", (0, 0, 0, 0), (0, 0, 0, 255))),
    ("white on nothing.png", stroke("RGBA", (0, 0, 0, 0), (255, 255, 255, 255))),
    ("16 bits.png", deep(257)), ("16 bits, dark.png", deep(100)), ("float.tiff", stroke("F", 1.0, 0.0)),
    ("print.tiff", stroke("CMYK", (0, 0, 0, 0), (0, 0, 0, 255))), ("web.webp", stroke("RGB", "white", "black")),
])
def test_every_kind_of_file_is_read(tmp_path, name, image):
    image.save(tmp_path / name)
    brightness = own_images.read(tmp_path / name)
    assert brightness.shape == (80, 60) and brightness.dtype == np.float32
    assert 0 <= brightness.min() and brightness.max() <= 1
    rows, columns = np.nonzero(own_images.like_mnist(brightness)[0] > 0.5)
    assert np.ptp(rows) + 1 == 20 and 3 <= np.ptp(columns) + 1 <= 4


def test_photograph_that_was_taken_sideways_is_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6   # the camera was turned
    stroke("L", 255, 0).save(tmp_path / "photo.jpg", exif=exif)
    assert own_images.read(tmp_path / "photo.jpg").shape == (60, 80)


def test_large_photographs_are_made_smaller(tmp_path):
    stroke("L", 255, 0).resize((3000, 4000)).save(tmp_path / "large.png")
    brightness = own_images.read(tmp_path / "large.png")
    assert brightness.shape == (512, 384)
    rows, columns = np.nonzero(own_images.like_mnist(brightness)[0] > 0.5)
    assert np.ptp(rows) + 1 == 20 and 3 <= np.ptp(columns) + 1 <= 4


def test_what_is_no_image_is_named(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").write_bytes(b"")
    stroke("L", 255, 0).save(tmp_path / "whole.png")
    contents = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(contents[:len(contents) // 2])
    (tmp_path / "broken.png").write_bytes(contents[:45] + b"????" + contents[49:])
    for name, words in (("none.png", "does not exist"), (".", "is a folder"), ("text.png", "is no image"),
                        ("empty.png", "is no image"), ("cut.png", "cannot be read as an image"),
                        ("broken.png", "cannot be read as an image")):
        with pytest.raises(InputError) as caught:
            own_images.read(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name} {words}")
