"""python -m minicnn.visualize gradcam and saliency: a picture for what can be looked at, a sentence for what cannot."""
import importlib

import numpy as np
import pytest
from PIL import Image

import minicnn as mc
from minicnn import models
from minicnn.data import photographs
from minicnn.training import weights
from minicnn.visualize.pictures import attribution as pictures

visualize = importlib.import_module("minicnn.visualize.__main__")
CHELSEA = photographs.EXAMPLES / "chelsea.jpg"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def digit(tmp_path):
    image = Image.new("L", (60, 60), 255)
    image.paste(0, (28, 10, 34, 50))
    image.save(tmp_path / "digit.png")
    return tmp_path / "digit.png"


@pytest.fixture
def run(tmp_path):
    """The folder of a LeNet that has learned nothing, and gives a 9 the same score whatever it sees."""
    mc.manual_seed(0)
    model = models.get("lenet")
    model.fc3.weight.copy_(np.concatenate([model.fc3.weight.detach().numpy()[:9], np.zeros((1, 84), np.float32)]))
    weights.save(model.remember("mnist", tuple("0123456789"), model.preprocessing_for((0.1307,), (0.3081,))), tmp_path / weights.FILE)
    return tmp_path


def width(path):
    with Image.open(path) as image:
        return image.width


def test_gradcam(call, monkeypatch):
    drawn, draw = [], pictures.by_class
    monkeypatch.setattr(pictures, "by_class", lambda *arguments: drawn.append(arguments) or draw(*arguments))
    assert call(visualize.main, "gradcam", CHELSEA, "--device", "cpu") == (0, "Egyptian cat (44.3 %)\ndrawn to gradcam.png\n", "")
    assert width("gradcam.png") > 1500
    _, rows, title, note = drawn[0]
    assert title == "Where squeezenet finds it in chelsea.jpg" and note == "maps of layer fire9; bright: speaks for the class"
    maps, = rows.values()
    assert {name: values.shape for name, values in maps.items()} == {"Grad-CAM": (227, 227), "Grad-CAM++": (227, 227),
                                                                     "Guided Grad-CAM": (3, 227, 227)}
    assert all(np.isfinite(values).all() and values.any() for values in maps.values())


def test_classes_and_a_layer_that_one_asks_for(call, monkeypatch):
    drawn, draw = [], pictures.by_class
    monkeypatch.setattr(pictures, "by_class", lambda *arguments: drawn.append(arguments) or draw(*arguments))
    asked = "--class", "tabby", "--class", "espresso", "--layer", "fire8", "--out", "two.png"
    code, out, err = call(visualize.main, "gradcam", CHELSEA, *asked, "--device", "cpu")
    assert (code, err) == (0, "") and out.startswith("tabby (29.9 %)\nespresso (0.0 %)\n")
    _, rows, _, note = drawn[0]
    assert list(rows) == ["tabby (29.9 %)", "espresso (0.0 %)"] and "fire8" in note
    first, second = (maps["Grad-CAM"] for maps in rows.values())
    assert not np.allclose(first, second)


def test_saliency(call):
    assert call(visualize.main, "saliency", CHELSEA, "--device", "cpu") == (0, "drawn to saliency.png\n", "")
    assert width("saliency.png") > 1500


def test_a_network_of_one_s_own(call, run, digit):
    for word in ("gradcam", "saliency"):
        code, out, err = call(visualize.main, word, digit, "--model", run, "--class", "1", "--device", "cpu")
        assert (code, err) == (0, "") and width(f"{word}.png") > 1000


def test_when_nothing_speaks_for_a_class(call, run, digit):
    code, out, err = call(visualize.main, "gradcam", digit, "--model", run, "--class", "9", "--device", "cpu")
    assert (code, err) == (0, "") and "nothing in the maps of conv2 speaks for it" in out


@pytest.mark.parametrize("arguments, sentence", [
    (("gradcam", CHELSEA, "--class", "egyptian bat"), "minicnn: ImageNet has no class 'egyptian bat': did you mean 'Egyptian cat'"),
    (("gradcam", CHELSEA, "--layer", "fire99"), "minicnn: there is no layer 'fire99': did you mean 'fire9'?"),
    (("gradcam", CHELSEA, "--layer", "pool10"), "minicnn: layer 'pool10' gives 1000 numbers and no maps: choose one of conv1"),
    (("gradcam", "nothing.jpg"), "minicnn: nothing.jpg does not exist"),
    (("saliency", CHELSEA, "--class", "nonsense"), "minicnn: ImageNet has no class 'nonsense'"),
    (("saliency", CHELSEA, "--out", "no/where.png"), "minicnn: the folder no does not exist")])
def test_mistakes_get_a_sentence(call, arguments, sentence, tmp_path):
    code, out, err = call(visualize.main, *arguments, "--device", "cpu")
    assert code == 2 and err.startswith(sentence) and err.count("\n") == 1
    assert not list(tmp_path.glob("*.png"))
