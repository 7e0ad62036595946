"""python -m minicnn.visualize occlusion: one picture, one sentence of numbers, and one for what cannot be done."""
import importlib
import re

import pytest
from PIL import Image

from minicnn import models
from minicnn.data import photographs
from minicnn.models.classifier import Preprocessing
from minicnn.visualize.commands import shared

visualize = importlib.import_module("minicnn.visualize.__main__")
CHELSEA = photographs.EXAMPLES / "chelsea.jpg"


@pytest.fixture(autouse=True)
def few_photographs(monkeypatch):
    """Two are enough to search."""
    monkeypatch.setattr(shared.crops, "files", lambda folder: [CHELSEA, photographs.EXAMPLES / "raccoon.jpg"])


def test_a_photograph(call, tmp_path):
    out = tmp_path / "cat.png"
    code, said, err = call(visualize.main, "occlusion", CHELSEA, "--class", "tabby", "--size", "60", "--stride", "76", "--layer", "fire5",
                           "--out", out, "--device", "cpu")
    assert (code, err) == (0, "")
    assert said.startswith("9 places of a square of 60 x 60 pixels: p(tabby) is 29.9 % of the whole image, from ")
    assert said.endswith(f"drawn to {out}\n")
    with Image.open(out) as image:
        assert min(image.size) >= 1000


def test_the_most_probable_class_is_looked_at_unless_one_is_named(call, tmp_path):
    code, said, err = call(visualize.main, "occlusion", CHELSEA, "--stride", "114", "--out", tmp_path / "cat.png", "--device", "cpu")
    assert code == 0 and re.match(r"4 places of a square of 56 x 56 pixels: p\(Egyptian cat\) is 44.3 % of the whole image", said)


def test_digits(call, tmp_path, small_run):
    digit = Image.new("L", (40, 40), 255)
    digit.paste(0, (18, 6, 22, 34))
    digit.save(tmp_path / "one.png")
    code, said, err = call(visualize.main, "occlusion", tmp_path / "one.png", "--model", small_run, "--stride", "7",
                           "--out", tmp_path / "out.png", "--device", "cpu")
    assert (code, err) == (0, "") and said.startswith("16 places of a square of 7 x 7 pixels") and (tmp_path / "out.png").exists()


@pytest.mark.parametrize("options, sentence", [
    (("--size", "228"), "a square of 228 x 228 pixels does not fit into the image, which has 227 x 227: choose a smaller one"),
    (("--size", "0"), "at least 1 pixel"), (("--stride", "0"), "move by at least 1"), (("--class", "unicornfish"), "ImageNet has no class"),
    (("--layer", "fire10"), "there is no layer 'fire10': did you mean"), (("--layer", "pool10"), "no maps")])
def test_what_cannot_be_done(call, tmp_path, options, sentence):
    code, said, err = call(visualize.main, "occlusion", CHELSEA, *options, "--out", tmp_path / "out.png", "--device", "cpu")
    assert (code, said) == (2, "") and sentence in err and err.count("\n") == 1 and not (tmp_path / "out.png").exists()


def test_the_photograph_itself_is_not_searched():
    model = models.get("squeezenet").remember("imagenet", (), Preprocessing((64, 64), (0.5,) * 3, (0.2,) * 3))
    assert {crop.source.name for crop in shared.images(model)} == {"chelsea.jpg", "raccoon.jpg"}
    assert {crop.source.name for crop in shared.images(model, but=CHELSEA)} == {"raccoon.jpg"}
