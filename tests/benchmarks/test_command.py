"""`python -m benchmarks`, from words to files."""
import json
import re

import pytest

from benchmarks import __main__ as command
from benchmarks import frameworks, machine, timer
from minicnn.errors import InputError, RunError


def test_one_tiny_benchmark_from_end_to_end(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(timer, "QUICK", timer.Effort(1, 0.0001, 0.01))
    monkeypatch.setattr(frameworks, "available", lambda: ["minicnn", "NumPy"])
    assert command.main(["64 x 10", "--threads", "1", "--out", str(tmp_path / "new")]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"\nSOFTMAX +\|  1 thread\n.*NumPy\nsoftmax cross entropy: 64 x 10 classes\n  forward ", shown)
    assert (tmp_path / "new" / "64 x 10.png").read_bytes().startswith(b"\x89PNG")

    document = json.loads((tmp_path / "new" / "64 x 10.json").read_text())
    assert set(document) == {"processor", "cores", "threads", "system", "python", "versions", "date", "peaks", "threading_layer",
                             "vector_bits", "left_out", "results"}
    assert list(document["peaks"]) == ["1"] and document["peaks"]["1"] > 0
    assert {"numpy", "numba"} <= set(document["versions"])
    forward, gradient = document["results"]
    assert (forward["group"], forward["aspect"], gradient["aspect"]) == ("softmax", "forward", "input gradient")
    for record in document["results"]:
        assert record["threads"] == 1 and record["unit"] == "s" and record["bytes"] > 0 and record["gigabytes_per_second"] > 0
        assert set(record["contenders"]) == {"minicnn", "NumPy"}
        for found in record["contenders"].values():
            assert set(found) == {"median", "minimum", "quartiles", "ratio", "rounds", "disturbed", "first_call"}
            assert 0 < found["minimum"] <= found["median"] and found["ratio"] > 0 and found["first_call"] > 0


def test_the_higher_of_two_peaks_counts_and_ctrl_c_keeps_what_there_is(monkeypatch, document):
    def run(*_):
        for peak in (120.0, 150.0, 130.0):
            yield {"machine": {"threads": 2, "peak": peak, "threading_layer": "omp", "vector_bits": 256}}
        yield {"left_out": {"torch.compile": "too new"}}
        yield document["results"][0]
        raise KeyboardInterrupt

    monkeypatch.setattr(command.suite, "run", run)
    found = command.measure([], [2], timer.QUICK, [])
    assert found["peaks"] == {"2": 150.0} and found["results"] == document["results"][:1] and found["threading_layer"] == "omp"
    assert found["left_out"] == {"torch.compile": "too new"}


def test_ctrl_c_before_the_first_result_ends_it(monkeypatch):
    def run(*_):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(command.suite, "run", run)
    with pytest.raises(KeyboardInterrupt):
        command.measure([], [2], timer.QUICK, [])


@pytest.mark.parametrize("threads", ["0", "100000"])
def test_numbers_of_threads_that_cannot_be(threads):
    with pytest.raises(InputError, match="--threads must be from 1 to"):
        command.main(["relu", "--threads", threads])


def test_a_folder_that_cannot_be_made_is_a_run_error(tmp_path, document):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be made"):
        command.save(document, tmp_path / "file" / "folder", "quick")


def test_the_machine_has_a_name_and_a_date():
    found = machine.describe()
    assert found["processor"] and found["cores"] >= found["threads"] >= 1 and "T" in found["date"] and found["versions"]["numpy"]


def test_who_is_left_out_is_told_with_the_reason(document, tmp_path, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(command, "measure", lambda chosen, threads, effort, names: asked.append(names) or document)
    monkeypatch.setattr(frameworks, "available", lambda: ["minicnn", "PyTorch", "torch.compile"])
    monkeypatch.setattr(frameworks, "missing", lambda: {"onnxruntime": "onnx is not installed"})
    for full in ([], ["--full"]):
        document["left_out"] = {"PyTorch": "too old"}
        command.main(["relu", *full, "--threads", "1", "--out", str(tmp_path)])
        assert "\nonnxruntime is left out: onnx is not installed\nPyTorch is left out: too old\n" in capsys.readouterr().out
    assert asked == [["minicnn", "PyTorch"], ["minicnn", "PyTorch", "torch.compile"]]   # compilation takes its time


def test_a_busy_machine_is_told_of(document, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "measure", lambda *_: document)
    command.main(["relu", "--threads", "1", "--out", str(tmp_path)])
    assert "mean little" not in capsys.readouterr().out
    for record in document["results"]:
        record["contenders"]["minicnn"]["disturbed"] = 2
    command.main(["relu", "--threads", "1", "--out", str(tmp_path)])
    shown = capsys.readouterr().out
    assert "Abacus 9000, 2 cores; torch 2.13" in shown and "These figures mean little" in shown
