"""python -m minicnn.residual: pictures of one run, a picture of several, and a sentence for what cannot be looked into."""
import importlib

import pytest
from PIL import Image

import minicnn as mc
from minicnn import data, models
from minicnn.training import metrics, weights

residual = importlib.import_module("minicnn.residual.__main__")


@pytest.fixture
def make_run(tmp_path, monkeypatch):
    """make_run(name) -> the folder of a run with that network, untrained, on few and small images."""
    small = data.Shapes(train=False, size=8).take(60)
    monkeypatch.setattr(data, "get", lambda spec, train=True, classes=None: small)

    def make(name, rows=3):
        mc.manual_seed(0)
        folder = tmp_path / name
        folder.mkdir()
        model = models.get(name)
        preprocessing = model.preprocessing_for(small.mean, small.std)._replace(size=(8, 8))
        weights.save(model.remember("shapes", small.classes, preprocessing), folder / weights.FILE)
        metrics.write([{"epoch": epoch, "train_accuracy": epoch / 10} for epoch in range(1, rows + 1)], folder / metrics.FILE)
        return folder
    return make


def drawn(folder):
    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            assert min(image.size) >= 500
    return {path.name for path in folder.glob("*.png")}


def test_a_residual_network(call, make_run):
    folder = make_run("resnet20")
    code, out, err = call(residual.main, folder, "--images", "60")
    assert (code, err) == (0, "")
    assert drawn(folder) == {"gradients.png", "lesions.png", "reordering.png", "paths.png"}
    assert "of 60 test images not recognised" in out
    assert "without one of its 9 blocks" in out and "95 % of the gradient comes by paths through" in out
    assert str(folder / "paths.png") in out


def test_a_plain_network_has_no_paths(call, make_run):
    folder = make_run("plain20")
    code, out, err = call(residual.main, folder, "--images", "50")
    assert (code, err) == (0, "")
    assert drawn(folder) == {"gradients.png", "lesions.png", "reordering.png"}


def test_several_runs_are_compared(call, make_run):
    folders = [make_run(name) for name in ("plain32", "plain20", "resnet20")]
    code, out, err = call(residual.main, *folders)
    assert (code, err) == (0, "") and out == f"drawn to {folders[2] / 'degradation.png'}\n"
    assert drawn(folders[0]) == set() and drawn(folders[2]) == {"degradation.png"}
    plain = residual.compare(folders).axes[0]
    assert [text.get_text().split()[0] for text in plain.texts] == ["plain20", "plain32"]   # the shallower first


def test_curves_are_training_errors(make_run):
    curve = residual._curve(make_run("resnet20", rows=4) / metrics.FILE)
    assert curve.when.tolist() == [1, 2, 3, 4]
    assert curve.errors.tolist() == pytest.approx([0.9, 0.8, 0.7, 0.6])


def test_what_cannot_be_looked_into(call, small_run, make_run, tmp_path):
    code, out, err = call(residual.main, tmp_path / "nothing")
    assert code == 2 and "nothing" in err and err.count("\n") == 1
    code, out, err = call(residual.main, small_run)
    assert code == 2 and "lenet is not made of blocks" in err
    folder = make_run("resnet20")
    code, out, err = call(residual.main, folder, small_run)
    assert code == 2 and "lenet is not made of blocks" in err
    code, out, err = call(residual.main, folder, folder)
    assert code == 2 and "another run of resnet20" in err
    other = make_run("plain20")
    (other / metrics.FILE).write_text("epoch\n1\n", encoding="utf-8")
    code, out, err = call(residual.main, folder, other)
    assert code == 2 and "does not hold the measurements of a run" in err
    code, out, err = call(residual.main, folder, "--images", "0")
    assert code == 2 and "--images must be at least 1" in err
