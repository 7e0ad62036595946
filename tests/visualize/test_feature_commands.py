"""python -m minicnn.visualize filters and deconvnet: a picture for what can be looked at, a sentence for what cannot."""
import importlib

import pytest
from PIL import Image

from minicnn import models
from minicnn.data import photographs
from minicnn.training import weights

visualize = importlib.import_module("minicnn.visualize.__main__")
CHELSEA = photographs.EXAMPLES / "chelsea.jpg"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def few(tmp_path):
    """A folder with two small photographs."""
    folder = tmp_path / "few"
    folder.mkdir()
    for name in ("coffee", "china"):
        with Image.open(photographs.EXAMPLES / f"{name}.jpg") as image:
            image.resize((90, 60)).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def digit(tmp_path):
    path = tmp_path / "digit.png"
    image = Image.new("L", (60, 60), 255)
    image.paste(0, (28, 10, 34, 50))
    image.save(path)
    return path


def drawn(path, least=600):
    with Image.open(path) as image:
        assert min(image.size) >= least
    return True


def test_filters(call):
    assert call(visualize.main, "filters", "--device", "cpu") == (0, "drawn to filters.png\n", "")
    assert drawn("filters.png")
    code, out, err = call(visualize.main, "filters", CHELSEA, "--out", "with.png", "--device", "cpu")
    assert (code, err) == (0, "") and drawn("with.png")
    code, out, err = call(visualize.main, "filters", CHELSEA, "--layer", "fire3", "fire9", "--out", "maps.png", "--device", "cpu")
    assert (code, err) == (0, "") and drawn("maps.png")


def test_deconvnet(call, few):
    code, out, err = call(visualize.main, "deconvnet", CHELSEA, "--images", few, "--device", "cpu")
    assert (code, err) == (0, "") and drawn("deconvnet.png", 1500)
    code, out, err = call(visualize.main, "deconvnet", CHELSEA, "--images", few, "--layer", "fire5", "--maps", "195", "3", "--out",
                          "two.png", "--device", "cpu")
    assert (code, err) == (0, "") and drawn("two.png")


def test_a_run_on_digits(call, small_run, digit, few, tmp_path):
    assert call(visualize.main, "filters", digit, "--model", small_run, "--device", "cpu")[0] == 0
    code, out, err = call(visualize.main, "deconvnet", digit, "--model", small_run, "--device", "cpu")
    assert (code, err) == (0, "") and drawn("deconvnet.png")
    own = tmp_path / "own"
    own.mkdir()
    digit.rename(own / "digit.png")
    code, out, err = call(visualize.main, "deconvnet", own / "digit.png", "--model", small_run, "--images", own, "--device", "cpu")
    assert (code, err) == (0, "")


def test_a_network_of_photographs_that_is_small(call, few, tmp_path):
    model = models.get("resnet20").eval()
    model.remember("folder:photos", [str(number) for number in range(10)], model.preprocessing_for((0.5,) * 3, (0.2,) * 3))
    weights.save(model, "small.safetensors")
    code, out, err = call(visualize.main, "deconvnet", CHELSEA, "--model", "small.safetensors", "--images", few, "--device", "cpu")
    assert (code, err) == (0, "") and drawn("deconvnet.png")


@pytest.mark.parametrize("arguments, sentence", [
    (("filters", "--layer", "fire5"), "a layer makes maps of an image: name a photograph, too"),
    (("filters", CHELSEA, "--layer", "fire55"), "did you mean 'fire5'?"),
    (("filters", CHELSEA, "--layer", "pool10"), "gives 1000 numbers and no maps"),
    (("filters", "nothing.jpg"), "nothing.jpg does not exist"),
    (("deconvnet", CHELSEA, "--maps", "1"), "name it with --layer"),
    (("deconvnet", CHELSEA, "--layer", "fire3", "fire5", "--maps", "1"), "name it with --layer"),
    (("deconvnet", CHELSEA, "--layer", "fire5", "--maps", *"123456"), "there is room for 5 maps, not for 6"),
    (("deconvnet", CHELSEA, "--layer", "fire5", "--maps", "256"), "layer 'fire5' has channels 0 to 255, and no channel 256"),
    (("deconvnet", CHELSEA, "--images", "nowhere"), "nowhere is not a folder"),
    (("deconvnet", CHELSEA, "--out", "no/such.png"), "the folder no does not exist")])
def test_what_cannot_be_looked_at(call, arguments, sentence, tmp_path):
    code, out, err = call(visualize.main, *arguments, "--device", "cpu")
    assert code == 2 and sentence in err and err.count("\n") == 1 and err.startswith("minicnn: ")
    assert not list(tmp_path.glob("*.png"))
