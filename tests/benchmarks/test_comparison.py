"""compare: a small table for functions of one's own."""
import re

import pytest

import benchmarks
from benchmarks import peak, timer

EFFORT = timer.Effort(1, 0.0001, 0.01)


def test_it_prints_a_line_for_each_function_and_returns_the_measurements(capsys):
    found = benchmarks.compare({"mine": lambda: sum(range(20_000)), "quicker": lambda: None}, bytes=8000, effort=EFFORT)
    head, *lines = capsys.readouterr().out.splitlines()
    assert re.split(r"\s{2,}", head.strip()) == ["time", "speed (mine: 1)", "GB/s", "first call"]
    assert [line.split()[0] for line in lines] == ["mine", "quicker"]
    assert len({len(line) for line in [head, *lines]}) == 1
    assert found["mine"].ratio == 1 and found["quicker"].ratio < 0.1
    # The table has speeds, which are the other way round.
    assert float(re.search(r"s\s+([\d.]+)", lines[1])[1]) > 10


def test_arithmetic_is_shown_beside_the_peak(capsys, monkeypatch):
    monkeypatch.setattr(peak, "measure", lambda: 100.0)
    monkeypatch.setattr(timer, "interleave", lambda contenders, *_: {"mine": timer.Measurement(0.5, 0.5, (0.5, 0.5), 1.0, 3, 0)})
    benchmarks.compare({"mine": lambda: None}, multiply_adds=10_000_000_000, bytes=2_000_000_000, effort=EFFORT)
    line = capsys.readouterr().out.splitlines()[1]
    assert line.split()[:8] == ["mine", "500", "ms", "1.00", "40.0", "40", "%", "4.00"]


def test_an_unknown_name_is_an_error():
    with pytest.raises(AttributeError, match="compete"):
        benchmarks.compete   # noqa: B018
