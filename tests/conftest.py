"""What tests share."""
import functools
import importlib
import os

import hypothesis
import pytest

from minicnn import command, data, train

# Two threads at least, so that what must not depend on their number is asked on any machine. Numba reads it when it is imported.
os.environ.setdefault("NUMBA_NUM_THREADS", str(max(2, os.cpu_count())))

# The same examples in every run: a failure on one machine is a failure on all.
hypothesis.settings.register_profile("minicnn", derandomize=True, database=None, deadline=None, max_examples=50)
hypothesis.settings.load_profile("minicnn")


@pytest.fixture(scope="session")
def torch():
    """PyTorch, where it is installed, to compare with."""
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError:
        pytest.skip("PyTorch is not installed, so there is nothing to compare with: pip install -e '.[reference]'")


@pytest.fixture
def call(capsys):
    """call(main, argument, ...) runs a command as the shell would: (exit code, standard output, standard error)."""
    def call(main, *arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            command.run(main, [str(argument) for argument in arguments])
        return ended.value.code, *capsys.readouterr()
    return call


@pytest.fixture
def small_mnist(monkeypatch):
    """data.get gives the first 4,000 training and 500 test images only."""
    monkeypatch.setattr(data, "get", _few_images)


@functools.cache
def _few_images(name, train=True, classes=None):
    return _all_images(name, train).take(4000 if train else 500)


_all_images = data.get


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """The folder of a LeNet that was trained on few images for two epochs. Many tests share it, so they only read."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "get", _few_images)
        assert train.main(["lenet", "--epochs", "2", "--batch-size", "16", "--lr", "0.02", "--out", str(folder)]) == 0
    return folder
