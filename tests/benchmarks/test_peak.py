"""The loop that measures the peak computes what it says."""
import numpy as np
import pytest

from benchmarks import peak
from kernels.cpu.machine import VECTOR_UNIT


def test_chains_multiply_and_add():
    sums = np.zeros(3, np.float32)
    peak.run_chains(3, np.float32(0.5), np.float32(1), sums)
    lanes = VECTOR_UNIT.lanes(np.dtype(np.float32))
    one = sum(((chain * 0.5 + 1) * 0.5 + 1) * 0.5 + 1 for chain in range(peak.CHAINS)) * lanes
    np.testing.assert_array_equal(sums, np.float32(one))


def test_every_lane_of_every_chain_counts():
    assert peak.multiply_adds(10, 2) == 10 * 2 * peak.CHAINS * VECTOR_UNIT.bytes // 4


def test_the_peak_is_that_of_the_fastest_run(monkeypatch):
    clock = iter([0.0, 1.0, 10.0, 10.25, 20.0, 21.0])   # the runs take 1, 1/4 and 1 second
    monkeypatch.setattr(peak, "_RUNS", 3)
    monkeypatch.setattr(peak, "_STEPS", 1000)
    monkeypatch.setattr(peak.time, "perf_counter", clock.__next__)
    threads = peak.numba.get_num_threads()
    assert peak.measure() == pytest.approx(2 * peak.multiply_adds(1000, threads) / 0.25 / 1e9)
