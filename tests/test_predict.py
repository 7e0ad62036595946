"""python -m minicnn.predict: right answers, and a sentence for everything that is no image or no run."""
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from minicnn import data, models, predict
from minicnn.data import photographs
from minicnn.models import imagenet
from minicnn.training import seeing, weights

CHELSEA, COFFEE = photographs.EXAMPLES / "chelsea.jpg", photographs.EXAMPLES / "coffee.jpg"


@pytest.fixture(scope="module")
def digits(small_run):
    """{file: label}: twenty digits that the network knows, dark on light, larger than it sees them."""
    folder = small_run.parent / "digits"
    folder.mkdir()
    test_set, files = data.get("mnist", train=False), {}
    trained = weights.load(small_run)
    for place in range(40):
        image = Image.fromarray(255 - test_set.images[place, 0]).resize((140, 140), Image.Resampling.BICUBIC)
        image.save(folder / f"{place}.png")
        if predict.predict(trained, folder / f"{place}.png").probabilities.argmax() == test_set.labels[place] and len(files) < 20:
            files[folder / f"{place}.png"] = test_set.labels[place]
    assert len(files) == 20
    return files


@pytest.fixture
def blank(tmp_path):
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    return tmp_path / "blank.png"


def test_digits_are_read(call, small_run, digits):
    code, out, err = call(predict.main, small_run, *digits)
    assert (code, err) == (0, "")
    for line, (path, label) in zip(out.splitlines(), digits.items(), strict=True):
        assert line.startswith(f"{path} ")
        words = line.removeprefix(str(path)).split("   ")
        first, *others = [word.strip() for word in words if word.strip()]
        assert first.startswith(f"{label} (") and first.endswith(" %)") and len(others) == 2


def test_probabilities_add_up_to_1(call, small_run, digits):
    file, label = next(iter(digits.items()))
    code, out, err = call(predict.main, small_run, file, "--top", "10")
    assert code == 0 and out.count("%") == 10
    prediction = predict.predict(weights.load(small_run), file)
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5) and prediction.probabilities.argmax() == label
    assert prediction.image.shape == (1, 28, 28)


def test_as_many_classes_as_wanted(call, small_run, digits):
    file = next(iter(digits))
    assert call(predict.main, small_run, file, "--top", "1")[1].count("%") == 1
    assert call(predict.main, small_run, file, "--top", "99")[1].count("%") == 10
    code, out, err = call(predict.main, small_run, file, "--top", "0")
    assert code == 2 and "--top must be at least 1, not 0" in err


def test_the_paper_s_network_gets_its_32_pixels(call, tmp_path, digits):
    model = models.get("lenet", variant="paper")
    preprocessing = model.preprocessing_for((0.1307,), (0.3081,))
    weights.save(model.remember("mnist", "0123456789", preprocessing), tmp_path / weights.FILE)
    code, out, err = call(predict.main, tmp_path, next(iter(digits)))
    assert (code, err) == (0, "") and "nan" not in out


def test_what_cannot_be_read_is_said_and_the_rest_is_read(call, small_run, digits, blank, tmp_path):
    files = list(digits)[:2]
    none, text = tmp_path / "none.png", tmp_path / "text.png"
    text.write_text("hello")
    code, out, err = call(predict.main, small_run, none, files[0], blank, tmp_path, text, files[1])
    assert code == 2 and len(out.splitlines()) == 2
    assert err.splitlines() == [
        f"minicnn: {none} does not exist", f"minicnn: {blank}: nothing in it stands out from the background",
        f"minicnn: {tmp_path} is a folder; name the images in it: {tmp_path}/*.png",
        f"minicnn: {text} is no image that can be read; PNG and JPEG, for example, can be"]


@pytest.mark.parametrize("name, words", [("none", "none does not exist"), ("", "model.safetensors does not exist"),
                                         ("text", "text cannot be read as a safetensors file")])
def test_what_is_no_run(call, tmp_path, blank, name, words):
    (tmp_path / "text").write_text("hello")
    code, out, err = call(predict.main, tmp_path / name, blank)
    assert (code, out, err.count("\n")) == (2, "", 1) and words in err and "name the folder of a run" in err


def test_plot_draws_what_was_read(call, small_run, digits, blank, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):   # the picture it made itself may be replaced
        code, out, err = call(predict.main, small_run, *list(digits)[:2], blank, "--plot")
        assert code == 2 and out.endswith("drawn to prediction.png\n")
    with Image.open("prediction.png") as image:
        assert image.width > 1000 and image.height > 800
    monkeypatch.setattr(predict, "_MOST_DRAWN", 2)
    code, out, err = call(predict.main, small_run, *list(digits)[:3], "--plot", "mine.png")
    assert code == 0 and out.endswith("drawn to mine.png (the first 2)\n") and pathlib.Path("mine.png").exists()


def test_plot_overwrites_nobody_s_image(call, small_run, digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(next(iter(digits)), "prediction.png")
    shutil.copy(next(iter(digits)), "other.png")
    before = pathlib.Path("prediction.png").read_bytes()
    for arguments in (["./prediction.png", "--plot"], [tmp_path / "prediction.png", "--plot"],
                      ["prediction.png", "--plot", "other.png"]):
        code, out, err = call(predict.main, small_run, *arguments)
        assert code == 2 and "exists already and would be overwritten" in err
    assert pathlib.Path("prediction.png").read_bytes() == pathlib.Path("other.png").read_bytes() == before


def test_plot_to_a_folder_that_is_none(call, small_run, digits, tmp_path):
    code, out, err = call(predict.main, small_run, next(iter(digits)), "--plot", tmp_path / "none" / "a.png")
    assert code == 1 and "a.png cannot be written: No such file or directory" in err


def test_data_sets_with_a_form_of_their_own():
    assert set(seeing._FORMS) == {"mnist", "fashion-mnist"} <= set(data.names())


def test_clothes_are_not_treated_as_digits(call, tmp_path):
    model = models.get("lenet")
    names = data.FashionMNIST.classes
    model.remember("fashion-mnist", names, model.preprocessing_for((0.286,), (0.353,)))
    weights.save(model, tmp_path / weights.FILE)
    picture = np.full((100, 100), 255, np.uint8)
    picture[20:60, 10:90] = 60
    Image.fromarray(picture).save(tmp_path / "bag.png")
    image = predict.predict(model, tmp_path / "bag.png").image[0]
    assert image[14, 0] > 0.5 and image[14, 27] > 0.5 and image[0, 0] == 0   # it fills the width, light on dark
    code, out, err = call(predict.main, tmp_path, tmp_path / "bag.png", "--top", "10")
    assert code == 0 and all(name in out for name in names)


def test_photographs_are_named_without_a_run(call, tmp_path):
    text = tmp_path / "text.jpg"
    text.write_text("hello")
    code, out, err = call(predict.main, CHELSEA, COFFEE)
    assert (code, err) == (0, "")
    for line, path, name in zip(out.splitlines(), (CHELSEA, COFFEE), ("Egyptian cat", "espresso"), strict=True):
        assert line.startswith(f"{path} ") and line.removeprefix(str(path)).strip().startswith(f"{name} (") and line.count("%") == 3
    shutil.copy(CHELSEA, tmp_path / "photo")
    assert "Egyptian cat" in call(predict.main, tmp_path / "photo")[1]
    code, out, err = call(predict.main, CHELSEA, text, COFFEE, "--top", 1, "--model", "squeezenet")
    assert code == 2 and len(out.splitlines()) == 2 and out.count("%") == 2
    assert err == f"minicnn: {text} is no image that can be read; PNG and JPEG, for example, can be\n"


def test_what_is_not_asked_rightly(call, small_run, tmp_path):
    shutil.copy(CHELSEA, tmp_path)
    weights_file = small_run / weights.FILE
    for arguments, words in (([CHELSEA, "--model", "squeeznet"], "did you mean 'squeezenet'?"),
                             ([small_run, CHELSEA, "--model", "squeezenet"], "has a network of its own"),
                             ([small_run], "name the images that"),
                             ([weights_file, CHELSEA, "--model", "squeezenet"], "has a network of its own"),
                             ([tmp_path], f"{tmp_path} is a folder; name the images in it"),
                             ([tmp_path / "none"], "none does not exist"),
                             ([tmp_path / "none", "--model", "squeezenet"], "none does not exist"),
                             ([tmp_path / "none.jpg"], "none.jpg does not exist")):
        code, out, err = call(predict.main, *arguments)
        assert (code, out) == (2, "") and words in err


@pytest.mark.parametrize("name, shape", [("resnet20", (3, 32, 32)), ("lenet", (1, 28, 28))])
def test_a_run_s_network_sees_photographs_at_its_size(call, tmp_path, name, shape):
    model = models.get(name, num_classes=2)
    preprocessing = model.preprocessing_for((0.5,) * shape[0], (0.25,) * shape[0])
    weights.save(model.remember("folder:pets", ("cat", "dog"), preprocessing), tmp_path / weights.FILE)
    picture = np.zeros((100, 300, 3), np.uint8)
    picture[:, 100:200, 0] = 255   # the middle third is red: all that is seen
    Image.fromarray(picture).save(tmp_path / "red.png")
    code, out, err = call(predict.main, tmp_path, tmp_path / "red.png", CHELSEA)
    assert (code, err, len(out.splitlines())) == (0, "", 2) and all(line.count("%") == 2 for line in out.splitlines())
    seen = predict.predict(weights.load(tmp_path), tmp_path / "red.png").image
    assert seen.shape == (3, *shape[1:]) and (seen[:, 2:-2, 2:-2].mean((1, 2)) == [1, 0, 0]).all()


def test_plot_of_photographs(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(predict.main, CHELSEA, "--plot", "cat.png", "--top", "4")
    assert (code, err) == (0, "") and out.endswith("drawn to cat.png\n")
    with Image.open("cat.png") as image:
        assert image.width > 1500
    prediction = predict.predict(models.get("squeezenet", weights="imagenet"), CHELSEA)
    assert prediction.original.shape == (300, 451, 3) and prediction.original.max() <= 1
    assert prediction.image.shape == (3, 227, 227) and prediction.probabilities.shape == (len(imagenet.names()),)


def test_command_from_the_shell(small_run, digits, tmp_path):
    file, label = next(iter(digits.items()))
    done = subprocess.run([sys.executable, "-m", "minicnn.predict", str(small_run), file.name, "none.png"], capture_output=True,
                          text=True, cwd=file.parent, env={**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parent.parent)})
    assert done.returncode == 2 and done.stderr == "minicnn: none.png does not exist\n"
    assert done.stdout.split()[:2] == [file.name, str(label)]
