"""A document as the JSON file holds it, small and with known figures."""
import pytest

from benchmarks import suite, timer
from benchmarks.cases import Case


def measurement(median, ratio=1.0, rounds=3, disturbed=0):
    return timer.Measurement(median, median, (median, median), ratio, rounds, disturbed)


@pytest.fixture
def document():
    convolution = Case("convolution", "conv1: 1 to 6", "forward", None, multiply_adds=50_000_000, bytes=1000)
    relu = Case("activation", "ReLU", "forward", None, bytes=2_000_000)
    gradient = Case("activation", "ReLU", "input gradient", None, bytes=3_000_000)
    compiled = {"minicnn": 1.25, "PyTorch": 0.2, "NumPy": 0.1}
    results = [
        suite.record(convolution, 2, {"minicnn": measurement(0.001), "PyTorch": measurement(0.002, 2.0),
                                      "PyTorch channels_last": measurement(0.0015, 1.5), "NumPy": measurement(0.05, 50.0)},
                     compiled),
        suite.record(relu, 2, {"minicnn": measurement(0.0001), "PyTorch": measurement(0.00005, 0.5, disturbed=2)},
                     {"minicnn": 0.0001}),
        suite.record(gradient, 2, {"minicnn": measurement(0.0001), "PyTorch": measurement(0.0016, 16.0)}),
        suite.record(convolution, 1, {"minicnn": measurement(0.002), "PyTorch": measurement(0.0015, 0.75)}),
    ]
    return {"processor": "Abacus 9000", "cores": 2, "threads": 2, "date": "2030-01-02T03:04:05+00:00",
            "versions": {"torch": "2.13"}, "peaks": {"2": 200.0, "1": 100.0}, "left_out": {}, "results": results}
