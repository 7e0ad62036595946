"""The benchmark for GPUs without one: ours runs on a driver that computes nothing, PyTorch on the processor, both in this process."""
import io
import json
import time

import numpy as np
import pytest

from benchmarks import networks as all_networks
from benchmarks import picture, timer
from benchmarks.cases.convolution import Layer
from benchmarks.cuda import cases, command, compilation, contenders, moving, multiplying, networks, rehearsing, worker
from benchmarks.cuda.case import Case, key_of
from kernels.cuda import compiler
from kernels.cuda.gpu import GPU
from kernels.cuda.simulator import Simulator
from minicnn import device
from minicnn.errors import RunError
from tests.kernels.cuda.fake_driver import FakeDriver

pytestmark = pytest.mark.usefixtures("torch")
SMALL = [*moving._pointwise((2, 3, 8, 8)), *moving._batch_norm((3, 5, 4, 4)), *moving._max_pooling((2, 3, 9, 9), 3, 2, 1),
         *moving._softmax(5, 7), *multiplying._square(5, 6, 7, (True,) * 4), *multiplying._linear("fc", 3, 4, 5),
         *multiplying._passes(Layer(3, 4, 7, 3, stride=2, padding=1), ["net"], 2, True),
         *multiplying._passes(Layer(5, 4, 6, 3, padding=1), ["net"], 2, True),
         Case("optimiser", "SGD", "step", moving._step("SGD", {"momentum": 0.9}, [(3, 4), (5,)])),
         Case("optimiser", "Adam", "step", moving._step("Adam", {}, [(3, 4), (5,)]))]


@pytest.mark.parametrize("case", SMALL, ids=key_of)
def test_contenders_compute_the_same(case):
    """On the simulator and on the processor."""
    with contenders.minicnn("float32", Simulator()) as ours, contenders.pytorch("float32", "cpu") as theirs:
        results = []
        for contender in (ours, theirs):
            results.append(contender.sample(case.prepare(contender)(), np.arange))
        assert results[0].shape == results[1].shape
        np.testing.assert_allclose(*results, rtol=1e-4, atol=1e-5)


def test_every_case_can_be_rehearsed_and_no_two_have_one_name():
    assert len({key_of(case) for case in cases.ALL}) == len(cases.ALL)
    groups = {case.group: case for case in cases.ALL if "VGG" not in case.subject}
    for case in groups.values():
        for precision in set(case.precisions).intersection(contenders.available_precisions()):
            first, later, recorded = rehearsing.rehearse(case, precision)
            assert later and recorded and len(first) >= len(later)


class InProcess:
    """A worker that answers at once, from this process."""

    def __init__(self, name, precision):
        self.told = []
        if name == rehearsing.NAME:
            self.process = rehearsing.Process()
        else:
            self.entered = contenders.minicnn(precision, GPU(FakeDriver())) if name == "minicnn" else contenders.pytorch(precision, "cpu")
            contender = self.entered.__enter__()
            if name == "PyTorch":
                contender = contender._replace(seconds=_seconds, record=lambda function: (function, function()), capture=lambda step: step)
            self.process = worker.Process(contender)

    def tell(self, *question):
        self.told.append(question)

    def answer(self):
        out = io.StringIO()
        worker.serve(self.process, [json.dumps(self.told.pop())], out)
        answer = json.loads(out.getvalue())
        if "error" in answer:
            raise RunError(answer["error"])
        return answer["answer"]

    def ask(self, *question):
        self.tell(*question)
        return self.answer()

    def restart(self):
        pass

    def close(self):
        if hasattr(self, "entered"):
            self.entered.__exit__(None, None, None)


def _seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@pytest.fixture
def chosen(monkeypatch):
    def broken(contender):
        if contender.kernels is None:
            raise ValueError("no such luck")
        return next(moving._pointwise((2, 3, 8, 8))).prepare(contender)

    step = [case for case in networks._cases(all_networks.LENET, 2)]
    found = [*step, SMALL[0], next(multiplying._square(5, 6, 7)), Case("pointwise", "broken", "forward", broken, bytes=100)]
    monkeypatch.setattr(device, "machine", device.machine)   # contenders of one process do not leave it in the order they came
    monkeypatch.setattr(cases, "_by_key", {key_of(case): case for case in found})
    monkeypatch.setattr("benchmarks.cuda.peak._COPIED", 2**20)
    monkeypatch.setattr("kernels.cuda.cache.ptx", lambda *_: (".entry a", "a"))   # nothing is run
    monkeypatch.setattr(compilation, "compile_all", lambda *_, **__: {})
    return found


def test_a_whole_run(chosen, tmp_path, capsys):
    effort = timer.Effort(rounds=2, least=0.001, patience=1)
    document = command.measure(chosen, effort, 600, tmp_path / "cuda.json", worker=InProcess)
    assert json.loads((tmp_path / "cuda.json").read_text()) == json.loads(json.dumps(document))
    assert any("broken" in name and "no such luck" in reason for name, reason in document["failed"].items())
    assert document["gpu"] == "Fake GPU" and document["peaks"]["gflops"] > 0
    by_name = {(record["subject"], record["aspect"], record["precision"]): record for record in document["results"]}
    lenet = by_name["LeNet, batch 2", "training step, eager", "float32"]
    assert lenet["launches"] > 20 and lenet["contenders"].keys() == {"minicnn", "PyTorch"}
    command.show(document)
    shown = capsys.readouterr().out
    assert "training step, recorded" in shown and "failed" in shown and "launches" in shown
    picture.draw(command.for_picture(document)).savefig(tmp_path / "cuda.png")


def test_time_runs_out(chosen, tmp_path):
    document = command.measure(chosen, timer.QUICK, 0, tmp_path / "cuda.json", worker=InProcess)
    assert not document["results"] and f"{len(chosen)} of {len(chosen)} cases" in document["left_out"]


def test_compilation_beforehand_fills_the_cache(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("kernels.cuda.cache._folder", lambda: tmp_path)
    case = next(moving._pointwise((2, 3, 8, 8)))
    assert compilation.compile_all([case]) == {} and len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr(compiler, "ptx", lambda *_: 1 / 0)
    assert compilation.compile_all([case]) == {}   # it is there
    other = [*moving._pointwise((2, 3, 8, 8))][1]
    assert "ZeroDivisionError" in str(compilation.compile_all([other]))
