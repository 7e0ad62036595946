"""The table: what is in it, and that its columns stand below each other."""
import re

import pytest

from benchmarks import table



def test_a_whole_table(document):
    assert table.render(document) == """\
CONVOLUTION   |  2 threads, 200 GFLOP/s at most                                          |  1 thread, 100 GFLOP/s at most
              |                                                PyTorch                   |
              |     time         rate  of peak  PyTorch  channels_last  NumPy  compile   |     time          rate  of peak  PyTorch
conv1: 1 to 6
  forward     |  1.00 ms  100 GFLOP/s     50 %    2.00x          1.50x  50.0x   1.25 s   |  2.00 ms  50.0 GFLOP/s     50 %    0.75x

ACTIVATION         |  2 threads
                   |    time       rate  PyTorch
ReLU
  forward          |  100 µs  20.0 GB/s   ~0.50x
  input gradient   |  100 µs  30.0 GB/s    16.0x"""


def test_algorithm_and_errors_are_in_the_table(document):
    convolution, *_ = document["results"] = document["results"][:1]
    convolution["algorithm"] = "winograd 4x4"
    for name, error in {"minicnn": 6.2e-7, "PyTorch": 2.4e-7, "NumPy": 1e-8}.items():
        convolution["contenders"][name]["error"] = error
    _, upper, lower, _, line = table.render(document).splitlines()
    assert line.startswith("  forward (winograd 4x4)   |  1.00 ms")
    assert re.split(r"\s{2,}", line)[-4:] == ["50.0x", "6e-07", "2e-07", "1.25 s"]
    assert re.split(r"\s{2,}", upper)[-2:] == ["error of", "error of"]
    assert re.split(r"\s{2,}", lower)[-4:] == ["NumPy", "minicnn", "PyTorch", "compile"]


@pytest.mark.parametrize("value, unit, text", [
    (1.0, "s", "1.00 s"), (75.04, "s", "75.0 s"), (0.99996, "s", "1.00 s"), (0.9994, "s", "999 ms"), (0.0123456, "s", "12.3 ms"),
    (0.000001, "s", "1.00 µs"), (2.5e-8, "s", "25.0 ns"), (0.0, "s", "0.00 ns"),
    (216_000_000, "bytes", "216 MB"), (1.5e9, "bytes", "1.50 GB"), (12, "bytes", "12.0 bytes"),
])
def test_quantities(value, unit, text):
    assert table.quantity(value, unit) == text


@pytest.mark.parametrize("value, text", [
    (0.034, "0.03"), (9.994, "9.99"), (9.996, "10.0"), (99.94, "99.9"), (99.96, "100"), (12345.6, "12346"),
])
def test_three_digits(value, text):
    assert table.three_digits(value) == text


def test_arithmetic_counts_before_memory():
    assert table.rate({"gflops": 12.3, "gigabytes_per_second": 4.5}) == "12.3 GFLOP/s"
    assert table.rate({"gigabytes_per_second": 4.5}) == "4.50 GB/s"
    assert table.rate({}) == ""


def test_compilation_is_the_first_call_without_a_later_one(document):
    assert table.compilation_seconds(document["results"][0]) == pytest.approx(1.249)
    assert table.compilation_seconds(document["results"][2]) == 0
