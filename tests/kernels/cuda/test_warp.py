"""What the threads of a warp or block have together, asked of kernels made for the question."""
import numpy as np
import pytest
from numba import cuda

from kernels.cuda.launch import kernel
from kernels.cuda.warp import block_max, block_moments, block_sum, warp_max, warp_moments, warp_sum
from tests.kernels.agreement import numbers
from tests.kernels.cuda.agreement import machine


@kernel
def _ask(x, of_warp, of_block):
    shared = cuda.shared.array(32, x.dtype)
    thread = cuda.threadIdx.x
    of_warp[0, thread], of_warp[1, thread] = warp_sum(x[thread]), warp_max(x[thread])
    of_block[0, thread], of_block[1, thread] = block_sum(x[thread], shared), block_max(x[thread], shared)


@kernel
def _ask_moments(x, counts, moments):
    shared = cuda.shared.array(96, x.dtype)
    thread = cuda.threadIdx.x
    zero = x.dtype.type(0)
    for scope in range(2):
        count, mean, squares = counts[thread], x[thread] if counts[thread] else zero, zero
        if scope:
            count, mean, squares = block_moments(count, mean, squares, shared)
        else:
            count, mean, squares = warp_moments(count, mean, squares)
        moments[scope, thread, 0], moments[scope, thread, 1], moments[scope, thread, 2] = count, mean, squares


def on_device(kernel, threads, inputs, outputs):
    on = machine()
    outputs = [on.empty(shape, inputs[0].dtype) for shape in outputs]
    kernel[1, threads](*map(on.to_device, inputs), *outputs)
    return [output.to_host() for output in outputs]


@pytest.mark.parametrize("threads", [32, 128])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("strange", [None, np.nan, np.inf, -np.inf])
def test_sums_and_maxima(threads, dtype, strange):
    x = numbers(0, (threads,), dtype)
    if strange:
        x[33 % threads] = strange
    of_warp, of_block = on_device(_ask, threads, [x], [(2, threads)] * 2)
    for found, lanes in (of_warp, 32), (of_block, threads):
        groups = x.reshape(-1, lanes)
        np.testing.assert_allclose(found[0], groups.sum(axis=1).repeat(lanes), rtol=1e-5)
        np.testing.assert_array_equal(found[1], groups.max(axis=1).repeat(lanes))
        assert len(np.unique(found[0].view(f"u{x.itemsize}"))) == threads // lanes, "threads disagree"


@pytest.mark.parametrize("threads", [32, 128])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("present", [0, 1, 20, 128])
def test_moments(threads, dtype, present):
    x, counts = 100 + numbers(0, (threads,), dtype), (np.arange(threads) < present).astype(dtype)
    found, = on_device(_ask_moments, threads, [x, counts], [(2, threads, 3)])
    for moments, lanes in zip(found, (32, threads)):
        for thread in range(threads):
            group = x[thread - thread % lanes:present][:lanes]
            expected = (len(group), group.mean(), group.var() * len(group)) if len(group) else (0, 0, 0)
            np.testing.assert_allclose(moments[thread], expected, rtol=1e-4)
