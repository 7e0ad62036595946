"""A framework in a process of its own answers what it is asked."""
import contextlib
import io
import json
import os

import numpy as np
import pytest

import kernels.reference
from benchmarks import worker
from minicnn.errors import RunError

KEY = "softmax: softmax cross entropy: 64 x 10 classes: forward"


def ask(*questions):
    """The answers of the other end, in this process."""
    answers = io.StringIO()
    worker.serve("NumPy", [json.dumps(question) + "\n" for question in questions], answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_it_prepares_and_runs_a_case():
    answers = ask(["prepare", KEY], ["run", 1], ["run", 50], ["processor_seconds"])
    (seconds, sample), one, many, used = (answer["answer"] for answer in answers)
    assert seconds > 0 and 0 < one < many and used > 0
    # The loss is one number, and the sample is full of it.
    assert len(sample) == 1000 and set(sample) == {sample[0]} and 2 < sample[0] < 4


def test_it_says_when_it_is_ready_and_forgets():
    answers = ask(["ready"], ["prepare", KEY], ["forget"], ["run", 1])
    assert answers[0] == {"answer": True} and "error" in answers[3]


def test_a_framework_that_does_not_work_says_why_once(monkeypatch):
    @contextlib.contextmanager
    def broken():
        raise RunError("there is no compiler")
        yield

    monkeypatch.setitem(worker.frameworks.FRAMEWORKS, "NumPy", broken)
    assert ask(["ready"], ["processor_seconds"]) == [{"error": "there is no compiler"}]


def test_the_algorithm_is_that_of_a_convolutions_geometry(monkeypatch):
    convolution = "convolution: LeNet: 1 to 6, 5x5 on 28x28, batch 1: forward"
    asked = []
    monkeypatch.setattr(kernels.reference, "algorithm_of", lambda *geometry: asked.append(geometry) or "direct", raising=False)
    assert [answer["answer"] for answer in ask(["algorithm", convolution], ["algorithm", KEY])] == ["direct", None]
    assert asked == [((1, 1, 28, 28), (6, 1, 5, 5), (1, 6, 28, 28), (1, 1), (2, 2), (1, 1), 1, np.float32)]


def test_an_error_is_an_answer(capsys):
    answer, after = ask(["prepare", "no such case"], ["processor_seconds"])
    assert answer == {"error": "KeyError: 'no such case'"} and "answer" in after
    assert "Traceback" in capsys.readouterr().err


def test_samples_are_from_the_same_places():
    values = np.arange(100_000, dtype=np.float32).reshape(100, 1000)
    assert worker.sample(values) == worker.sample(values.ravel().copy())
    assert len(set(worker.sample(values))) > 900


def test_a_process_of_its_own():
    with worker.Worker("minicnn", threads=1) as process:
        seconds, sample = process.prepare(KEY)
        assert process.run(3) > 0 and process.processor_seconds() > 0
        found = process.machine()
    assert process.process.returncode == 0
    assert found["threads"] == 1 and found["peak"] > 0 and found["vector_bits"] >= 128 and found["threading_layer"]
    assert sample == pytest.approx(ask(["prepare", KEY])[0]["answer"][1], rel=1e-5)


def test_what_it_cannot_do_is_a_run_error():
    with worker.Worker("NumPy", threads=1) as process:
        with pytest.raises(RunError, match="NumPy failed at prepare nonsense: KeyError"):
            process.prepare("nonsense")


def test_a_process_that_ends_early_is_a_run_error():
    with pytest.raises(RunError, match="the process of NumPy ended"):
        with worker.Worker("NumPy", threads=1) as process:
            process.processor_seconds()
            process.process.kill()
            process.process.wait()
            process.processor_seconds()


def test_an_error_ends_the_process_whatever_it_does():
    with pytest.raises(KeyboardInterrupt), worker.Worker("NumPy", threads=1) as process:
        process.prepare(KEY)
        process.process.stdin.write(json.dumps(["run", 10 ** 9]) + "\n")   # hours
        process.process.stdin.flush()
        raise KeyboardInterrupt
    assert process.process.returncode != 0


def test_the_environment_sets_threads_and_finds_us(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setattr(worker, "available_threads", lambda: 4)
    some, most = worker.environment(2, NUMBA_CACHE_DIR="x"), worker.environment(4)
    assert some["PYTHONPATH"] == f"{worker.ROOT}{os.pathsep}/elsewhere"
    assert some["NUMBA_NUM_THREADS"] == some["OMP_NUM_THREADS"] == some["OPENBLAS_NUM_THREADS"] == "2"
    assert some["NUMBA_CACHE_DIR"] == "x"
    assert most.get("NUMBA_NUM_THREADS") == os.environ.get("NUMBA_NUM_THREADS")


