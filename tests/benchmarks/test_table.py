"""The table: what is in it, and that its columns stand below each other."""
import pytest

from benchmarks import table



def test_a_whole_table(document):
    assert table.render(document) == """\
                   |  2 threads, 200 GFLOP/s at most                           |  1 thread, 100 GFLOP/s at most
                   |     time         rate  of peak  PyTorch  NumPy  compile   |     time          rate  of peak  PyTorch

CONVOLUTION
conv1: 1 to 6
  forward          |  1.00 ms  100 GFLOP/s     50 %    2.00x  50.0x   1.25 s   |  2.00 ms  50.0 GFLOP/s     50 %    0.75x

ACTIVATION
ReLU
  forward          |   100 µs    20.0 GB/s            ~0.50x                   |
  input gradient   |   100 µs    30.0 GB/s             16.0x                   |"""


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
