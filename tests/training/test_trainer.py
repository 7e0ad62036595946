"""The training loop learns; it can be stopped or killed anywhere, and goes on to the same bits."""
import contextlib
import csv
import functools
import io
import json
import math
import random
import re
import subprocess
import sys
import time

import numpy as np
import pytest

import minicnn as mc
from minicnn import data, nn
from minicnn import functional as F
from minicnn.errors import InputError, RunError
from minicnn.models.lenet import LeNet
from minicnn.models.resnet_cifar import CifarResNet
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
    counts = (40, 20) if name == "shapes" else (400, 100)
    return _all_images(name, train).take(counts[0 if train else 1])


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


def make_trainer(folder, steps=-1, model="lenet", **settings):
    show = Interrupting(steps)
    show.trainer = Trainer(Settings(model, **{"epochs": 2, "batch_size": 32} | settings), folder, show)
    return show.trainer


def state(trainer):
    """All that decides how a run goes on, and what it has measured apart from time."""
    arrays = {name: tensor.array.copy() for name, tensor in trainer.model.state_dict().items()}
    for name, value in trainer.optimizer.state_dict().items():
        arrays[f"optimizer {name}"] = np.array(value)
    for name, value in (trainer.average.state_dict() if trainer.average else {}).items():
        arrays[f"average {name}"] = np.array(value)
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
    ({"ema": 0.9, "accumulate": 3}, [5]),
    ({"model": "resnet20", "data": "shapes", "batch_size": 16, "epochs": 3, "ema": 0.8, "accumulate": 3}, [4, 6]),
], ids=str)
def test_resumed_run_has_the_same_bits(tmp_path, monkeypatch, settings, stops):
    if settings.pop("dropout", False):
        with_dropout(monkeypatch)
    plateau = CifarResNet.recipe._replace(schedule="plateau", warmup_epochs=0.5)
    monkeypatch.setattr(CifarResNet, "recipe", plateau)
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
    assert len(list(csv.DictReader((folder / metrics.FILE).read_text().splitlines()))) == trainer.settings.epochs


def gradients(trainer, count):
    """Of the first `count` training images, with the weights as they are."""
    images, labels = next(data.DataLoader(trainer.train_set, count).epoch(0))
    value, correct = trainer._step(images, labels)
    return value, correct, [parameter.grad.array.copy() for parameter in trainer.model.parameters()]


@pytest.mark.parametrize("count, parts", [(32, 2), (32, 3), (32, 32), (7, 5), (2, 5)])
def test_parts_of_a_batch_give_the_gradient_of_the_whole(tmp_path, count, parts):
    """The last part is smaller where they do not come out even; a batch of 2 has 2 parts at most."""
    value, correct, expected = gradients(make_trainer(tmp_path), count)
    found_value, found_correct, found = gradients(make_trainer(tmp_path, accumulate=parts), count)
    assert found_value == pytest.approx(value, rel=1e-5) and found_correct == correct
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6 * abs(other).max() + 1e-8)


def test_the_network_sees_a_part_at_a_time(tmp_path, monkeypatch):
    sizes, forward = [], LeNet.forward
    monkeypatch.setattr(LeNet, "forward", lambda self, x: sizes.append(len(x)) or forward(self, x))
    gradients(make_trainer(tmp_path, accumulate=3), 32)
    assert sizes == [11, 11, 10]


def test_averaged_weights_are_tested_and_saved_and_the_others_go_on(tmp_path):
    trainer = make_trainer(tmp_path / "run", ema=0.9, epochs=1, lr=0.01)
    trainer.start()
    trainer.run()
    own = {name: tensor.array.copy() for name, tensor in trainer.model.state_dict().items()}
    trained = weights.load(tmp_path / "run")
    evaluation = trainer.evaluate()
    assert trainer.average.updates == STEPS
    for name, tensor in trained.state_dict().items():
        np.testing.assert_array_equal(tensor.array, trainer.average.average[name])
        assert not np.array_equal(tensor.array, own[name])
        np.testing.assert_array_equal(trainer.model.state_dict()[name].array, own[name])   # also after the evaluation
    fresh = make_trainer(tmp_path / "run", ema=0.9)
    fresh.resume()
    for name, tensor in fresh.model.state_dict().items():
        np.testing.assert_array_equal(tensor.array, own[name])
    fresh.average = None
    fresh.model.load_state_dict(trained.state_dict())
    np.testing.assert_array_equal(fresh.evaluate().scores, evaluation.scores)


def test_the_network_may_change_its_weights_after_each_step(tmp_path, monkeypatch):
    """And does so before they are averaged."""
    monkeypatch.setattr(LeNet, "after_step", lambda self: self.fc3.bias.copy_(np.full(10, 2.0)))
    trainer = make_trainer(tmp_path, ema=0.5)
    gradients(trainer, 8)
    assert (trainer.model.fc3.bias.array == 2).all()
    np.testing.assert_allclose(trainer.average.average["fc3.bias"], 2 * 9 / 11, atol=0.05)


def test_networks_with_several_outputs_in_training(tmp_path, monkeypatch):
    """As GoogLeNet: the loss is of all, what is recognised goes by the first."""
    plain = gradients(make_trainer(tmp_path, lr=1e-9), 100)
    forward = LeNet.forward
    monkeypatch.setattr(LeNet, "forward", lambda self, x: (forward(self, x), -forward(self, x)))
    monkeypatch.setattr(LeNet, "loss", lambda self, scores, labels: F.cross_entropy(scores[0], labels) + scores[1].sum() * 0 + 0.5)
    monkeypatch.setattr(LeNet, "main_scores", lambda self, scores: scores[0])
    value, correct, _ = gradients(make_trainer(tmp_path, lr=1e-9), 100)
    assert value == pytest.approx(plain[0] + 0.5) and correct == plain[1]


def test_the_learning_rate_falls_when_the_error_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(LeNet, "recipe", LeNet.recipe._replace(schedule="plateau", warmup_epochs=0))
    trainer = make_trainer(tmp_path / "run", epochs=4, lr=1e-9)   # learns nothing
    trainer.start()
    trainer.run()
    assert [row["lr"] for row in trainer.rows] == pytest.approx([1e-9, 1e-9, 1e-9, 1e-10])


def test_a_trained_network_knows_its_classes_and_its_preprocessing(tmp_path):
    trainer = make_trainer(tmp_path)
    assert trainer.model.classes == tuple("0123456789") and trainer.model.preprocessing == ((28, 28), (0.1307,), (0.3081,), None)


@pytest.mark.parametrize("model, data", [("resnet20", "mnist"), ("lenet", "shapes")])
def test_every_network_can_learn_every_data(tmp_path, model, data):
    """MNIST is bordered and coloured for a ResNet, and colours are scaled down and lose their colour for LeNet."""
    trainer = make_trainer(tmp_path, model=model, data=data, batch_size=10)
    images, labels = next(trainer.loader.epoch(0))
    assert images.shape == (10, *trainer.model.input_shape) and abs(images.array.mean()) < 0.6 and 0.5 < images.array.std() < 1.5
    assert math.isfinite(trainer._step(images, labels)[0])
    assert trainer.evaluate().scores.shape == (len(trainer.test_set), 10)


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


def test_dropout_rests_while_a_batch_is_learned_by_heart(tmp_path, monkeypatch):
    trainer, modes = make_trainer(tmp_path), []
    trainer.model.dropout, trainer.model.other = nn.Dropout(), nn.ReLU()
    forward = LeNet.forward
    monkeypatch.setattr(LeNet, "forward", lambda self, x: modes.append((
        self.training, self.other.training, self.dropout.training)) or forward(self, x))
    next(trainer.overfit_batch())
    assert modes == [(True, True, False)]


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
