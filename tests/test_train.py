"""python -m minicnn.train: what it leaves, how it stops and goes on, and a sentence for everything that can go wrong."""
import csv
import errno
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import numba
import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from minicnn import command, data, no_grad, tensor, train
from minicnn.data import Dataset
from minicnn.training import checkpoint, metrics, weights
from minicnn.training.console import Console

ROOT = pathlib.Path(__file__).parent.parent


def test_small_run_learns_to_read(small_run):
    rows = list(csv.DictReader((small_run / metrics.FILE).read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"] and [row["step"] for row in rows] == ["250", "500"]
    assert float(rows[1]["test_accuracy"]) > 0.9 and float(rows[1]["test_loss"]) < 0.3


def test_what_a_run_leaves(small_run):
    assert {path.name for path in small_run.iterdir()} == {
        "config.json", "metrics.csv", "checkpoint.safetensors", "model.safetensors",
        "curves.png", "filters.png", "activations.png", "confusion.png", "mistakes.png"}
    assert json.loads((small_run / "config.json").read_text()) == {
        "model": "lenet", "variant": None, "data": "mnist", "classes": None, "epochs": 2, "batch_size": 16, "optimizer": "sgd",
        "lr": 0.02, "schedule": "cosine", "accumulate": 1, "ema": None, "seed": 0, "device": command.chosen_device("auto")}


def test_loaded_network_has_the_accuracy_that_was_measured(small_run, small_mnist):
    trained = weights.load(small_run)
    test_set = data.get("mnist", train=False)
    images = (test_set.images / 255 - trained.preprocessing.mean[0]) / trained.preprocessing.std[0]
    with no_grad():
        accuracy = (trained(tensor(images, dtype=np.float32)).numpy().argmax(1) == test_set.labels).mean()
    *_, row = csv.DictReader((small_run / metrics.FILE).read_text().splitlines())
    assert accuracy == float(row["test_accuracy"])


@pytest.fixture
def tiny_mnist(monkeypatch):
    get = data.get
    monkeypatch.setattr(data, "get", lambda name, train=True, classes=None: get(name, train, classes).take(200 if train else 50))


@pytest.fixture
def photographs(tmp_path):
    """A folder of JPEGs of many sizes, three classes of seven images each."""
    chance = np.random.default_rng(0)
    for name, colour in ("berry", (200, 20, 40)), ("leaf", (40, 180, 60)), ("sky", (60, 120, 220)):
        for number in range(7):
            folder = tmp_path / "photographs" / ("train" if number < 5 else "val") / name
            folder.mkdir(parents=True, exist_ok=True)
            size = chance.integers(33, 90, 2)
            pixels = np.clip(np.array(colour) + chance.normal(0, 20, (*size, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.jpg")
    return tmp_path / "photographs"


def test_a_colour_network_learns_photographs_in_folders(call, tmp_path, photographs, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(train.main, "resnet20", "--data", "folder:photographs", "--classes", "berry,sky", "--epochs", "2",
                          "--batch-size", "5", "--accumulate", "2", "--ema", "0.5", "--threads", "1")
    assert (code, err) == (0, "")
    assert "folder:photographs: 10 images to learn from, 4 to be tested on, 2 classes\n" in out
    assert "\n2 epochs, batches of 5 in 2 parts, sgd with learning rate 0.1 (steps), weights averaged with 0.5, 1 thread\n" in out
    assert "top 5" not in out and "photo.jpg" in out
    trained = weights.load(tmp_path / "runs" / "resnet20-photographs")
    assert trained.classes == ("berry", "sky") and trained.learned_from == "folder:photographs"
    assert trained.preprocessing == ((32, 32), data.Folder.mean, data.Folder.std, None)
    assert all(f"{name}.png" in out for name in ("curves", "filters", "activations", "confusion", "mistakes"))


def test_without_data_a_colour_network_learns_what_is_drawn(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path))
    get = data.get
    monkeypatch.setattr(data, "get", lambda name, train=True, classes=None: get(name, train, classes).take(20))
    monkeypatch.setattr(train, "conclude", lambda *_: None)
    code, out, err = call(train.main, "resnet20", "--epochs", "1")
    assert (code, err) == (0, "") and out.count("top 5") == 1
    assert "without --data it learns shapes, which are drawn; photographs: --data cifar10 or --data folder:PATH\n" in out
    assert "shapes: 20 images to learn from" in out and "1 epochs, batches of 20," in out   # the recipe's 128 are not to be had
    config = json.loads((tmp_path / "runs" / "resnet20-shapes" / "config.json").read_text())
    assert config["data"] == "shapes" and config["batch_size"] == 20


@pytest.mark.parametrize("data, name", [("mnist", "mnist"), ("folder:some/photos", "photos"), ("folder:photos/", "photos")])
def test_data_in_a_word(data, name):
    assert train.short(data) == name


def test_what_is_said_without_a_terminal(call, tmp_path, tiny_mnist):
    code, out, err = call(train.main, "lenet", "--epochs", "2", "--out", tmp_path / "run", "--threads", "1")
    assert (code, err) == (0, "")
    lines = [line for line in out.splitlines() if not line.startswith("compiling kernels")]
    assert lines[:3] == ["lenet: 5 layers with weights, 61,706 parameters, 416,520 multiply-adds per image",
                         "mnist: 200 images to learn from, 50 to be tested on, 10 classes",
                         "2 epochs, batches of 64, sgd with learning rate 0.05 (cosine), 1 thread"]
    assert lines[3].startswith("epoch 1/2   loss ") and lines[3].endswith(" images/s") and lines[4].startswith("epoch 2/2")
    assert lines[5].startswith("test accuracy ") and "after 2 epochs; " in lines[5]
    assert lines[6].startswith(f"{tmp_path / 'run'}: model.safetensors, metrics.csv, config.json, curves.png")
    assert lines[7] == f"try it:  python -m minicnn.predict {tmp_path / 'run'} digit.png" and len(lines) == 8


@pytest.fixture(autouse=True)
def same_threads():
    count = numba.get_num_threads()
    yield
    numba.set_num_threads(count)


def test_folders_are_numbered(call, tmp_path, tiny_mnist, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "conclude", lambda *_: None)
    for _ in range(3):
        assert call(train.main, "lenet", "--epochs", "1")[0] == 0
    assert sorted(path.name for path in pathlib.Path("runs").iterdir()) == ["lenet-mnist", "lenet-mnist-2", "lenet-mnist-3"]


def test_overfitting_a_batch_leaves_no_folder(call, tmp_path, small_mnist, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(train.main, "lenet", "--overfit-batch", "--lr", "0.02", "--epochs", "50")
    assert (code, err) == (0, "") and "it knows the batch by heart after" in out
    assert "step   1   loss 2." in out and not list(tmp_path.iterdir())
    code, out, err = call(train.main, "lenet", "--overfit-batch", "--lr", "1e-9")
    assert code == 1 and "look for a mistake in the network, or try another --lr" in out


def one_sentence(outcome, code, *words):
    """The command ended with this code and one sentence, in which these words are."""
    found, out, err = outcome
    assert found == code and err.startswith("minicnn: ") and err.count("\n") == 1 and "Traceback" not in err
    for word in words:
        assert word in err


@pytest.mark.parametrize("arguments, words", [
    (["lnet"], ["no model called 'lnet'", "did you mean 'lenet'?"]),
    (["lenet", "--variant", "papr"], ["no variant 'papr'", "'paper'"]),
    (["lenet", "--data", "fashion_mnist"], ["no data set called 'fashion_mnist'", "did you mean 'fashion-mnist'?"]),
    (["resnet20", "--data", "folder:none"], ["there is no folder none"]),
    (["lenet", "--classes", "3,eleven"], ["mnist has no class 'eleven'"]),
    (["lenet", "--accumulate", "0"], ["--accumulate must be a whole number from 1 to the images of a batch, 64, not 0"]),
    (["lenet", "--accumulate", "9", "--batch-size", "8"], ["--accumulate must be", "8, not 9"]),
    (["lenet", "--ema", "1"], ["--ema must be between 0 and 1, such as 0.999, not 1.0"]),
    (["lenet", "--optimizer", "adamw"], ["no optimizer 'adamw': choose sgd or adam"]),
    (["lenet", "--batch-size", "100000"], ["batch of 100,000 images", "200"]),
    (["lenet", "--batch-size", "0"], ["choose a batch size from 1"]),
    (["lenet", "--epochs", "0"], ["--epochs must be at least 1"]),
    (["lenet", "--lr", "nan"], ["--lr must be a positive number"]),
    (["lenet", "--seed", "-1"], ["--seed must be a whole number from 0 to"]),
    (["lenet", "--seed", "99999999999999999999"], ["--seed must be a whole number from 0 to"]),
    (["lenet", "--threads", "0"], ["0 threads cannot be used"]),
    (["--resume", "none"], ["none is not the folder of a run", "Start one with"]),
], ids=lambda value: " ".join(value) if value[0] in ("lenet", "lnet", "resnet20", "--resume") else "")
def test_wrong_settings_get_a_sentence(call, tmp_path, tiny_mnist, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    one_sentence(call(train.main, *arguments), 2, *words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments, words", [
    ([], "name a network to train, such as lenet or resnet20 (--help names them all), or a run to --resume"),
    (["lenet", "--epochs", "many"], "invalid int value: 'many'"),
    (["--resume", "x", "--epochs", "3"], "leave out --epochs"), (["--resume", "x", "--seed", "0"], "leave out --seed"),
    (["--resume", "x", "--batch-size", "3"], "leave out --batch-size"), (["--resume", "x", "--out", "y"], "leave out --out"),
])
def test_arguments_that_do_not_go_together(call, arguments, words):
    code, out, err = call(train.main, *arguments)
    assert code == 2 and words in err and "Traceback" not in err


def test_help_shows_examples(call):
    code, out, err = call(train.main, "--help")
    assert code == 0 and "python -m minicnn.train lenet --data fashion-mnist" in out and "--overfit-batch" in out


def test_folders_that_cannot_be_used(call, tmp_path, tiny_mnist):
    (tmp_path / "file").write_text("")
    one_sentence(call(train.main, "lenet", "--out", tmp_path), 2, f"{tmp_path} exists already", f"--resume {tmp_path}")
    one_sentence(call(train.main, "lenet", "--out", tmp_path / "file" / "run"), 2, "cannot be made: Not a directory", "--out")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_resuming_what_is_no_run_or_another_s(call, tmp_path, small_run, small_mnist):
    one_sentence(call(train.main, "--resume", tmp_path), 2, f"{tmp_path} is not the folder of a run", "checkpoint.safetensors")
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"variant": "paper"}))
    one_sentence(call(train.main, "--resume", run), 2, "is the checkpoint of another network", "missing: c1.weight")
    for text in "{", '{"model": "lenet", "colour": "blue"}', "[]", '{"data": "mnist"}':
        (run / "config.json").write_text(text)
        one_sentence(call(train.main, "--resume", run), 2, "config.json does not hold the settings of a run")
    (run / "config.json").write_text(json.dumps(config))
    os.truncate(run / checkpoint.FILE, 1000)
    one_sentence(call(train.main, "--resume", run), 2, "checkpoint.safetensors cannot be read")


def test_resuming_a_run_that_is_finished_changes_nothing(call, tmp_path, small_run, small_mnist):
    shutil.copytree(small_run, tmp_path / "run")
    code, out, err = call(train.main, "--resume", tmp_path / "run")
    assert (code, err) == (0, "") and f"{tmp_path / 'run'} had reached its last epoch already" in out
    for name in weights.FILE, metrics.FILE, "config.json":
        assert (tmp_path / "run" / name).read_bytes() == (small_run / name).read_bytes()


def test_truncated_data_file_is_named(call, tmp_path, monkeypatch):
    shutil.copytree(data.MNIST._folder, tmp_path / "mnist")
    os.truncate(tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz", 10_000)
    monkeypatch.setattr(data.MNIST, "_folder", tmp_path / "mnist")
    outcome = call(train.main, "lenet", "--out", tmp_path / "run")
    one_sentence(outcome, 2, "t10k-images-idx3-ubyte.gz is truncated", "install minicnn again")
    assert not (tmp_path / "run").exists()


def test_label_out_of_range_is_named(call, tmp_path, monkeypatch):
    labels = np.array([1, 2, 10, 3])
    monkeypatch.setattr(data, "get", lambda name, train, classes: Dataset(np.zeros((4, 1, 28, 28), np.uint8), labels, tuple("0123456789"),
                                                                 (0.1,), (0.3,), name))
    one_sentence(call(train.main, "lenet", "--out", tmp_path / "run"), 2, "mnist: label 10 of image 2 is out of range", "0 to 9")


def test_loss_that_turns_nan_stops_at_once(call, tmp_path, tiny_mnist):
    run = tmp_path / "run"
    outcome = call(train.main, "lenet", "--lr", "1e5", "--out", run, "--batch-size", "10")
    one_sentence(outcome, 1, "at step", "has diverged", f"{run / checkpoint.FILE} holds the last good state", "smaller --lr")
    assert all(np.isfinite(array).all() for array in load_file(run / checkpoint.FILE).values())
    assert not (run / weights.FILE).exists()


def test_full_disk_loses_nothing(call, tmp_path, tiny_mnist, monkeypatch):
    """The second checkpoint finds the disk full; when there is room again, the run goes on to the same bits."""
    monkeypatch.setattr(train, "conclude", lambda *_: None)
    save, saved = checkpoint.save, []

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def save_once(*arguments):
        with pytest.MonkeyPatch.context() as patch:
            if saved:
                patch.setattr(os, "fsync", full)
            saved.append(arguments)
            save(*arguments)

    monkeypatch.setattr(checkpoint, "save", save_once)
    run = tmp_path / "run"
    outcome = call(train.main, "lenet", "--epochs", "2", "--out", run)
    one_sentence(outcome, 1, "checkpoint.safetensors cannot be written: No space left on device", "make room")
    monkeypatch.setattr(checkpoint, "save", save)
    assert call(train.main, "--resume", run)[0] == 0
    assert call(train.main, "lenet", "--epochs", "2", "--out", tmp_path / "whole")[0] == 0
    assert (run / weights.FILE).read_bytes() == (tmp_path / "whole" / weights.FILE).read_bytes()


def test_compilation_is_announced_once():
    stream = io.StringIO()
    with train.announced_compilation(Console(stream)):
        assert numba.njit(lambda x: x + 1)(1) == numba.njit(lambda x: x * 2)(1) == 2
    assert stream.getvalue().startswith("compiling kernels") and stream.getvalue().count("\n") == 1


def test_first_interrupt_asks_and_the_second_ends():
    class Trainer:
        stop_requested = False

    trainer, before = Trainer(), signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), train.stopping_on_interrupt(trainer):
        signal.raise_signal(signal.SIGINT)
        assert trainer.stop_requested
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


INTERRUPTED = """
import sys
from minicnn import command, data, train
get = data.get
data.get = lambda name, train=True, classes=None: get(name, train).take(200 if train else 50)
train.conclude = lambda *_: None
command.run(train.main, sys.argv[1:])
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to whole groups of processes")
def test_ctrl_c_saves_and_says_how_to_go_on(call, tmp_path, tiny_mnist, monkeypatch):
    monkeypatch.setattr(train, "conclude", lambda *_: None)
    run = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED, "lenet", "--epochs", "25", "--out", str(run)], cwd=ROOT,
                               text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for line in process.stdout:
        if line.startswith("epoch  2/25"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and err == ""
    *_, said, how = out.splitlines()
    assert said.startswith("stopped in epoch ") and said.endswith("everything is saved. Go on with:")
    assert how == f"  python -m minicnn.train --resume {run}"

    assert call(train.main, "--resume", run)[0] == 0
    assert call(train.main, "lenet", "--epochs", "25", "--out", tmp_path / "whole")[0] == 0
    assert (run / weights.FILE).read_bytes() == (tmp_path / "whole" / weights.FILE).read_bytes()
    assert len((run / metrics.FILE).read_text().splitlines()) == 26


def test_command_from_the_shell(tmp_path):
    done = subprocess.run([sys.executable, "-m", "minicnn.train", "lnet"], capture_output=True, text=True, cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    one_sentence((done.returncode, done.stdout, done.stderr), 2, "there is no model called 'lnet': did you mean 'lenet'?")
