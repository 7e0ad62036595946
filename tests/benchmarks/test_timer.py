"""Statistics on known numbers: turns, quiet rounds, medians, ratios."""
import io

import pytest

from benchmarks import timer
from benchmarks.timer import Effort, Round


@pytest.fixture
def shares(monkeypatch):
    """What others take of the machine, round by round; quiet from the list's end on."""
    given = []

    class Others:
        def __init__(self, own_seconds):
            pass

        def share(self):
            return given.pop(0) if given else 0.0

    monkeypatch.setattr(timer, "Others", Others)
    return given


def constant(seconds, calls=None, name=None):
    """A contender whose calls take so long, each."""
    def run(repetitions):
        if calls is not None:
            calls.append((name, repetitions))
        return seconds * repetitions
    return run


def test_contenders_take_turns_after_a_warm_up(shares):
    calls = []
    timer.interleave({"a": constant(0.5, calls, "a"), "b": constant(0.1, calls, "b")}, Effort(3, 0.3, 100), gap=0)
    a, b, warm_a, warm_b = ("a", 1), ("b", 3), ("a", 1), ("b", 1)
    planning = [("a", 1), ("b", 1), ("b", 1), ("b", 1)]
    assert calls == planning + [warm_a, a, warm_b, b] + [warm_b, b, warm_a, a] + [warm_a, a, warm_b, b]


def test_times_are_for_one_call(shares):
    found = timer.interleave({"a": constant(0.002), "b": constant(0.001)}, Effort(3, 0.1, 100), gap=0)
    assert found["a"].median == pytest.approx(0.002) and found["b"].minimum == pytest.approx(0.001)
    assert found["a"].ratio == 1 and found["b"].ratio == pytest.approx(0.5)
    assert (found["a"].rounds, found["a"].disturbed) == (3, 0)


def test_disturbed_rounds_are_repeated_and_do_not_count(shares):
    shares += [0.5, 0.0, 0.3, 0.0, 0.0]
    slow = [True, False, True, False, False]   # slow when others are busy
    planning = 1

    def run(repetitions, calls=[]):   # noqa: B006 (counts its calls)
        calls.append(repetitions)
        return 9.0 if len(calls) > planning and slow[(len(calls) - 1 - planning) // 2] else 1.0

    found = timer.interleave({"a": run}, Effort(3, 0.5, 1000), gap=0)
    assert found["a"] == timer.Measurement(1.0, 1.0, (1.0, 1.0), 1.0, rounds=3, disturbed=0)


def test_on_a_busy_machine_the_least_disturbed_rounds_count(shares):
    shares += [0.9] * 20
    found = timer.interleave({"a": constant(1.0)}, Effort(3, 0.5, 1000), gap=0)
    assert (found["a"].rounds, found["a"].disturbed, len(shares)) == (3, 3, 20 - 9)
    rounds = [Round(share, {"a": 10 * share}) for share in (0.9, 0.1, 0.8, 0.3, 0.7, 0.2)]
    assert timer.summarize(rounds, ["a"], 3)["a"].median == pytest.approx(2)   # of 1, 2, 3


def test_a_few_quiet_rounds_are_better_than_many_disturbed_ones():
    rounds = [Round(0.5, {"a": 9.0})] * 5 + [Round(0.0, {"a": 1.0})] * 3
    assert timer.summarize(rounds, ["a"], 7)["a"] == timer.Measurement(1.0, 1.0, (1.0, 1.0), 1.0, rounds=3, disturbed=0)


def test_a_slow_contender_takes_part_in_few_rounds(shares):
    found = timer.interleave({"fast": constant(0.001), "slow": constant(5.0)}, Effort(11, 0.01, 2), gap=0)
    assert found["fast"].rounds == 11 and found["slow"].rounds == 3
    assert found["slow"].ratio == pytest.approx(5000)


def test_median_quartiles_and_ratios_of_pairs():
    # The median of the ratios 4, 1, 3 is not the ratio of the medians, 4 / 2.
    rounds = [Round(0.0, {"a": 1.0, "b": 4.0}), Round(0.0, {"a": 4.0, "b": 4.0}), Round(0.0, {"a": 2.0, "b": 6.0})]
    found = timer.summarize(rounds, ["a", "b"], 3)
    assert found["a"].median == 2 and found["a"].minimum == 1 and found["a"].quartiles == (1.5, 3.0)
    assert found["b"].median == 4 and found["b"].ratio == 3


def test_ratios_are_of_common_rounds_only():
    rounds = [Round(0.0, {"a": 1.0, "b": 3.0}), Round(0.0, {"a": 100.0})]
    assert timer.summarize(rounds, ["a", "b"], 2)["b"].ratio == 3


def test_what_others_take(monkeypatch):
    monkeypatch.setattr(timer, "busy_seconds", iter([100.0, 103.01]).__next__)
    monkeypatch.setattr(timer.time, "perf_counter", iter([0.0, 2.0]).__next__)
    monkeypatch.setattr(timer.os, "cpu_count", lambda: 4)
    others = timer.Others(iter([7.0, 8.0]).__next__)
    assert others.share() == pytest.approx((3 - 1) / (2 * 4))


def test_what_the_machine_says_of_its_work(monkeypatch):
    monkeypatch.setattr("builtins.open", lambda *_, **__: io.StringIO("cpu  100 10 20 4000 500 3 2 5 0 0\ncpu0 1 2 3\n"))
    monkeypatch.setattr(timer.os, "sysconf", lambda name: 100, raising=False)
    assert timer.busy_seconds() == pytest.approx(1.40)


def test_a_machine_that_does_not_tell_is_never_disturbed(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", missing)
    assert timer.busy_seconds() == 0
    assert timer.Others(lambda: 1.0).share() == 0


def test_repeat_counts_calls_and_time():
    calls = []
    assert timer.repeat(lambda: calls.append(1))(5) > 0
    assert len(calls) == 5
