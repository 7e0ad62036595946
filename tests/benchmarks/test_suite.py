"""What is chosen, that results are compared before anything is timed, and the figures of a record."""
import pytest

from benchmarks import cases, startup, suite, timer
from minicnn.errors import InputError, RunError

CASE = cases.get("softmax: softmax cross entropy: 64 x 10 classes: forward")


def names(chosen):
    return {(case.group, case.aspect) for case in chosen}


def test_all_without_words():
    assert suite.select([], full=True) == suite.everything()
    quick = suite.select([], full=False)
    assert all(case.quick for case in quick) and 0 < len(quick) < len(suite.everything())
    assert {case.group for case in quick} == {case.group for case in suite.everything()}


def test_words_are_looked_for_in_names_whatever_their_letters_case():
    chosen = suite.select(["adam", "ReLU"], full=False)
    assert {case.group for case in chosen} == {"activation", "optimiser"}
    assert all("ReLU" in case.subject or case.aspect == "Adam" for case in chosen)
    assert names(suite.select(["conv"], full=True)) >= {("convolution", "forward"), ("convolution", "weight gradient")}


def test_what_is_asked_for_by_name_need_not_be_quick():
    chosen = suite.select(["512 to 512, 3x3 on 14x14"], full=False)
    assert len(chosen) == 6 and not any(case.quick for case in chosen)


def test_a_word_is_the_beginning_of_one():
    found = suite.select(["lenet"], full=True)
    assert {case.subject.partition(",")[0] for case in found if case.group == "network"} == {"LeNet"}


def test_an_unknown_word_is_an_input_error():
    with pytest.raises(InputError, match="no benchmark has 'lunch' or 'tea' in its name; there are: network, convolution, depthwise"):
        suite.select(["lunch", "tea"], full=False)


class Fake:
    """A worker that gives this sample."""

    def __init__(self, *sample):
        self.sample = sample

    def prepare(self, key):
        return 0.5, list(self.sample)


def test_results_that_agree_are_timed():
    first_calls, errors = suite._prepare(CASE, {"minicnn": Fake(1.0, 2.0), "PyTorch": Fake(1.0, 2.0001)})
    assert first_calls == {"minicnn": 0.5, "PyTorch": 0.5} and errors == {}


def test_errors_are_distances_from_the_result_in_float64():
    workers = {"minicnn": Fake(3.0, 4.001), "PyTorch": Fake(3.0, 4.0), "float64": Fake(3.0, 4.0)}
    first_calls, errors = suite._prepare(CASE, workers)
    assert errors == {"minicnn": pytest.approx(0.001 / 5), "PyTorch": 0} and set(first_calls) == {"minicnn", "PyTorch"}


def test_gradients_of_deep_networks_may_differ_more():
    step = cases.get("network: ResNet-50, batch 16: training step")
    suite._prepare(step, {"minicnn": Fake(1.0, 2.0), "PyTorch": Fake(1.0, 2.1)})
    with pytest.raises(RunError, match="different results"):
        suite._prepare(step, {"minicnn": Fake(1.0, 2.0), "PyTorch": Fake(-1.0, 2.0)})


@pytest.mark.parametrize("other", [(1.0, 2.1), (1.0, float("nan"))])
def test_results_that_differ_are_an_error(other):
    with pytest.raises(RunError, match="64 x 10 classes: forward: minicnn and PyTorch give different results"):
        suite._prepare(CASE, {"minicnn": Fake(1.0, 2.0), "PyTorch": Fake(*other)})


def test_a_record_has_rates_of_our_median():
    case = cases.Case("g", "s", "a", None, multiply_adds=3_000_000, bytes=5_000_000)
    ours = timer.Measurement(0.001, 0.0005, (0.0008, 0.002), 1.0, 7, 0)
    found = suite.record(case, 2, {"minicnn": ours}, {"minicnn": 0.25}, {"minicnn": 1e-7}, "direct")
    assert found["gflops"] == pytest.approx(6) and found["gigabytes_per_second"] == pytest.approx(5)
    assert found["contenders"] == {"minicnn": {"median": 0.001, "minimum": 0.0005, "quartiles": (0.0008, 0.002), "ratio": 1.0,
                                               "rounds": 7, "disturbed": 0, "first_call": 0.25, "error": 1e-7}}
    assert found["algorithm"] == "direct" and "algorithm" not in suite.record(case, 2, {"minicnn": ours})
    assert (found["threads"], found["unit"], found["multiply_adds"], found["bytes"]) == (2, "s", 3_000_000, 5_000_000)


def test_plain_numpy_is_measured_with_the_first_number_of_threads_only(monkeypatch):
    asked = []
    monkeypatch.setattr(suite, "_run_kernels", lambda chosen, threads, effort, names, told: asked.append((threads, names)) or [])
    assert list(suite.run([CASE], [8, 1], timer.QUICK, ["minicnn", "NumPy", "float64"])) == []
    assert asked == [(8, ["minicnn", "NumPy", "float64"]), (1, ["minicnn"])]


class FakeWorker(Fake):
    """A worker that notes what happens to it; some cannot start."""

    started, forgotten = [], []

    def __init__(self, name, threads):
        super().__init__(1.0, 2.0)
        self.name = name
        self.started.append((name, threads))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def wait(self):
        if self.name in ("torch.compile", "nobody"):
            raise RunError("it does not work here")

    def run(self, repetitions):
        return 0.01 * repetitions

    def forget(self):
        self.forgotten.append(self.name)

    def algorithm(self, key):
        return "by hand" if key.startswith("convolution") else None

    def processor_seconds(self):
        return 0.0

    def machine(self):
        return {"peak": 1.0, "threads": 2}


@pytest.fixture
def fake_workers(monkeypatch):
    monkeypatch.setattr(suite, "Worker", FakeWorker)
    monkeypatch.setattr(FakeWorker, "started", [])
    monkeypatch.setattr(FakeWorker, "forgotten", [])
    return FakeWorker


EFFORT = timer.Effort(1, 0.0001, 0.01)
CONVOLUTION = cases.get("convolution: LeNet: 1 to 6, 5x5 on 28x28, batch 1: forward")


def test_each_case_is_measured_in_those_that_it_is_for(fake_workers):
    names = ["minicnn", "PyTorch", "PyTorch channels_last", "onnxruntime", "float64"]
    first, *records, last = suite.run([CASE, CONVOLUTION], [2], EFFORT, names)
    assert set(first) == set(last) == {"machine"}
    assert [set(record["contenders"]) for record in records] == [{"minicnn", "PyTorch"}, {"minicnn", "PyTorch", "PyTorch channels_last"}]
    assert fake_workers.started == [("minicnn", 2), ("PyTorch", 2), ("PyTorch channels_last", 2), ("float64", 2)]
    assert fake_workers.forgotten == ["minicnn", "PyTorch", "minicnn", "PyTorch", "PyTorch channels_last", "float64"]
    assert "algorithm" not in records[0] and records[1]["algorithm"] == "by hand"
    assert records[1]["contenders"]["minicnn"]["error"] == 0 and "error" not in records[0]["contenders"]["minicnn"]


def test_who_cannot_start_is_left_out_from_then_on(fake_workers):
    network = cases.get("network: LeNet, batch 1: training step")
    found = list(suite.run([network], [2, 1], EFFORT, ["minicnn", "torch.compile"]))
    assert found[0] == {"left_out": {"torch.compile": "it does not work here"}}
    assert [set(facts["contenders"]) for facts in found if "contenders" in facts] == [{"minicnn"}] * 2
    assert fake_workers.started == [("minicnn", 2), ("torch.compile", 2), ("minicnn", 1)]


def test_without_ours_there_is_nothing_to_measure(fake_workers, monkeypatch):
    monkeypatch.setattr(fake_workers, "wait", lambda self: (_ for _ in ()).throw(RunError("it does not work here")))
    with pytest.raises(RunError):
        list(suite.run([CASE], [2], EFFORT, ["minicnn"]))


def test_whole_processes_are_measured_once(monkeypatch):
    ours = timer.Measurement(1.0, 1.0, (1.0, 1.0), 1.0, 3, 0)
    monkeypatch.setattr(suite.startup, "measure", lambda chosen, names, threads: [(case, {"minicnn": ours}) for case in chosen])
    found = list(suite.run(startup.CASES, [2, 1], timer.QUICK, ["minicnn"]))
    assert [record["unit"] for record in found] == ["s", "s", "s", "bytes", "bytes", "bytes", "bytes"]
