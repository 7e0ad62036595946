"""python -m minicnn.evaluate: folders find their classes, and errors are counted."""
import shutil

import numpy as np
import pytest
from PIL import Image

from minicnn import data, evaluate, evaluation, models
from minicnn.data import photographs
from minicnn.errors import InputError
from minicnn.models import imagenet
from minicnn.models.classifier import Preprocessing
from minicnn.training import weights


@pytest.fixture
def folder(tmp_path):
    """Cats and coffee, three times each; one cat lies among the goldfish."""
    for name, photo, count in (("n02124075", "chelsea", 3), ("Espresso", "coffee", 3), ("goldfish", "chelsea", 1)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        with Image.open(photographs.EXAMPLES / f"{photo}.jpg") as image:
            for number in range(count):
                image.resize((300 + 30 * number, 240)).save(tmp_path / "photos" / name / f"{number}.jpg")
    return tmp_path / "photos"


@pytest.mark.parametrize("crops", evaluation.CROPS)
def test_errors_on_a_folder(call, folder, crops):
    code, out, err = call(evaluate.main, folder, "--crops", crops)
    assert (code, err) == (0, "")
    first, top1, top5 = out.splitlines()
    assert first == f"squeezenet on {folder}: 7 images of 3 classes, crops: {crops}"
    result = evaluation.evaluate(*_squeezenet_and(folder), crops)
    assert top1 == f"top-1 error {100 * (1 - result.accuracy):.2f} %" and result.accuracy < 1
    assert top5 == "top-5 error 14.29 %"   # the cat among the goldfish


def _squeezenet_and(folder):
    model = evaluate.load("squeezenet")
    images, problems = evaluate.for_network(data.folder.everything(folder), model)
    assert not problems
    return model, images


def test_folders_that_stand_for_no_class(call, folder):
    for name in ("holiday", "tabbi", "crane"):
        (folder / "goldfish").rename(folder / name)
        code, out, err = call(evaluate.main, folder)
        assert code == 2 and f"the folder {name} is left out" in err and "6 images of 2 classes" in out
        (folder / name).rename(folder / "goldfish")
    for number in range(8):
        (folder / f"holiday {number}").mkdir()
        Image.new("RGB", (40, 40)).save(folder / f"holiday {number}" / "0.png")
    code, out, err = call(evaluate.main, folder)
    assert code == 2 and err.count("\n") == 6 and err.endswith("minicnn: and 3 more folders that are left out\n")
    assert "7 images of 3 classes" in out


def test_a_folder_of_other_things(call, folder):
    (folder / "n02124075").rename(folder / "x")
    (folder / "Espresso").rename(folder / "y")
    (folder / "goldfish").rename(folder / "z")
    code, out, err = call(evaluate.main, folder)
    assert (code, out, err.count("\n")) == (2, "", 1) and "knows none of the classes" in err


def test_a_run_s_network(call, folder, tmp_path):
    model = models.get("resnet20", num_classes=3)
    model.remember("folder:x", ("Espresso", "goldfish", "N02124075"), Preprocessing((32, 32), (0.5,) * 3, (0.25,) * 3))
    (tmp_path / "run").mkdir()
    weights.save(model, tmp_path / "run" / weights.FILE)
    code, out, err = call(evaluate.main, folder, "--model", tmp_path / "run")
    assert (code, err) == (0, "") and "7 images of 3 classes" in out and "top-1" in out and "top-5" not in out
    code, out, err = call(evaluate.main, folder, "--model", tmp_path / "run", "--crops", "10")
    assert (code, out) == (2, "") and "choose --crops 1 or dense" in err


def test_what_a_run_was_trained_on_is_not_what_it_is_tested_on(folder):
    for name in ("train", "val"):
        (folder / name).mkdir()
    for name in ("n02124075", "Espresso"):
        (folder / name).rename(folder / "val" / name)
        shutil.copytree(folder / "val" / name, folder / "train" / name)
        (folder / "train" / name / "0.jpg").unlink()
    model = models.get("resnet20").remember("folder:elsewhere", (), None)
    assert len(evaluate.read(folder, model)) == 6 and len(evaluate.read(folder / "train", model)) == 4
    model.remember(f"folder:{folder / 'val'}", (), None)
    assert len(evaluate.read(folder / "val", model)) == 2   # a tenth of each class's three


@pytest.mark.parametrize("arguments, words", [
    (["none"], "none"), (["none", "--model", "squeeznet"], "did you mean 'squeezenet'?"),
    (["none", "--model", "runs/none"], "name the folder of a run"), (["none", "--crops", "5"], "invalid choice: '5'")])
def test_what_is_given_wrongly(call, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(evaluate.main, *arguments)
    assert (code, out) == (2, "") and words in err


@pytest.mark.parametrize("name, place", [
    ("n02124075", 285), ("n02124075-Egyptian_cat", 285), ("egyptian_cat", 285), ("tank suit", 639), ("crane (lifting device)", 517)])
def test_names_of_imagenet_s_classes(name, place):
    assert evaluate.place(name, imagenet.names()) == place


def test_names_of_other_classes():
    assert [evaluate.place(name, ("Hot dog", "hat")) for name in ("hot_dog", "HAT")] == [0, 1]
    with pytest.raises(InputError, match="no class 'hatt': did you mean 'hat'?"):
        evaluate.place("hatt", ("Hot dog", "hat"))


def test_labels_are_the_network_s_places():
    images = data.Dataset(np.zeros((4, 3, 8, 8), np.uint8), np.array([0, 1, 2, 1]), ("tabby", "junk!", "tench"), (0,) * 3,
                                  (1,) * 3, "some")
    model = models.get("squeezenet").remember("imagenet", imagenet.names(), None)
    images, problems = evaluate.for_network(images, model)
    assert list(images.labels) == [281, 0] and images.classes == imagenet.names() and len(problems) == 1
