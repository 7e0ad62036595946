"""What a network sees of a file: the same numbers that it was trained to see, and pictures of them."""
import numpy as np
import pytest
from PIL import Image

from minicnn import models
from minicnn.data import own_images, photographs
from minicnn.errors import InputError
from minicnn.models.classifier import Preprocessing
from minicnn.training import preparation, seeing

CHELSEA = photographs.EXAMPLES / "chelsea.jpg"


def lenet(learned_from, names=tuple("0123456789")):
    model = models.get("lenet", num_classes=len(names))
    return model.remember(learned_from, names, Preprocessing((28, 28), (0.25,), (0.5,)))


def test_a_photograph():
    """Scaled, cut, and normalised, as in a test."""
    model = models.get("squeezenet").remember("imagenet", ("a",), Preprocessing((60, 80), (0.4, 0.5, 0.6), (0.2, 0.25, 0.5), 90))
    seen = seeing.look(model, CHELSEA)
    with Image.open(CHELSEA) as photo:
        width, height = photo.size
        small = photo.convert("RGB").resize((round(90 * width / height), 90), Image.Resampling.BILINEAR)
    left = round((small.width - 80) / 2)
    expected = np.asarray(small.crop((left, 15, left + 80, 75)), np.float32).transpose(2, 0, 1) / 255
    assert seen.path == CHELSEA and seen.image.shape == (3, 60, 80) and seen.x.shape == (1, 3, 60, 80) and seen.x.dtype == np.float32
    assert abs(seen.image - expected).mean() < 0.01
    normalised = (seen.image - np.reshape((0.4, 0.5, 0.6), (3, 1, 1))) / np.reshape((0.2, 0.25, 0.5), (3, 1, 1))
    np.testing.assert_allclose(seen.x.numpy()[0], normalised, rtol=1e-5, atol=1e-5)
    assert seen.original.max() <= 1 and seen.original.shape[2] == 3 and max(seen.original.shape) <= 512
    assert seen.original.shape[1] / seen.original.shape[0] == pytest.approx(width / height, rel=0.01)


@pytest.mark.parametrize("learned_from, form", [("mnist", own_images.like_mnist), ("fashion-mnist", own_images.like_fashion_mnist)])
def test_drawings_get_the_form_of_what_was_learned(tmp_path, learned_from, form):
    image = Image.new("L", (60, 90), 230)
    image.paste(10, (25, 20, 35, 70))
    image.save(tmp_path / "one.png")
    seen = seeing.look(lenet(learned_from), tmp_path / "one.png")
    expected = form(own_images.read(tmp_path / "one.png"))
    np.testing.assert_array_equal(seen.image, expected)
    np.testing.assert_allclose(seen.x.numpy(), (expected[None] - 0.25) / 0.5, rtol=1e-6)
    assert seen.original.shape == (90, 60) and seen.original.min() == pytest.approx(10 / 255, abs=1e-3)


def test_what_a_network_takes():
    assert not seeing.takes_photographs(lenet("mnist")) and not seeing.takes_photographs(lenet("fashion-mnist"))
    assert seeing.takes_photographs(lenet("folder:photos")) and seeing.takes_photographs(models.get("squeezenet"))


def test_a_network_in_grey_sees_the_brightness_of_photographs():
    seen = seeing.look(lenet("folder:photos"), CHELSEA)
    assert seen.x.shape == (1, 1, 28, 28) and np.isfinite(seen.x.numpy()).all()
    shown = preparation.pixels(lenet("folder:photos").preprocessing, seen.x.numpy())[0]
    assert 0.2 < shown.mean() < 0.8


def test_what_cannot_be_seen(tmp_path):
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    (tmp_path / "text.jpg").write_text("hello")
    for path, sentence in [("blank.png", "nothing in it stands out from the background"), ("text.jpg", "is no image that can be read"),
                           ("none.jpg", "does not exist")]:
        with pytest.raises(InputError) as problem:
            seeing.look(lenet("mnist"), tmp_path / path)
        assert str(problem.value).startswith(str(tmp_path / path)) and sentence in str(problem.value)


def test_on_the_network_s_device():
    seen = seeing.look(lenet("folder:photos").to("cuda-simulator"), CHELSEA)
    assert seen.x.device == "cuda-simulator"
