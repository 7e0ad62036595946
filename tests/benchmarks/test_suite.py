"""What is chosen, that results are compared before anything is timed, and the figures of a record."""
import pytest

from benchmarks import cases, frameworks, startup, suite, timer
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
    chosen = suite.select(["VGG conv5"], full=False)
    assert len(chosen) == 6 and not any(case.quick for case in chosen)


def test_an_unknown_word_is_an_input_error():
    with pytest.raises(InputError, match="no benchmark has 'lunch' or 'tea' in its name; there are: LeNet, matrix product, conv"):
        suite.select(["lunch", "tea"], full=False)


class Fake:
    """A worker that gives this sample."""

    def __init__(self, *sample):
        self.sample = sample

    def prepare(self, key):
        return 0.5, list(self.sample)


def test_results_that_agree_are_timed():
    assert suite._prepare(CASE, {"minicnn": Fake(1.0, 2.0), "PyTorch": Fake(1.0, 2.0001)}) == {"minicnn": 0.5, "PyTorch": 0.5}


@pytest.mark.parametrize("other", [(1.0, 2.1), (1.0, float("nan"))])
def test_results_that_differ_are_an_error(other):
    with pytest.raises(RunError, match="64 x 10 classes: forward: minicnn and PyTorch give different results"):
        suite._prepare(CASE, {"minicnn": Fake(1.0, 2.0), "PyTorch": Fake(*other)})


def test_a_record_has_rates_of_our_median():
    case = cases.Case("g", "s", "a", None, multiply_adds=3_000_000, bytes=5_000_000)
    ours = timer.Measurement(0.001, 0.0005, (0.0008, 0.002), 1.0, 7, 0)
    found = suite.record(case, 2, {"minicnn": ours}, {"minicnn": 0.25})
    assert found["gflops"] == pytest.approx(6) and found["gigabytes_per_second"] == pytest.approx(5)
    assert found["contenders"] == {"minicnn": {"median": 0.001, "minimum": 0.0005, "quartiles": (0.0008, 0.002), "ratio": 1.0,
                                               "rounds": 7, "disturbed": 0, "first_call": 0.25}}
    assert (found["threads"], found["unit"], found["multiply_adds"], found["bytes"]) == (2, "s", 3_000_000, 5_000_000)


def test_plain_numpy_is_measured_with_the_first_number_of_threads_only(monkeypatch):
    asked = []
    monkeypatch.setattr(suite, "_run_kernels", lambda chosen, threads, effort, names, told: asked.append((threads, names)) or [])
    assert list(suite.run([CASE], [8, 1], timer.QUICK, ["minicnn", "NumPy"])) == []
    assert asked == [(8, ["minicnn", "NumPy"]), (1, ["minicnn"])]


def test_whole_processes_are_measured_once(monkeypatch):
    ours = timer.Measurement(1.0, 1.0, (1.0, 1.0), 1.0, 3, 0)
    monkeypatch.setattr(suite.startup, "measure", lambda chosen, names, threads: [(case, {"minicnn": ours}) for case in chosen])
    found = list(suite.run(startup.CASES, [2, 1], timer.QUICK, ["minicnn"]))
    assert [record["unit"] for record in found] == ["s", "s", "s", "bytes", "bytes"]


def test_the_frameworks_are_those_that_are_installed(monkeypatch):
    monkeypatch.setattr(frameworks.importlib.util, "find_spec", lambda name: None)
    assert frameworks.available() == ["minicnn", "NumPy"]
    monkeypatch.setattr(frameworks.importlib.util, "find_spec", lambda name: name == "torch")
    assert frameworks.available() == ["minicnn", "PyTorch", "NumPy"]
