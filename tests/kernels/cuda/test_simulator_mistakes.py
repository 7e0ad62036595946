"""Mistakes of threads about each other: races, barriers, lanes."""
import inspect
import re

import numpy as np
import pytest
from numba import cuda, float32

from kernels.cuda.simulator import errors, simulate
from tests.kernels.cuda.planted import ORDERS, X, mistake


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
