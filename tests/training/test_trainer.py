"""The training loop learns; it can be stopped or killed anywhere, and goes on to the same bits."""
import contextlib
import csv
import functools
import io
import json
import random
import re
import subprocess
import sys
import time

import numpy as np
import pytest

import minicnn as mc
from minicnn import data
from minicnn import functional as F
from minicnn.errors import InputError, RunError
from minicnn.models.lenet import LeNet
from minicnn.training import checkpoint, metrics, weights
from minicnn.training.console import Console
from minicnn.training.settings import Settings
from minicnn.training.trainer import Trainer

STEPS = 13   # per epoch: batches of 32 out of 400 images


@pytest.fixture(autouse=True)
def tiny_mnist(monkeypatch):
    monkeypatch.setattr(data, "get", _few_images)


@functools.cache
def _few_images(name, train=True, classes=None):
    return _all_images(name, train).take(400 if train else 100)


_all_images = data.get


class Interrupting(Console):
    """Requests a stop after so many steps, as Ctrl-C does."""

    def __init__(self, steps):
        super().__init__(io.StringIO(), terminal=False)
        self.left = steps

    @contextlib.contextmanager
    def epoch(self, *position):
        yield self

    def step(self, running):
        self.left -= 1
        self.trainer.stop_requested = self.left == 0


def make_trainer(folder, steps=-1, **settings):
    show = Interrupting(steps)
    show.trainer = Trainer(Settings("lenet", **{"epochs": 2, "batch_size": 32} | settings), folder, show)
    return show.trainer


def state(trainer):
    """All that decides how a run goes on, and what it has measured apart from time."""
    arrays = {name: tensor.array.copy() for name, tensor in trainer.model.state_dict().items()}
    for name, value in trainer.optimizer.state_dict().items():
        arrays[f"optimizer {name}"] = np.array(value)
    running = {name: value for name, value in vars(trainer.running).items() if name != "seconds"}
    rows = [{name: value for name, value in row.items() if name not in ("seconds", "images_per_second")} for row in trainer.rows]
    return arrays, {"schedule": trainer.schedule.state_dict(), "random": mc.random.get_state(), "rows": rows, "running": running,
                    "epoch": trainer.epoch, "batch": trainer.batch}


def assert_same_bits(found, expected):
    assert found[1] == expected[1]
    assert found[0].keys() == expected[0].keys()
    for name, array in expected[0].items():
        assert found[0][name].dtype == array.dtype and found[0][name].tobytes() == array.tobytes(), name


def with_dropout(monkeypatch):
    """A LeNet that draws random numbers while it trains."""
    forward = LeNet.forward
    monkeypatch.setattr(LeNet, "forward", lambda self, x: forward(self, F.dropout(x, 0.2, training=self.training)))


@pytest.mark.parametrize("settings, stops", [
    ({}, [5]),
    ({}, [STEPS, STEPS + 1]),   # after the last batch of an epoch, and after the first of the next
    ({"optimizer": "adam"}, [2, 3, 20]),
    ({"variant": "paper"}, [STEPS + 7]),
    ({"dropout": True}, [4]),
    ({"seed": 3}, [1]),
], ids=str)
def test_resumed_run_has_the_same_bits(tmp_path, monkeypatch, settings, stops):
    if settings.pop("dropout", False):
        with_dropout(monkeypatch)
    whole = make_trainer(tmp_path / "whole", **settings)
    whole.start()
    assert whole.run()
    expected = state(whole)

    folder, done = tmp_path / "resumed", 0
    for stop in stops:
        trainer = make_trainer(folder, stop - done, **settings)
        trainer.resume() if done else trainer.start()
        assert not trainer.run()
        assert trainer.schedule.count == stop
        done = stop
    mc.rand(100)   # what happens in between does not matter
    trainer = make_trainer(folder, **settings)
    trainer.resume()
    assert trainer.run()

    assert_same_bits(state(trainer), expected)
    assert (folder / weights.FILE).read_bytes() == (tmp_path / "whole" / weights.FILE).read_bytes()
    assert len(list(csv.DictReader((folder / metrics.FILE).read_text().splitlines()))) == 2


def test_seed_decides_everything(tmp_path):
    def trained(name, seed):
        trainer = make_trainer(tmp_path / name, seed=seed, epochs=1)
        trainer.start()
        trainer.run()
        return (tmp_path / name / weights.FILE).read_bytes()

    assert trained("a", 1) == trained("b", 1) != trained("c", 2)


def test_resume_restores_every_number(tmp_path):
    trainer = make_trainer(tmp_path / "run", 17)
    trainer.start()
    trainer.run()
    expected = state(trainer)
    fresh = make_trainer(tmp_path / "run", seed=1)
    fresh.resume()
    assert_same_bits(state(fresh), expected)
    assert (fresh.epoch, fresh.batch) == (1, 4)


KILLED = """
import sys
from minicnn import data
from minicnn.training import trainer
from minicnn.training.settings import Settings
from tests.training.test_trainer import Interrupting

class Telling(Interrupting):
    def step(self, running):
        print("step", flush=True)

get = data.get
data.get = lambda name, train=True, classes=None: get(name, train).take(400 if train else 100)
trainer._SAVE_EVERY = 0
run = trainer.Trainer(Settings("lenet", epochs=200, batch_size=32), sys.argv[1], Telling(0))
run.resume() if sys.argv[2:] else run.start()
run.run()
"""


def test_kill_at_any_moment_leaves_a_checkpoint_to_go_on_from(tmp_path):
    """While a checkpoint is written after every step, so that most kills come in the middle of it."""
    folder, before = tmp_path / "run", 0
    moments = random.Random(5)
    for resume in ([], ["resume"], ["resume"]):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder), *resume], stdout=subprocess.PIPE, text=True)
        for _ in range(moments.randint(5, 30)):
            assert process.stdout.readline() == "step\n"
        time.sleep(moments.uniform(0, 0.01))
        process.kill()
        process.wait()
        process.stdout.close()

        trainer = make_trainer(folder, 1, epochs=200)
        trainer.resume()
        assert trainer.schedule.count > before
        before = trainer.schedule.count

    trainer.run()
    whole = make_trainer(tmp_path / "whole", before + 1, epochs=200)
    whole.start()
    whole.run()
    assert_same_bits(state(trainer), state(whole))


def test_diverging_loss_stops_at_its_step_and_leaves_the_last_good_state(tmp_path):
    trainer = make_trainer(tmp_path / "run", lr=1e4)
    trainer.start()
    with pytest.raises(RunError, match="training has diverged.*last good.*smaller --lr") as caught:
        trainer.run()
    step = trainer.schedule.count + 1
    assert re.match(rf"the loss became (nan|inf) at step {step} \(epoch 1, batch {step}\)", str(caught.value))
    fresh = make_trainer(tmp_path / "run")
    fresh.resume()
    assert all(np.isfinite(parameter.array).all() for parameter in fresh.model.parameters())
    assert not (tmp_path / "run" / weights.FILE).exists()


def test_weights_that_diverged_are_not_saved(tmp_path, monkeypatch):
    monkeypatch.setattr("minicnn.training.trainer._SAVE_EVERY", 0)
    trainer = make_trainer(tmp_path / "run", lr=1e4)
    trainer.start()
    with pytest.raises(RunError, match=r"diverged: after batch \d+ of epoch 1, conv\d.* not finite.*last good.*smaller --lr"):
        trainer.run()
    fresh = make_trainer(tmp_path / "run")
    fresh.resume()
    assert 0 < fresh.schedule.count < trainer.schedule.count
    assert all(np.isfinite(parameter.array).all() for parameter in fresh.model.parameters())


def test_folder_is_never_taken_over(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="exists already; choose another --out, or go on with --resume"):
        make_trainer(tmp_path).start()
    with pytest.raises(InputError, match="cannot be made: .*choose another one with --out"):
        make_trainer(tmp_path / "file" / "run").start()


def test_what_a_folder_holds_from_the_first_moment(tmp_path):
    make_trainer(tmp_path / "run", seed=4).start()
    settings = Settings(**json.loads((tmp_path / "run" / "config.json").read_text()))
    assert (settings.model, settings.seed, settings.batch_size, settings.lr) == ("lenet", 4, 32, LeNet.recipe.lr)
    assert (tmp_path / "run" / checkpoint.FILE).exists()


@pytest.mark.parametrize("variant", ["modern", "paper"])
def test_a_batch_is_learned_by_heart(tmp_path, variant):
    *_, (step, loss, accuracy) = make_trainer(tmp_path / "none", variant=variant, lr=0.01, epochs=100).overfit_batch()
    assert accuracy == 1 and step <= 200
    assert not (tmp_path / "none").exists()


def test_evaluation_counts_every_test_image_once(tmp_path):
    trainer = make_trainer(tmp_path)
    evaluation = trainer.evaluate()
    assert evaluation.scores.shape == (100, 10) and evaluation.confusion().sum() == 100
    images = (trainer.test_set.images / 255 - 0.1307) / 0.3081
    with mc.no_grad():
        scores = trainer.model(mc.tensor(images, dtype=np.float32))
        loss = F.cross_entropy(scores, mc.tensor(trainer.test_set.labels))
    np.testing.assert_allclose(evaluation.scores, scores.numpy(), rtol=1e-3, atol=1e-5)
    assert evaluation.loss == pytest.approx(loss.item(), rel=1e-4)
    assert evaluation.accuracy == (scores.numpy().argmax(1) == trainer.test_set.labels).mean()


def test_model_is_trained_in_training_mode_and_tested_in_evaluation_mode(tmp_path, monkeypatch):
    modes, forward = [], LeNet.forward
    monkeypatch.setattr(LeNet, "forward", lambda self, x: modes.append(self.training) or forward(self, x))
    trainer = make_trainer(tmp_path / "run")
    trainer.start()
    trainer.run()
    assert modes == ([True] * STEPS + [False]) * 2
