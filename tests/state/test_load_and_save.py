"""mc.load and mc.save: every file that people have is told apart by what is in it, and moves to PyTorch and back."""
import subprocess
import sys

import numpy as np
import pytest

import minicnn as mc
from minicnn import models
from minicnn.errors import InputError


@pytest.fixture
def network():
    mc.manual_seed(1)
    return models.get("lenet")


def pytorch_lenet(torch):
    nn = torch.nn
    layers = {"conv1": nn.Conv2d(1, 6, 5, padding=2), "conv2": nn.Conv2d(6, 16, 5), "fc1": nn.Linear(400, 120), "fc2": nn.Linear(120, 84),
              "fc3": nn.Linear(84, 10)}
    return nn.ModuleDict(layers)


def same(found, expected):
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(np.asarray(found[name]), values.numpy())


def test_there_and_back(network, tmp_path):
    mc.save(network.state_dict(), tmp_path / "w.safetensors")
    other = models.get("lenet")
    other.load_state_dict(mc.load(str(tmp_path / "w.safetensors")))
    same(other.state_dict(), network.state_dict())


def test_pytorch_loads_what_was_saved(torch, network, tmp_path):
    from safetensors.torch import load_file

    mc.save(network.state_dict(), tmp_path / "w.safetensors")
    theirs = pytorch_lenet(torch)
    theirs.load_state_dict(load_file(tmp_path / "w.safetensors"))
    same(dict(theirs.state_dict()), network.state_dict())


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ""])   # it is what is in it that counts
@pytest.mark.parametrize("form", ["zip", "older", "safetensors"])
def test_state_of_pytorch_is_loaded(torch, network, tmp_path, form, suffix):
    path, theirs = tmp_path / f"weights{suffix}", pytorch_lenet(torch)
    if form == "safetensors":
        from safetensors.torch import save_file

        save_file(theirs.state_dict(), path)
    else:
        torch.save(theirs.state_dict(), path, _use_new_zipfile_serialization=form == "zip")
    network.load_state_dict(mc.load(path))
    same(network.state_dict(), theirs.state_dict())


def test_arrays_are_saved_like_tensors(tmp_path):
    mc.save({"a": np.arange(3), "b": mc.ones(2) + 1}, tmp_path / "w")
    found = mc.load(tmp_path / "w")
    assert found["a"].tolist() == [0, 1, 2] and found["b"].tolist() == [2, 2]


def test_pth_is_not_written(tmp_path):
    with pytest.raises(InputError, match="minicnn writes .safetensors files; call it w.safetensors"):
        mc.save({"a": np.arange(3)}, tmp_path / "w.pth")


@pytest.mark.parametrize("contents, words", [
    (b"", "is empty"),
    (b"<!DOCTYPE html><html>", "is a web page"), (b"\n <HTML>", "is a web page"),
    (b"version https://git-lfs.github.com/spec/v1", "neither a .safetensors nor a .pth file"),
    (b"\x93NUMPY", "neither a .safetensors nor a .pth file"),
    (bytes(5), "neither a .safetensors nor a .pth file"),
    (b"PK\x03\x04 and no archive", "is no .pth file, or a damaged one"),
    (b"\x80\x04K\x01.", "a pickle, but not one of torch.save's"),
    (b"\x10" + bytes(7) + b"{nonsense that is long enough}", "cannot be read as a safetensors file"),
])
def test_other_files(tmp_path, contents, words):
    (tmp_path / "w.pth").write_bytes(contents)
    with pytest.raises(InputError, match=f"^{tmp_path / 'w.pth'} .*{words}.*(get it again|name another)"):
        mc.load(tmp_path / "w.pth")


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="none does not exist; name a .safetensors or .pth file"):
        mc.load(tmp_path / "none")
    with pytest.raises(InputError, match="cannot be read .*name a .safetensors or .pth file"):
        mc.load(tmp_path)


def test_they_are_imported_late():
    code = ("import sys, minicnn; print({'minicnn.state', 'pickletools', 'safetensors'} & set(sys.modules)); "
            "minicnn.load, minicnn.save, minicnn.state")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
