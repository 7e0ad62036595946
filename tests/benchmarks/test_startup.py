"""Whole programs: what they tell of themselves, and what is made of it."""
import gzip
import json
import pathlib
import types

import numpy as np
import pytest

from benchmarks import networks, program, startup
from benchmarks.startup import Run
from minicnn import data
from minicnn.errors import RunError


def told(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_program_tells_of_import_first_step_and_memory(capsys):
    program.main("minicnn", "LeNet", 64, 2)
    imported, first, end = told(capsys)
    assert imported["imported"] >= 0 and first == {"first_step": True} and end["peak_memory"] > 10_000_000


def test_the_same_program_in_pytorch(capsys, torch):
    program.main("PyTorch", "LeNet", 64, 2)
    assert [list(line) for line in told(capsys)] == [["imported"], ["first_step"], ["peak_memory"]]


@pytest.mark.parametrize("framework", ["minicnn", "PyTorch"])
def test_other_networks_learn_from_noise(framework, capsys, monkeypatch, torch):
    small = networks.Network("small", networks.lenet, (1, 28, 28), classes=10)
    monkeypatch.setitem(networks.ALL, "small", small)
    program.main(framework, "small", 3, 2)
    assert [list(line) for line in told(capsys)] == [["imported"], ["peak_memory"]]


def test_pytorch_gets_the_images_that_minicnn_gets():
    mnist = data.get("mnist")
    assert np.array_equal(np.frombuffer(program.read_mnist("images", 16), np.uint8), mnist.images.ravel())
    assert np.array_equal(np.frombuffer(program.read_mnist("labels", 8), np.uint8), mnist.labels)


def test_memory_where_the_system_does_not_tell_in_proc(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError

    expected = program.peak_memory()
    monkeypatch.setattr("builtins.open", missing)
    assert program.peak_memory() == pytest.approx(expected, rel=0.5)


def test_memory_where_the_system_does_not_tell_at_all(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", missing)
    monkeypatch.setitem(program.sys.modules, "resource", None)
    assert program.peak_memory() is None


def test_a_process_that_only_imports():
    run = startup.run_program("minicnn", threads=1, steps=0)
    assert 0 < run.imported < 60 and run.first_step == 0 and run.peak_memory > 10_000_000


def test_a_program_that_fails_is_a_run_error():
    with pytest.raises(RunError, match="nobody ended with exit code 1"):
        startup.run_program("nobody", threads=1, steps=0)


def test_measurements_of_runs(monkeypatch):
    given = {"minicnn": iter([Run(1, 2, 100), Run(1, 4, 100), Run(1, 3, 100)]),
             "PyTorch": iter([Run(2, 20, 300), Run(4, 20, 300), Run(3, 21, 300), Run(3, 24, 300)])}
    folders = []

    def run_program(name, threads, **settings):
        if settings and name == "minicnn":
            folders.append(pathlib.Path(settings["NUMBA_CACHE_DIR"]))
            assert not list(folders[0].iterdir())
            return Run(1, 40, 600)
        return next(given[name])

    monkeypatch.setattr(startup, "run_program", run_program)
    cases = [case for case in startup.CASES if case.network[0] == "LeNet"]
    measured = startup.measure(cases, ["minicnn", "PyTorch", "PyTorch channels_last", "NumPy"], 2)
    found = {(case.aspect, case.quantity): measurements for case, measurements in measured}
    assert found["import", "imported"]["PyTorch"].ratio == 3
    assert found["first training step", "first_step"]["minicnn"].median == 3
    assert found["first training step", "first_step"]["PyTorch"].ratio == 7   # of 10, 5, 7
    assert found["the same, nothing compiled", "first_step"]["minicnn"].median == 40
    assert found["the same, nothing compiled", "first_step"]["PyTorch"].ratio == 0.6
    assert found["nothing compiled", "peak_memory"]["PyTorch"].ratio == 0.5
    assert set(found["import", "imported"]) == {"minicnn", "PyTorch"}
    assert len(folders) == 1 and not folders[0].exists()


def test_memory_is_left_out_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(startup, "run_program", lambda *_, **__: Run(1, 2, None))
    measured = [case.quantity for case, _ in startup.measure(startup.CASES, ["minicnn"], 2)]   # LeNet's import and first steps
    assert measured == ["imported", "first_step", "first_step"]


def test_memory_of_other_networks_is_measured_once_after_a_step_that_compiles(monkeypatch):
    asked = []

    def run_program(name, threads, **settings):
        asked.append((name, settings["network"], settings["steps"]))
        return Run(0, 0, {"minicnn": 100, "PyTorch": 250}[name])

    monkeypatch.setattr(startup, "run_program", run_program)
    case = next(case for case in startup.CASES if case.aspect == "ResNet-18, batch 16")
    (found, measurements), = startup.measure([case], ["minicnn", "PyTorch", "onnxruntime"], 2)
    assert found is case and measurements["PyTorch"].ratio == 2.5 and measurements["minicnn"].median == 100
    network = "ResNet-18", 16
    assert asked == [("minicnn", network, 1), ("minicnn", network, 2), ("PyTorch", network, 2)]


def test_where_nothing_has_to_be_compiled_nothing_is(monkeypatch):
    monkeypatch.setattr(startup, "run_program", lambda name, threads: Run(1, 2, 3))
    (case, measurements), = startup.measure([case for case in startup.CASES if case.aspect == "import"], ["minicnn"], 2)
    assert measurements["minicnn"].median == 1


def test_read_mnist_skips_the_header(monkeypatch, tmp_path):
    folder = tmp_path / "data" / "embedded" / "mnist"
    folder.mkdir(parents=True)
    with gzip.open(folder / "train-labels-idx1-ubyte.gz", "wb") as file:
        file.write(b"8 bytes!" + bytes(range(10)))
    spec = types.SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(program.importlib.util, "find_spec", lambda name: spec)
    assert program.read_mnist("labels", 8) == bytes(range(10))
