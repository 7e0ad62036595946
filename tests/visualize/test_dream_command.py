"""python -m minicnn.visualize dream: what it leaves, and what it says of mistakes."""
import pathlib

import numpy as np
import pytest
from PIL import Image

from minicnn.data import photographs
from minicnn.visualize import __main__ as visualize
from minicnn.visualize.pictures import dreams

CHELSEA = photographs.EXAMPLES / "chelsea.jpg"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_class_from_noise(call):
    code, out, err = call(visualize.main, "dream", "--class", "banana", "--steps", 12, "--gif", "--zoom", 2)
    assert code == 0 and "says of this picture: banana" in out
    with Image.open("dream.png") as picture, Image.open("dream-grows.gif") as grows, Image.open("dream-zoom.gif") as zoom:
        assert picture.size[0] > 1000 and grows.n_frames == 13 and zoom.n_frames == 2
    before = pathlib.Path("dream.png").read_bytes()
    assert call(visualize.main, "dream", "--class", "banana", "--steps", 12, "--gif")[0] == 0   # the same again
    assert pathlib.Path("dream.png").read_bytes() == before


def test_in_a_photograph(call):
    code, out, err = call(visualize.main, "dream", CHELSEA, "--steps", 1, "--out", "cat.png")
    assert code == 0 and pathlib.Path("cat.png").exists()
    code, out, err = call(visualize.main, "dream", CHELSEA, "--layer", "fire4", "--channel", 3, "--steps", 1, "--out", "map.png")
    assert code == 0 and pathlib.Path("map.png").exists()


@pytest.mark.parametrize("arguments, words", [
    ([], "say what to dream of"), (["--class", "banan"], "did you mean 'banana'"), (["--layer", "fire99"], "there is no layer 'fire99'"),
    (["--layer", "fire5", "--channel", 256], "channel"), ([CHELSEA, "--channel", 3], "name that with --layer"),
    (["--class", "banana", "--steps", 0], "--steps must be at least 1"), (["--class", "banana", "--zoom", 0], "--zoom must be at least 1"),
    (["--class", "banana", "--seed", -1], "--seed must be at least 0"), (["none.jpg"], "none.jpg does not exist"),
    (["--class", "banana", "--out", "none/dream.png"], "the folder none does not exist")])
def test_mistakes_are_sentences(call, arguments, words):
    code, out, err = call(visualize.main, "dream", *arguments)
    assert code == 2 and words in err and "Traceback" not in err and not list(pathlib.Path().glob("*"))


def test_a_tiny_image(call):
    Image.new("RGB", (1, 1)).save("one.png")
    code, out, err = call(visualize.main, "dream", "one.png")
    assert code == 2 and "one.png has 1 x 1 pixels" in err


def test_films_of_others_are_spared(call):
    pathlib.Path("mine-grows.gif").write_text("a film")
    code, out, err = call(visualize.main, "dream", "--class", "banana", "--gif", "--out", "mine.png")
    assert code == 2 and "mine-grows.gif exists already" in err and pathlib.Path("mine-grows.gif").read_text() == "a film"


def test_pictures_hold_all_that_they_are_given():
    shown = [(f"step {number}", np.full((3, 8, 8), number / 5, np.float32)) for number in range(5)]
    for figure in (dreams.stages(shown, "a dream", "a remark"), dreams.gallery(shown, "dreams", "a remark")):
        drawn = [axes for axes in figure.axes if axes.images]
        assert [axes.get_title() for axes in drawn] == [name for name, _ in shown]
        assert [axes.images[0].get_array().mean() for axes in drawn] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    figure = dreams.stages([("start", np.zeros((1, 8, 8))), ("end", np.ones((1, 8, 8)))], "of a digit", "")
    assert len([axes for axes in figure.axes if axes.images]) == 2
