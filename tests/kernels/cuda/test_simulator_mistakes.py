"""Mistakes of every kind, each planted in a small kernel: what the simulator calls them, and where it says they are.

The line of a mistake is the one with the comment "here", that of the other thread the one with "there".
"""
import inspect
import random
import re

import numpy as np
import pytest
from numba import cuda, float32, int32

from kernels.cuda.intrinsics import copy_async, copy_commit, copy_wait_all, load4, store4
from kernels.cuda.simulator import errors, simulate

ORDERS = [None, "reverse", random.Random(0), random.Random(1)]
X = np.arange(64, dtype=np.float32)


def line_of(kernel, comment):
    lines, first = inspect.getsourcelines(kernel)
    return next(first + number for number, line in enumerate(lines) if comment in line)


def mistake(kernel, kind, *words, grid=1, block=64, arrays=None, order=None, shared=0):
    """The kernel is stopped by that kind of error, whose sentence has the words, at the line marked "here"."""
    arrays = [X.copy(), np.zeros_like(X)] if arrays is None else arrays
    with pytest.raises(errors.KernelError) as caught:
        simulate(kernel, grid, block, *arrays, shared=shared, order=order)
    error = caught.value
    assert type(error) is kind, error
    for word in (kernel.__name__, *words):
        assert word in str(error), error
    if error.thread is not None:
        assert error.line == line_of(kernel, "# here"), error
        assert "# here" in str(error)
    if "# there" in inspect.getsource(kernel):
        there = line_of(kernel, "# there")
        assert re.search(rf"line {there}\b", error.problem), error
    return error


def forgotten_barrier(x, y):
    tile = cuda.shared.array(64, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    y[t] = tile[63 - t]


@pytest.mark.parametrize("order", ORDERS)
def test_a_forgotten_barrier(order):
    sentence = r"tile\[\d+\], which thread \(\d+, 0, 0\) (reads|writes) in line \d+, and no barrier"
    with pytest.raises(errors.DataRace, match=sentence) as caught:
        simulate(forgotten_barrier, 1, 64, X, np.zeros_like(X), order=order)
    first = inspect.getsourcelines(forgotten_barrier)[1]
    other = int(re.search(r"in line (\d+), and", caught.value.problem)[1])
    assert {caught.value.line, other} == {first + 3, first + 4}


def reads_before_writing(x, y):
    tile = cuda.shared.array(64, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncthreads()
    if t < 32:
        tile[t] += tile[t + 1]
    y[t] = tile[t]


@pytest.mark.parametrize("order", ORDERS)
def test_a_race_within_a_statement(order):
    with pytest.raises(errors.DataRace, match=r"tile\[\d+\]"):
        simulate(reads_before_writing, 1, 64, X, np.zeros_like(X), order=order)


def two_write(x, y):
    tile = cuda.shared.array((2, 8), float32)
    t = cuda.threadIdx.x
    tile[1, t % 8] = x[t]   # there # here
    cuda.syncthreads()
    y[t] = tile[1, t % 8]


@pytest.mark.parametrize("order", ORDERS)
def test_two_threads_write(order):
    mistake(two_write, errors.DataRace, "writes tile[1, ", "which thread", "no barrier (cuda.syncthreads)", order=order)


def overwrites_what_others_read(x, y):
    tile = cuda.shared.array(64, float32)
    t = cuda.threadIdx.x
    for step in range(2):
        tile[t] = x[t] + step
        cuda.syncthreads()
        y[t] = tile[(t + 1) % 64]


@pytest.mark.parametrize("order", ORDERS)
def test_a_barrier_is_missing_at_the_end_of_a_loop(order):
    with pytest.raises(errors.DataRace, match=r"tile\[\d+\]"):
        simulate(overwrites_what_others_read, 1, 64, X, np.zeros_like(X), order=order)


def neighbours(x, y):
    i = cuda.grid(1)
    if i < 63:
        x[i] = x[i + 1]


@pytest.mark.parametrize("grid, block, word", [(1, 64, "no barrier"), (64, 1, "blocks of a launch run in any order")])
@pytest.mark.parametrize("order", ORDERS)
def test_races_in_global_memory(order, grid, block, word):
    with pytest.raises(errors.DataRace, match=rf"x\[\d+\], which thread .*{word}"):
        simulate(neighbours, grid, block, X.copy(), X.copy(), order=order)


def blocks_write_one_number(x, y):
    y[cuda.threadIdx.x] = cuda.blockIdx.x   # there # here


@pytest.mark.parametrize("order", ORDERS)
def test_blocks_that_write_one_number(order):
    error = mistake(blocks_write_one_number, errors.DataRace, "of block", "blocks of a launch", grid=2, block=8, order=order)
    assert error.block in [(0, 0, 0), (1, 0, 0)]


def adds_without_atomic(x, y):
    y[0] += x[cuda.grid(1)]


@pytest.mark.parametrize("order", ORDERS)
def test_a_sum_without_atomic(order):
    with pytest.raises(errors.DataRace, match=r"y\[0\]"):
        simulate(adds_without_atomic, 1, 64, X, np.zeros_like(X), order=order)


def reads_what_is_counted(x, y):
    cuda.atomic.add(y, 0, 1)
    if y[0] == 64:
        y[1] = 1


@pytest.mark.parametrize("order", ORDERS)
def test_a_plain_read_of_an_atomic_number(order):
    with pytest.raises(errors.DataRace, match=r"atomic operation y\[0\]|y\[0\].* changes"):
        simulate(reads_what_is_counted, 1, 64, X, np.zeros_like(X), order=order)


def shuffles_order_no_memory(x, y):
    tile = cuda.shared.array(32, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.shfl_sync(0xffffffff, x[t], 0)
    y[t] = tile[31 - t]


@pytest.mark.parametrize("order", ORDERS)
def test_shuffles_order_no_memory(order):
    with pytest.raises(errors.DataRace):
        simulate(shuffles_order_no_memory, 1, 32, X, np.zeros_like(X), order=order)


def warp_order_ends_at_the_warp(x, y):
    tile = cuda.shared.array(64, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncwarp()
    y[t] = tile[63 - t]


def halves(x, y):
    tile = cuda.shared.array(32, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncwarp(0xffff if t < 16 else 0xffff0000)
    y[t] = tile[31 - t]


@pytest.mark.parametrize("kernel, block", [(warp_order_ends_at_the_warp, 64), (halves, 32)])
@pytest.mark.parametrize("order", ORDERS)
def test_syncwarp_orders_only_the_lanes_it_names(kernel, block, order):
    with pytest.raises(errors.DataRace):
        simulate(kernel, 1, block, X, np.zeros_like(X), order=order)


def some_wait(x, y):
    t = cuda.threadIdx.x
    if t < 8:
        cuda.syncthreads()   # here
    y[t] = x[t]


def some_leave(x, y):
    t = cuda.threadIdx.x
    if t >= 60:
        return
    cuda.syncthreads()   # here
    y[t] = x[t]


@pytest.mark.parametrize("kernel", [some_wait, some_leave])
@pytest.mark.parametrize("order", ORDERS)
def test_a_barrier_that_not_all_reach(kernel, order):
    mistake(kernel, errors.BarrierError, "waits at this barrier", "has ended without it", order=order)


def two_barriers(x, y):
    if cuda.threadIdx.x < 8:
        cuda.syncthreads()
    else:
        cuda.syncthreads()


@pytest.mark.parametrize("order", ORDERS)
def test_different_barriers(order):
    with pytest.raises(errors.BarrierError, match="waits at another one, in line"):
        simulate(two_barriers, 1, 64, X, X.copy(), order=order)


def barrier_and_shuffle(x, y):
    if cuda.threadIdx.x < 8:
        cuda.syncthreads()   # here
    else:
        cuda.syncwarp()   # there


def test_some_wait_for_the_block_and_some_for_the_warp():
    mistake(barrier_and_shuffle, errors.BarrierError, "waits for lanes of its warp")


def not_in_the_mask(x, y):
    y[cuda.threadIdx.x] = cuda.shfl_sync(0xff, x[cuda.threadIdx.x], 0)   # here


def not_all_of_the_mask(x, y):
    if cuda.threadIdx.x < 8:
        y[cuda.threadIdx.x] = cuda.shfl_sync(0xffff, x[cuda.threadIdx.x], 0)   # here
    else:
        cuda.syncthreads()


def different_operations(x, y):
    if cuda.threadIdx.x < 8:
        cuda.any_sync(0xffffffff, True)
    else:
        cuda.all_sync(0xffffffff, True)


def test_masks():
    mistake(not_in_the_mask, errors.BarrierError, "shfl_sync with the mask 0xff, which does not name its own lane", block=32)
    with pytest.raises(errors.BarrierError):
        simulate(not_all_of_the_mask, 1, 32, X, X.copy())
    with pytest.raises(errors.BarrierError, match="takes part in a.._sync, while lane"):
        simulate(different_operations, 1, 32, X, X.copy())


def from_nowhere(x, y):
    t = cuda.threadIdx.x
    y[t] = cuda.shfl_down_sync(0xffffffff, x[t], 8)   # here


def test_a_shuffle_from_a_lane_that_is_not_there():
    mistake(from_nowhere, errors.Uninitialised, "shuffle", "which took no part in it", block=24)


def unwritten_shared(x, y):
    tile = cuda.shared.array((4, 16), float32)
    y[cuda.threadIdx.x] = tile[3, cuda.threadIdx.x]   # here


def unwritten_local(x, y):
    sums = cuda.local.array(4, float32)
    for i in range(4):
        sums[i] += x[i]   # here
    y[0] = sums[0]


def unwritten_integers(x, y):
    counts = cuda.local.array((2, 2), int32)
    counts[0, 0] = 1
    y[0] = counts[0, 0] + counts[0, 1]   # here


@pytest.mark.parametrize("kernel, word", [(unwritten_shared, "reads tile[3, 0]"), (unwritten_local, "reads sums[0]"),
                                          (unwritten_integers, "reads counts[0, 1]")])
def test_reads_of_what_nobody_wrote(kernel, word):
    mistake(kernel, errors.Uninitialised, word, "has not written" if "tile" not in word else "nobody has written", block=1)


def too_far(x, y):
    i = cuda.grid(1)
    y[i] = x[i + 1]   # here


def before_the_first(x, y):
    i = cuda.grid(1)
    y[i - 1] = x[i]   # here


def beyond_a_row(x, y):
    tile = cuda.shared.array((2, 3), float32)
    tile[0, 3] = x[0]   # here


def beyond_local(x, y):
    sums = cuda.local.array(4, float32)
    for i in range(5):
        sums[i] = 0   # here


def negative_local(x, y):
    sums = cuda.local.array(4, float32)
    for i in range(4):
        sums[i] = 0
    y[0] = sums[-1]   # here


def half_an_index(x, y):
    y[0] = x[3 / 2]   # here


def too_many_axes(x, y):
    y[0, 1] = x[0]   # here


def negative_slice(x, y):
    part = x[-3:5]   # here
    y[0] = part[0]


@pytest.mark.parametrize("kernel, word", [
    (too_far, "reads x[64], but the shape of x is (64,)"), (before_the_first, "writes y[-1], but the shape of y is (64,)"),
    (beyond_a_row, "writes tile[0, 3], but the shape of tile is (2, 3)"), (beyond_local, "writes sums[4], but the shape of sums is (4,)"),
    (negative_local, "reads sums[-1]"), (half_an_index, "reads x[1.5], and an index is a whole number"),
    (too_many_axes, "y[0, 1], but y has 1 axes"), (negative_slice, "x[-3:5], a slice with a negative end")])
def test_indices(kernel, word):
    mistake(kernel, errors.OutOfRange, word)


def odd_load(x, y):
    a, b, c, d = load4(x, 4 * cuda.threadIdx.x + 1)   # here


def odd_store(x, y):
    tile = cuda.shared.array(8, float32)
    store4(tile, 4, x[0], x[1], x[2], x[3])   # here


def odd_copy(x, y):
    tile = cuda.shared.array(8, float32, alignment=16)
    copy_async(tile, 0, x, 2, 16)   # here


def test_alignment():
    mistake(odd_load, errors.Misaligned, "16 bytes", "x[1]", block=1)
    mistake(odd_store, errors.Misaligned, "tile[4]", "alignment=16", block=1)
    mistake(odd_copy, errors.Misaligned, "x[2]", block=1)


def vector_beyond_the_end(x, y):
    a, b, c, d = load4(x, 60)   # here


def test_a_vector_that_ends_outside():
    mistake(vector_beyond_the_end, errors.OutOfRange, "moves 4 numbers", "x[60]", block=1, arrays=[X[:62].copy(), X.copy()])


def no_wait(x, y):
    tile = cuda.shared.array(4, float32, alignment=16)
    copy_async(tile, 0, x, 0, 16)
    copy_commit()
    y[0] = tile[2]   # here


def no_commit(x, y):
    tile = cuda.shared.array(4, float32, alignment=16)
    copy_async(tile, 0, x, 0, 16)
    copy_wait_all()
    y[0] = tile[2]   # here


def no_barrier_after_the_wait(x, y):
    tile = cuda.shared.array(64, float32, alignment=16)
    t = cuda.threadIdx.x
    copy_async(tile, 4 * t, x, 4 * t, 16)
    copy_commit()
    copy_wait_all()
    y[t] = tile[(4 * t + 4) % 64]


def test_asynchronous_copies():
    mistake(no_wait, errors.NotArrived, "tile[2]", "copy_async", block=1)
    mistake(no_commit, errors.NotArrived, "tile[2]", block=1)
    for order in ORDERS:
        with pytest.raises((errors.DataRace, errors.NotArrived), match="tile"):
            simulate(no_barrier_after_the_wait, 1, 16, X, X.copy(), order=order)


def dynamic(x, y):
    tile = cuda.shared.array(0, float32)
    tile[cuda.threadIdx.x] = x[0]   # here


def large_static(x, y):
    tile = cuda.shared.array((128, 97), float32)   # here
    tile[0, 0] = x[0]


def test_shared_memory_that_is_not_there():
    mistake(dynamic, errors.OutOfRange, "tile[8]", shared=32)
    mistake(large_static, errors.LaunchError, "49664 bytes", "49152")


def test_launches():
    mistake(too_far, errors.LaunchError, "at most 1024", block=1025)
    mistake(too_far, errors.LaunchError, "at most 1024", block=(2, 2, 65))
    mistake(too_far, errors.LaunchError, "at most", grid=(1, 65536))
    mistake(too_far, errors.LaunchError, "3 arguments", arrays=[X.copy(), X.copy(), X.copy()])
    mistake(too_far, errors.LaunchError, "shared memory", shared=1 << 20)
    with pytest.raises(errors.LaunchError, match="numpy.ndarray"):
        simulate(too_far, 1, 1, 1.0, 2.0)


def nothing(x, y):
    y[0] = None   # here


def not_a_number_to_integer(x, y):
    counts = cuda.shared.array(4, int32)
    counts[0] = x[0] / float32(0)   # here


def nobody_divides_by_zero(x, y):
    y[0] = 1 // (x.size - 64)   # here


def test_values():
    mistake(nothing, errors.WrongValue, "None")
    mistake(not_a_number_to_integer, errors.WrongValue, "nan", "int32")
    mistake(nobody_divides_by_zero, errors.WrongValue, "divides an integer by zero")


def unknown(x, y):
    y[0] = cuda.activemask()   # here


def misspelt(x, y):
    cuda.synchthreads()   # here


def test_what_is_not_simulated():
    mistake(unknown, errors.NotSimulated, "activemask")
    mistake(misspelt, errors.NotSimulated, "cuda.synchthreads")


@cuda.jit(device=True)
def deeper(values, i):
    return values[i + 64]


def calls(x, y):
    y[0] = deeper(x, cuda.threadIdx.x)


def test_the_line_is_that_of_the_function_called():
    with pytest.raises(errors.OutOfRange, match=r"reads x\[64\]") as caught:
        simulate(calls, 1, 1, X, X.copy())
    assert caught.value.line == inspect.getsourcelines(deeper.py_func)[1] + 2
    assert "return values[i + 64]" in str(caught.value)


def test_the_error_has_no_traceback_of_ours():
    with pytest.raises(errors.OutOfRange) as caught:
        simulate(too_far, 1, 64, X, X.copy())
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    assert len(caught.traceback) <= 8
