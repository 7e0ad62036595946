"""Numbers, types and memory in the simulator are what they are on a GPU."""
import math
import random

import numpy as np
import pytest
from numba import cuda, float32, int32, uint32, uint64

from kernels.cuda.launch import kernel
from kernels.cuda.simulator import Simulator, errors, simulate
from kernels.cuda.simulator.machine import view

X = np.arange(256, dtype=np.float32)
TABLE = np.array([3.0, 1.0, 4.0], np.float32)


def numbers(x, y, whole, scale, bias):
    table = cuda.const.array_like(TABLE)
    y[0] = x[0] / x.dtype.type(3)
    y[1] = math.exp(x[1]) + math.sqrt(x[2])
    y[2] = max(x[3], x[4])          # NaN and 4
    y[3] = min(x[4], x[3])
    y[4] = x[4] / x.dtype.type(0)
    y[5] = cuda.fma(x[5], x[5], x[4])
    y[6] = table[2] * scale
    y[7] = 1 if bias is None else bias[0]
    y[8] = math.exp(float32(200))
    y[9] = math.log(float32(0))
    whole[0] = -7 // 2
    whole[1] = -7 % 3
    whole[2] = uint32(-1)
    whole[3] = uint32(uint32(4000000000) * uint32(4))
    whole[4] = uint64(2**63) * uint64(2) + uint64(5)
    whole[5] = int32(2**31)
    whole[6] = uint32(5) - 10
    whole[7] = cuda.popc(255) + 10 * cuda.clz(1) + 1000 * cuda.ffs(8)
    whole[8] = cuda.brev(1)
    whole[9] = cuda.selp(x[0] > 0, 1, 2) + (1 << 33) + int(2.75)


def test_numbers():
    x, y = np.array([1, 2, 3, np.nan, 4, 3], np.float32), np.zeros(10, np.float32)
    whole = np.zeros(10, np.int64)
    simulate(numbers, 1, 1, x, y, whole, 2.5, None)
    third, e, root = np.float32(1) / np.float32(3), np.float32(math.exp(2)), np.float32(math.sqrt(3))
    assert y.tolist() == [third, e + root, 4, 4, np.inf, 13, 10, 1, np.inf, -np.inf]
    assert whole.tolist() == [-4, 2, 2**32 - 1, 16000000000 % 2**32, 5, -2**31, -5, 8 + 310 + 4000, 2**31, 1 + 2**33 + 2]


def local_conversions(y):
    small = cuda.local.array(2, float32)
    small[0] = 0.1
    bits = cuda.local.array(1, int32)
    bits[0] = 2**31 + 1
    large = cuda.local.array((2, 2), "float64")
    large[1, 1] = float32(0.1)
    small[1] = large[1, 1] * 3
    y[0], y[1], y[2], y[3] = small[0], bits[0], large[1, 1], small[1]


def test_local_arrays_convert():
    y = np.zeros(4, np.float64)
    simulate(local_conversions, 1, 1, y)
    tenth = np.float64(np.float32(0.1))
    assert y.tolist() == [tenth, -2**31 + 1, tenth, np.float32(tenth * 3)]


@pytest.mark.parametrize("dtype", ["float64", "float16", "int8", "uint8", "int32", "uint32", "int64", "uint64", "bool"])
def test_types(dtype):
    def copy(x, y):
        tile = cuda.shared.array(8, dtype)
        t = cuda.threadIdx.x
        tile[t] = x[t]
        y[t] = tile[t] if x[t] == tile[t] else tile[t] * 0

    x = np.array([0, 1, 0, 1, 1, 100, 3, 127]).astype(dtype)
    y = np.zeros_like(x)
    simulate(copy, 1, 8, x, y)
    assert (x == y).all()


def test_machine_knows_what_has_been_written():
    @kernel
    def write_even(y):
        y[2 * cuda.grid(1)] = math.nan   # NaN is a number as any other

    @kernel
    def read(y, z):
        z[cuda.grid(1)] = y[cuda.grid(1)]

    machine = Simulator()
    y, z = machine.empty((8,), np.float32), machine.empty((8,), np.float32)
    write_even[1, 4](y)
    read[1, 1](y, z)
    with pytest.raises(errors.Uninitialised, match=r"reads y\[1\], which nobody has written"):
        read[1, 2](y, z)
    read[1, 1](y.reshape(2, 4).reshape(8), z)
    view(y)[1] = 3
    read[1, 8](y, z)
    assert z.to_host()[1] == 3 and np.isnan(z.to_host()[0])


def test_arrays_that_share_memory_are_one():
    @kernel
    def shift(x, y):
        i = cuda.threadIdx.x
        if i < 7:
            y[i] = x[i + 1]

    machine = Simulator()
    x = machine.to_device(X[:8])
    with pytest.raises(errors.DataRace):
        shift[1, 8](x, x)
    shift[1, 8](x, machine.to_device(X[:8]))


def test_failing_and_repeated_launches_begin_from_the_same_memory():
    def twice(x):
        kept = cuda.local.array(1, float32)
        kept[0] = x[cuda.grid(1)]
        x[cuda.grid(1)] = kept[0] + 1
        kept[0] = np.float64(1)   # not of the array's type: the launch is repeated with care

    x = np.zeros(4, np.float32)
    simulate(twice, 2, 2, x, order=random.Random(0))
    assert (x == 1).all()


@cuda.jit
def saxpy(a, x, y):
    i = cuda.grid(1)
    if i < x.shape[0]:
        y[i] += a * x[i]


def test_kernels_of_tutorials():
    y = np.ones(100, np.float32)
    simulate(saxpy, 4, 32, 2.0, X[:100], y)
    assert (y == 2 * X[:100] + 1).all()
    assert not simulate(saxpy, 4, 32, 2.0, X[:100][::-1], y[::-1])
