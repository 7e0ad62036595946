"""Checkpoints: of something else, damaged, or never written whole."""
import errno
import os

import numpy as np
import pytest

import minicnn as mc
from minicnn import models, optim
from minicnn.errors import InputError, RunError
from minicnn.training import checkpoint


def parts(variant="modern", optimizer=optim.SGD, ema=None, **settings):
    model = models.get("lenet", variant=variant)
    optimizer = optimizer(model.parameters(), lr=0.1, **settings)
    schedule = optim.WarmupLR(optimizer, 1, then=optim.ReduceLROnPlateau(optimizer, patience=0))
    return model, optimizer, schedule, ema and optim.WeightAverage(model, ema)


def trained(*arguments, **settings):
    """As parts(), after two steps."""
    model, optimizer, schedule, average = parts(*arguments, **settings)
    x = mc.randn(4, *model.input_shape)
    for _ in range(2):
        optimizer.zero_grad()
        model.loss(model(x), mc.tensor([1, 2, 3, 4])).backward()
        optimizer.step()
        schedule.step()
        schedule.observe(0.5)
        if average:
            average.update()
    return model, optimizer, schedule, average


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(path, *trained(momentum=0.9), {"epoch": 3, "batch": 7})
    return path


@pytest.mark.parametrize("settings", [{"momentum": 0.9}, {"optimizer": optim.Adam}, {"variant": "paper"}, {"ema": 0.9}], ids=str)
def test_everything_comes_back(tmp_path, settings):
    model, optimizer, schedule, average = trained(**settings)
    checkpoint.save(tmp_path / "c", model, optimizer, schedule, average, {"rows": [{"loss": 0.1}], "batch": 2})
    following = mc.rand(5).tolist()

    fresh = parts(**settings)
    assert checkpoint.load(tmp_path / "c", *fresh) == {"rows": [{"loss": 0.1}], "batch": 2}
    assert mc.rand(5).tolist() == following
    assert fresh[2].state_dict() == schedule.state_dict() and fresh[1].lr == optimizer.lr
    assert optimizer.lr == pytest.approx(0.01)   # after its first plateau
    pairs = [(fresh[0].state_dict(), model.state_dict()), (fresh[1].state_dict(), optimizer.state_dict())]
    if average:
        pairs.append((fresh[3].state_dict(), average.state_dict()))
    for found, expected in pairs:
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_array_equal(np.asarray(found[name]), np.asarray(value), err_msg=name)


def test_checkpoint_is_for_everybody_to_read(saved):
    assert os.name == "nt" or saved.stat().st_mode & 0o444 == 0o444 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_weights_that_are_not_finite_are_not_saved(saved):
    before = saved.read_bytes()
    model, *rest = trained()
    model.fc1.weight.array[3, 4] = np.nan
    with pytest.raises(RunError, match="diverged: after batch 7 of epoch 4, fc1.weight holds numbers that are not finite"):
        checkpoint.save(saved, model, *rest, {"epoch": 3, "batch": 7})
    assert saved.read_bytes() == before


@pytest.mark.parametrize("moment", ["write", "fsync", "replace"])
def test_full_disk_leaves_the_last_checkpoint(saved, monkeypatch, moment):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = saved.read_bytes()
    if moment == "write":
        monkeypatch.setattr("pathlib.Path.write_bytes", full)
    else:
        monkeypatch.setattr(os, moment, full)
    with pytest.raises(RunError, match="checkpoint.safetensors cannot be written: No space left on device.*make room"):
        checkpoint.save(saved, *trained(), {"epoch": 0, "batch": 0})
    monkeypatch.undo()
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]
    checkpoint.load(saved, *parts(momentum=0.9))


def test_checkpoint_of_another_network_or_optimizer(saved):
    with pytest.raises(InputError, match="checkpoint of another network: .*missing: c1.weight.*unexpected: conv1.bias"):
        checkpoint.load(saved, *parts("paper", momentum=0.9))
    with pytest.raises(InputError, match="no state of Adam: it lacks beta1"):
        checkpoint.load(saved, *parts(optimizer=optim.Adam))


def test_nothing_is_changed_by_a_checkpoint_that_does_not_fit(saved):
    model, *rest = parts("paper")
    before = {name: tensor.array.copy() for name, tensor in model.state_dict().items()}
    with pytest.raises(InputError):
        checkpoint.load(saved, model, *rest)
    for name, tensor in model.state_dict().items():
        np.testing.assert_array_equal(tensor.array, before[name])


@pytest.mark.parametrize("damage, words", [
    (lambda contents: contents[:len(contents) // 2], "cannot be read as a safetensors file"),
    (lambda contents: contents[:5], "cannot be read as a safetensors file"),
    (lambda contents: b"", "cannot be read as a safetensors file"),
    (lambda contents: b"<!DOCTYPE html><html>", "cannot be read as a safetensors file"),
    (lambda contents: contents.replace(b'"checkpoint"', b'"something_"'), "was not written by minicnn for this purpose"),
])
def test_damaged_checkpoint_is_named(saved, damage, words):
    saved.write_bytes(damage(saved.read_bytes()))
    with pytest.raises(InputError, match=words) as caught:
        checkpoint.load(saved, *parts())
    assert str(caught.value).startswith(str(saved))


def test_missing_checkpoint(tmp_path):
    with pytest.raises(InputError, match="nothing does not exist; --resume takes the folder of a run"):
        checkpoint.load(tmp_path / "nothing", *parts())
