"""Photographs are read whatever form their files have, and cut as the papers say."""
import struct
import threading
import time
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from minicnn.data import photographs
from minicnn.errors import InputError

WIDTH, HEIGHT = 40, 24


def generator(seed=0):
    return np.random.default_rng(seed)


def photo(width=WIDTH, height=HEIGHT):
    """Red grows to the right, green downwards, blue is 100 everywhere: each place tells where it is from."""
    red, green = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([red, green, np.full_like(red, 100)], 2).round().astype(np.uint8))


def values(image):
    return np.asarray(image, np.float32)


def difference(image, other):
    return np.abs(values(image) - values(other)).mean()


def saved(tmp_path, name, image, **options):
    image.save(tmp_path / name, **options)
    return photographs.read(tmp_path / name)


def half_transparent():
    image = photo().convert("RGBA")
    image.putalpha(Image.fromarray(np.repeat([[0, 255]], 12, 0).repeat(20, 1).repeat(2, 0).astype(np.uint8)))
    return image


@pytest.mark.parametrize("name, image, tolerance", [
    ("a.png", photo(), 0), ("a.jpg", photo(), 3), ("a.webp", photo(), 5), ("a.bmp", photo(), 0),
    ("palette.png", photo().quantize(256), 6), ("palette.gif", photo().quantize(256), 6),
    ("print.jpg", photo().convert("CMYK"), 3), ("print.tiff", photo().convert("CMYK"), 0), ("video.jpg", photo().convert("YCbCr"), 3),
])
def test_colours_stay_what_they_are(tmp_path, name, image, tolerance):
    read = saved(tmp_path, name, image)
    assert read.mode == "RGB" and read.size == (WIDTH, HEIGHT)
    assert difference(read, photo()) <= tolerance


@pytest.mark.parametrize("name, image", [
    ("8.png", photo().getchannel("R")),
    ("16.png", Image.fromarray(values(photo())[:, :, 0].astype(np.uint16) * np.uint16(257))),
    ("16.tiff", Image.fromarray(values(photo())[:, :, 0].astype(np.uint16) * np.uint16(257))),
    ("32.tiff", Image.fromarray(values(photo())[:, :, 0].astype(np.int32) * 257)),
    ("float.tiff", Image.fromarray(values(photo())[:, :, 0] / 255)),
])
def test_grey_of_any_depth_is_scaled_not_clipped(tmp_path, name, image):
    read = values(saved(tmp_path, name, image))
    assert read.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(read, values(photo())[:, :, :1].repeat(3, 2))


def test_dark_16_bits_stay_dark(tmp_path):
    assert values(saved(tmp_path, "dark.png", Image.fromarray(np.full((5, 5), 6553, np.uint16)))).max() == pytest.approx(25.5, abs=0.5)


def test_float_that_is_no_number_is_black(tmp_path):
    read = values(saved(tmp_path, "nan.tiff", Image.fromarray(np.array([[np.nan, -1, 0.5, 1]], np.float32))))
    assert read[0, :, 0].tolist() == [0, 0, 128, 255]


def test_one_bit(tmp_path):
    assert set(values(saved(tmp_path, "bit.png", photo().convert("1"))).ravel()) == {0, 255}


@pytest.mark.parametrize("name, image", [("a.png", half_transparent()), ("a.webp", half_transparent()),
                                         ("grey.png", half_transparent().convert("LA"))])
def test_what_is_transparent_is_white(tmp_path, name, image):
    read = values(saved(tmp_path, name, image, **({"lossless": True} if name == "a.webp" else {})))
    assert (read[:, :20] == 255).all()
    expected = values(photo() if name != "grey.png" else photo().convert("L").convert("RGB"))
    np.testing.assert_array_equal(read[:, 20:], expected[:, 20:])


def test_palette_with_a_transparent_colour(tmp_path):
    image = Image.fromarray(np.repeat([[0, 1]], 4, 0).astype(np.uint8))
    image.putpalette([10, 20, 30, 40, 50, 60])
    for name in ("a.gif", "a.png"):
        assert values(saved(tmp_path, name, image, transparency=0))[0].tolist() == [[255, 255, 255], [40, 50, 60]]


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tiff"])
def test_first_frame_of_an_animation(tmp_path, name):
    frames = [Image.new("RGB", (6, 5), colour) for colour in ("red", "lime", "blue")]
    read = values(saved(tmp_path, name, frames[0], save_all=True, append_images=frames[1:]))
    assert np.abs(read - [255, 0, 0]).max() <= 4 and read.shape == (5, 6, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_tag_is_applied(tmp_path, orientation):
    """A camera writes the image turned and mirrored, and by which of the eight ways."""
    written = {1: lambda x: x, 2: np.fliplr, 3: lambda x: np.rot90(x, 2), 4: np.flipud, 5: lambda x: x.transpose(1, 0, 2),
               6: np.rot90, 7: lambda x: np.rot90(x, 2).transpose(1, 0, 2), 8: lambda x: np.rot90(x, -1)}
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(written[orientation](np.asarray(photo()))))
    for name in ("a.jpg", "a.png"):
        read = saved(tmp_path, name, image, exif=exif)
        assert read.size == (WIDTH, HEIGHT) and difference(read, photo()) <= 3


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
@pytest.mark.parametrize("tags", [b"nonsense", b"II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x01", b"II*\0\x08\0\0\0\x07\0"], ids=repr)
def test_broken_tags_do_no_harm_and_no_word_is_said_of_them(tmp_path, name, tags):
    read = saved(tmp_path, name, photo(), exif=b"Exif\0\0" + tags)
    assert read.size == (WIDTH, HEIGHT) and difference(read, photo()) <= 5


def test_large_jpegs_are_decoded_no_larger_than_needed(tmp_path):
    large = photo(1600, 960)
    large.save(tmp_path / "a.jpg", quality=95)
    large.save(tmp_path / "a.png")
    read = photographs.read(tmp_path / "a.jpg", least=100)
    assert read.size == (400, 240)   # a quarter: an eighth would have 120 pixels, less than twice 100
    assert difference(read, photo(400, 240)) <= 1
    assert photographs.read(tmp_path / "a.jpg").size == photographs.read(tmp_path / "a.png", least=100).size == (1600, 960)


def header_only(width, height):
    """A PNG whose header promises so many pixels, and that has none."""
    def chunk(kind, contents):
        return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", zlib.crc32(kind + contents))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))


def test_what_is_no_photograph_is_named(tmp_path):
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "empty.jpg").write_bytes(b"")
    photo(400, 240).save(tmp_path / "whole.jpg")
    contents = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(contents[:len(contents) // 2])
    (tmp_path / "large.png").write_bytes(header_only(10_000, 9_000))
    (tmp_path / "enormous.png").write_bytes(header_only(100_000, 90_000))
    for name, words in (("none.jpg", "does not exist"), (".", "is a folder"), ("text.jpg", "is no image"), ("empty.jpg", "is no image"),
                        ("cut.jpg", "cannot be read as an image"), ("large.png", "has more than 89,478,485 pixels"),
                        ("enormous.png", "has more than 89,478,485 pixels")):
        with pytest.raises(InputError) as caught:
            photographs.read(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name} {words}")


def test_a_bomb_is_refused_where_warnings_are_only_printed(tmp_path, recwarn):
    warnings.simplefilter("always")
    (tmp_path / "large.png").write_bytes(header_only(10_000, 9_000))
    before = list(warnings.filters)
    with pytest.raises(InputError, match="too many to be a photograph"):
        photographs.read(tmp_path / "large.png")
    assert len(recwarn) == 0 and warnings.filters == before


def test_many_threads_read_and_leave_the_warnings_as_they_were(tmp_path, monkeypatch):
    """Filters of warnings belong to the process: two threads that change them at once might restore what the other has set."""
    photo().save(tmp_path / "a.png")
    before, opening, most, really_open = list(warnings.filters), [], [], Image.open

    def slowly(file):
        opening.append(file)
        most.append(len(opening))
        time.sleep(0.01)
        opening.pop()
        return really_open(file)

    monkeypatch.setattr(Image, "open", slowly)
    threads = [threading.Thread(target=lambda: [photographs.read(tmp_path / "a.png") for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before and most == 20 * [1]


def test_pixels_there_and_back():
    for image in (photo(), photo().convert("L")):
        array = photographs.pixels(image)
        assert array.shape == (len(image.getbands()), HEIGHT, WIDTH) and array.dtype == np.uint8 and array.flags.c_contiguous
        again = photographs.from_pixels(array)
        assert again.mode == image.mode and np.array_equal(np.asarray(again), np.asarray(image))
    assert photographs.pixels(photo())[:, 0, -1].tolist() == [255, 0, 100]


@pytest.mark.parametrize("size, before, after", [(12, (40, 24), (20, 12)), (12, (24, 40), (12, 20)), (48, (40, 24), (80, 48)),
                                                 (10, (40, 24), (16, 10)), (30, (40, 40), (30, 30)), (10, (7, 700), (10, 160)),
                                                 (10, (5000, 1), (160, 10))])
def test_shorter_side_is_scaled_and_the_other_in_proportion(size, before, after):
    scaled = photographs.ScaleShorterSide(size)(photo(*before), generator())
    assert scaled.size == after
    if min(before) > 1:
        centre = values(scaled).reshape(after[1], after[0], 3).mean((0, 1))
        assert np.abs(centre - [127.5, 127.5, 100]).max() < 2


def test_scale_jitter():
    jitter = photographs.ScaleShorterSide((10, 20))
    sizes = [min(jitter(photo(), generator(seed)).size) for seed in range(300)]
    assert set(sizes) == set(range(10, 21)) and jitter.least == 20
    assert jitter(photo(), generator(5)).size == jitter(photo(), generator(5)).size


def box(crop, whole):
    """left, top of a crop in the photo, from its colours."""
    array = values(crop)
    return round(array[0, 0, 0] / 255 * (whole.width - 1)), round(array[0, 0, 1] / 255 * (whole.height - 1))


def test_centre_is_cut():
    whole = photo()
    crop = photographs.CenterCrop(16)(whole, generator())
    assert crop.size == (16, 16) and box(crop, whole) == (12, 4)
    np.testing.assert_array_equal(values(crop), values(whole)[4:20, 12:28])
    assert photographs.CenterCrop((10, 20))(whole, generator()).size == (20, 10)


def test_random_crops_come_from_everywhere():
    whole, crop = photo(), photographs.RandomCrop(20)
    crops = [crop(whole, generator(seed)) for seed in range(1500)]
    places = [box(piece, whole) for piece in crops]
    assert set(places) == {(left, top) for left in range(21) for top in range(5)}
    left, top = places[7]
    np.testing.assert_array_equal(values(crops[7]), values(whole)[top:top + 20, left:left + 20])


@pytest.mark.parametrize("crop", [photographs.CenterCrop(64), photographs.RandomCrop(64), photographs.RandomCrop((64, 90)),
                                  photographs.RandomResizedCrop(64)], ids=lambda crop: type(crop).__name__)
@pytest.mark.parametrize("size", [(40, 24), (24, 40), (63, 64), (1, 1), (3, 200)])
def test_small_photographs_are_enlarged(crop, size):
    assert crop(photo(*size), generator()).size == crop.size[::-1]


def test_szegedys_crops_have_the_areas_and_shapes_of_the_paper():
    crop, draws = photographs.RandomResizedCrop(32), generator()
    boxes = np.array([crop._place(400, 300, draws) for _ in range(4000)])
    left, top, width, height = boxes.T
    assert (left >= 0).all() and (top >= 0).all() and (left + width <= 400).all() and (top + height <= 300).all()
    area, aspect = width * height / (400 * 300), np.log(width / height)
    assert area.min() >= 0.079 and area.max() > 0.95
    assert np.abs(aspect).max() <= np.log(4 / 3) + 0.02
    small = area < 0.5   # every shape fits
    assert np.median(area[small]) == pytest.approx(0.29, abs=0.01)
    assert np.quantile(aspect[small], [0.25, 0.5, 0.75]) == pytest.approx(np.log(4 / 3) * np.array([-0.5, 0, 0.5]), abs=0.03)
    assert left[small].min() == 0 and (left + width)[small].max() == 400


def test_szegedys_crop_is_that_part_scaled():
    whole = photo(400, 300)
    crop = photographs.RandomResizedCrop(32, area=(0.25, 0.25), aspect=(1, 1))
    array = values(crop(whole, generator(2)))
    left, top, width, height = crop._place(400, 300, generator(2))
    assert array.shape == (32, 32, 3) and width == height == 173
    centre = np.array([(left + (width - 1) / 2) / 399, (top + (height - 1) / 2) / 299]) * 255
    assert np.abs(array.mean((0, 1))[:2] - centre).max() < 1
    assert np.ptp(array[:, :, 0]) == pytest.approx(255 * 173 / 400, abs=5)


def test_strips_have_no_such_piece_so_the_middle_is_taken():
    assert photographs.RandomResizedCrop(8, area=(1, 1))._place(1000, 30, generator()) == (480, 0, 40, 30)
    assert photographs.RandomResizedCrop(8, area=(1, 1))._place(30, 1000, generator()) == (0, 480, 30, 40)


def test_compose_goes_from_first_to_last_and_knows_what_it_needs():
    both = photographs.Compose([photographs.ScaleShorterSide(48), photographs.CenterCrop(30)])
    expected = values(photo().resize((80, 48), Image.Resampling.BILINEAR))[9:39, 25:55]
    np.testing.assert_array_equal(values(both(photo(), generator())), expected)
    assert both.least == 48
    assert photographs.Compose([lambda image, generator: image]).least is None
    assert photographs.RandomResizedCrop(100, area=(0.25, 1)).least == 200


def test_ten_crops_are_corners_centre_and_mirror_images():
    whole = photo()
    crops = photographs.ten_crops(whole, 16)
    assert [box(crop, whole) for crop in crops[:5]] == [(0, 0), (24, 0), (0, 8), (24, 8), (12, 4)]
    for crop, mirrored in zip(crops[:5], crops[5:]):
        assert crop.size == (16, 16)
        np.testing.assert_array_equal(values(mirrored), values(crop)[:, ::-1])
    assert {crop.size for crop in photographs.ten_crops(whole, (30, 50))} == {(50, 30)}
