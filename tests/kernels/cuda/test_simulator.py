"""Kernels that are right run through the simulator without an alarm, in every order, and compute what they should."""
import inspect
import linecache
import random
import textwrap

import numpy as np
import pytest
from numba import cuda, float32, int32

from kernels.cuda.intrinsics import copy_async, copy_commit, copy_wait_all, copy_wait_but_1, load4, store4
from kernels.cuda.simulator import errors, simulate

ORDERS = [None, "reverse", random.Random(0), random.Random(1)]
FULL = 0xffffffff
X = np.arange(256, dtype=np.float32)
in_all_orders = pytest.mark.parametrize("order", ORDERS)


def tree(x, y):
    tile = cuda.shared.array(64, float32)
    t = cuda.threadIdx.x
    tile[t] = x[cuda.grid(1)]
    cuda.syncthreads()
    step = 32
    while step > 0:
        if t < step:
            tile[t] += tile[t + step]
        cuda.syncthreads()
        step //= 2
    if t == 0:
        y[cuda.blockIdx.x] = tile[0]


def warp_tree_in_shared_memory(x, y):
    tile = cuda.shared.array(64, float32)
    t = cuda.threadIdx.x
    lane, first = t % 32, t - t % 32
    tile[t] = x[cuda.grid(1)]
    cuda.syncwarp()
    for step in (16, 8, 4, 2, 1):
        other = tile[first + (lane + step) % 32]
        cuda.syncwarp()
        tile[t] += other
        cuda.syncwarp()
    cuda.syncthreads()
    if t == 0:
        y[cuda.blockIdx.x] = tile[0] + tile[32]


@cuda.jit(device=True)
def sum_of_warp(value):
    for step in (16, 8, 4, 2, 1):
        value += cuda.shfl_xor_sync(FULL, value, step)
    return value


def shuffles(x, y):
    parts = cuda.shared.array(2, float32)
    t = cuda.threadIdx.x
    value = sum_of_warp(x[cuda.grid(1)])
    if t % 32 == 0:
        parts[t // 32] = value
    cuda.syncthreads()
    if t == 0:
        y[cuda.blockIdx.x] = parts[0] + parts[1]


def atomics(x, y):
    total = cuda.shared.array(1, float32)
    t = cuda.threadIdx.x
    if t == 0:
        total[0] = 0
    cuda.syncthreads()
    cuda.atomic.add(total, 0, x[cuda.grid(1)])
    cuda.syncthreads()
    if t == 0:
        y[cuda.blockIdx.x] = total[0]


@pytest.mark.parametrize("function", [tree, warp_tree_in_shared_memory, shuffles, atomics])
@in_all_orders
def test_sums(function, order):
    y = np.zeros(4, np.float32)
    simulate(function, 4, 64, X, y, order=order)
    assert (y == X.reshape(4, 64).sum(axis=1)).all()


def last_block(x, parts, count, y):
    is_last = cuda.shared.array(1, int32)
    t, b = cuda.threadIdx.x, cuda.blockIdx.x
    if t == 0:
        total = float32(0)
        for i in range(64):
            total += x[64 * b + i]
        parts[b] = total
        cuda.threadfence()
        is_last[0] = cuda.atomic.add(count, 0, 1) == cuda.gridDim.x - 1
    cuda.syncthreads()
    if is_last[0] and t < 4:
        cuda.atomic.add(y, 0, parts[t])


def without_fence(x, parts, count, y):
    parts[cuda.blockIdx.x] = x[0]
    if cuda.atomic.add(count, 0, 1) == cuda.gridDim.x - 1:
        for i in range(4):
            y[i] = parts[i]


@in_all_orders
def test_the_last_block_finishes(order):
    parts, count, y = np.zeros(4, np.float32), np.zeros(1, np.int32), np.zeros(1, np.float32)
    simulate(last_block, 4, 32, X, parts, count, y, order=order)
    assert y[0] == X.sum() and count[0] == 4
    with pytest.raises(errors.DataRace, match="parts"):
        simulate(without_fence, 4, 1, X, parts, np.zeros(1, np.int32), np.zeros(4, np.float32), order=order)


def matmul(a, b, c):
    """Tiles of 8x8, double-buffered: the next tile is loaded while this one is used."""
    left = cuda.shared.array((2, 8, 9), float32)
    right = cuda.shared.array((2, 8, 8), float32)
    i, j = cuda.threadIdx.y, cuda.threadIdx.x
    row, column = 8 * cuda.blockIdx.y + i, 8 * cuda.blockIdx.x + j
    left[0, i, j] = a[row, j]
    right[0, i, j] = b[i, column]
    cuda.syncthreads()
    total, now = float32(0), 0
    for first in range(0, a.shape[1], 8):
        if first + 8 < a.shape[1]:
            left[1 - now, i, j] = a[row, first + 8 + j]
            right[1 - now, i, j] = b[first + 8 + i, column]
        for k in range(8):
            total += left[now, i, k] * right[now, k, j]
        cuda.syncthreads()
        now = 1 - now
    c[row, column] = total


def matrices():
    generator = np.random.default_rng(0)
    a, b = (generator.integers(-4, 5, shape).astype(np.float32) for shape in [(16, 24), (24, 16)])
    return a, b, np.zeros((16, 16), np.float32)


@in_all_orders
def test_double_buffering(order):
    a, b, c = matrices()
    simulate(matmul, (2, 2), (8, 8), a, b, c, order=order)
    assert (c == a @ b).all()


MUTATIONS = [
    ("    cuda.syncthreads()\n    total", "    total", errors.DataRace),
    ("        cuda.syncthreads()\n        now", "        now", errors.DataRace),
    ("        now = 1 - now\n", "", "wrong"),
    ("right[1 - now, i, j] =", "right[now, i, j] =", errors.DataRace),
    ("right[0, i, j] =", "right[0, i, 0] =", errors.DataRace),
    ("a[row, first + 8 + j]", "a[row, first + 9 + j]", errors.OutOfRange),
    ("b[first + 8 + i, column]", "b[first + 16 + i, column]", errors.OutOfRange),
    ("(2, 8, 9)", "(2, 9, 8)", "right"),
    ("(2, 8, 9)", "(2, 8, 7)", errors.OutOfRange),
    ("left[now, i, k]", "left[now, i - 1, k]", errors.OutOfRange),
    ("if first + 8 < a.shape[1]", "if first < a.shape[1]", errors.OutOfRange),
    ("        cuda.syncthreads()\n        now", "        if i < 4:\n            cuda.syncthreads()\n        now",
     (errors.BarrierError, errors.DataRace)),
    ("total += left", "if i == 0:\n                return\n            total += left", errors.BarrierError),
    ("left[0, i, j] = a[row, j]", "left[0, i, j] = a[row, j] if j > 0 else left[1, i, j]", errors.Uninitialised),
    ("c[row, column]", "c[row, i]", errors.DataRace),
]


@pytest.mark.parametrize("old, new, kind", MUTATIONS)
@in_all_orders
def test_mutations_of_it_are_caught(old, new, kind, order):
    source = textwrap.dedent(inspect.getsource(matmul))
    assert old in source
    name = f"<{old} -> {new}>"
    changed = source.replace(old, new)
    linecache.cache[name] = len(changed), None, changed.splitlines(True), name
    scope = dict(globals())
    exec(compile(changed, name, "exec"), scope)
    a, b, c = matrices()
    if kind in ("right", "wrong"):
        simulate(scope["matmul"], (2, 2), (8, 8), a, b, c, order=order)
        assert (c == a @ b).all() == (kind == "right")
        return
    with pytest.raises(kind) as caught:
        simulate(scope["matmul"], (2, 2), (8, 8), a, b, c, order=order)
    assert caught.value.file == name and changed.splitlines()[caught.value.line - 1].strip() in str(caught.value)


def pipeline(x, y):
    """Three stages of asynchronous copies; a warp that goes ahead may not overwrite what another still reads."""
    stages = cuda.shared.array((3, 128), float32, alignment=16)
    t, steps = cuda.threadIdx.x, x.shape[0]
    for stage in range(2):
        copy_async(stages, (stage, 4 * t), x, (stage, 4 * t), 16)
        copy_commit()
    total = float32(0)
    for step in range(steps):
        copy_wait_but_1()
        cuda.syncthreads()
        if step + 2 < steps:
            copy_async(stages, ((step + 2) % 3, 4 * t), x, (step + 2, 4 * t), 16)
        copy_commit()
        for place in range(4):
            total += stages[step % 3, (4 * t + 4 + place) % 128]
    copy_wait_all()
    y[t] = total


@in_all_orders
def test_asynchronous_copies(order):
    x, y = np.arange(6 * 128, dtype=np.float32).reshape(6, 128), np.zeros(32, np.float32)
    simulate(pipeline, 1, 32, x, y, order=order)
    assert (y == np.roll(x.reshape(6, 32, 4).sum(axis=(0, 2)), -1)).all()


def vectors(x, y):
    tile = cuda.shared.array(64, float32, alignment=16)
    t = cuda.threadIdx.x
    a, b, c, d = load4(x, 4 * t)
    store4(tile, 4 * t, d, c, b, a)
    cuda.syncthreads()
    a, b, c, d = load4(tile, 60 - 4 * t)
    store4(y, 4 * t, a, b, c, d)


@in_all_orders
def test_vectors(order):
    y = np.zeros(64, np.float32)
    simulate(vectors, 1, 16, X[:64].copy(), y, order=order)
    assert (y == X[:64][::-1]).all()


def half_warps(x, y):
    t = cuda.threadIdx.x
    mask = 0xffff if t < 16 else 0xffff0000
    if t < 16:
        y[t] = cuda.shfl_sync(mask, x[t], 3)
    else:
        y[t] = cuda.shfl_sync(mask, x[t], 20)


def eighths(x, y):
    t = cuda.threadIdx.x
    y[t] = cuda.shfl_down_sync(FULL, x[t], 2, 4) + 100 * cuda.shfl_up_sync(FULL, x[t], 1, 4) + 10000 * cuda.shfl_sync(FULL, x[t], 1, 4)


def votes(x, y):
    t = cuda.threadIdx.x
    y[t, 0] = cuda.ballot_sync(FULL, t % 3 == 0)
    y[t, 1] = cuda.any_sync(FULL, t == 5) + 2 * cuda.all_sync(FULL, t < 31) + 4 * cuda.all_sync(FULL, t < 32)
    y[t, 2] = cuda.match_any_sync(FULL, t % 4)
    y[t, 3] = cuda.syncthreads_count(t < 7) + 100 * cuda.syncthreads_and(t < 7) + 1000 * cuda.syncthreads_or(t < 7)


@in_all_orders
def test_lanes(order):
    lanes, y = np.arange(32), np.zeros(32, np.float32)
    simulate(half_warps, 1, 32, X, y, order=order)
    assert (y == np.where(lanes < 16, 3, 20)).all()
    simulate(eighths, 1, 32, X, y, order=order)
    first = lanes - lanes % 4
    assert (y == np.where(lanes % 4 < 2, lanes + 2, lanes) + 100 * np.maximum(lanes - 1, first) + 10000 * (first + 1)).all()
    found = np.zeros((32, 4), np.int64)
    simulate(votes, 1, 32, X, found, order=order)
    assert (found[:, 0] == sum(1 << lane for lane in range(0, 32, 3))).all() and (found[:, 1] == 5).all() and (found[:, 3] == 1007).all()
    assert (found[:, 2] == [0x11111111 << lane % 4 for lane in lanes]).all()


def garbage_that_is_not_used(x, y):
    """In a block of 24 threads lanes 16 and on add what is not there; lane 0 does not see it."""
    value = x[cuda.threadIdx.x]
    for step in (16, 8, 4, 2, 1):
        value += cuda.shfl_down_sync(FULL, value, step)
    y[0] = 1


def one_writes_the_same(x, y):
    found = cuda.shared.array(1, int32)
    if cuda.threadIdx.x == 0:
        found[0] = 0
    cuda.syncthreads()
    if x[cuda.grid(1)] > 3:
        found[0] = 1   # by many threads
    cuda.syncthreads()
    if found[0]:
        y[0] = 7       # by many blocks


@in_all_orders
def test_what_does_no_harm(order):
    y = np.zeros(1, np.float32)
    simulate(garbage_that_is_not_used, 1, 24, X, y, order=order)
    simulate(one_writes_the_same, 4, 64, X, y, order=order)
    assert y[0] == 7


def through_global_memory(x, y):
    t = cuda.threadIdx.x
    y[t] = x[t]
    cuda.syncthreads()
    value = y[63 - t]
    cuda.syncthreads()
    y[t] = value + 1


@in_all_orders
def test_barriers_order_global_memory(order):
    y = np.zeros(64, np.float32)
    simulate(through_global_memory, 1, 64, X, y, order=order)
    assert (y == X[:64][::-1] + 1).all()


def views(x, y):
    t = cuda.threadIdx.x
    row, numbers = x[t], cuda.shared.array(0, float32)
    whole = cuda.shared.array(0, int32)[4:]
    numbers[t] = row[1]
    whole[t] = int32(row[2])
    cuda.syncthreads()
    part = y[t, 1:3]
    part[0], part[1] = numbers[3 - t], whole[3 - t]


def test_parts_of_arrays_and_of_dynamic_shared_memory():
    x, y = np.arange(16, dtype=np.float32).reshape(4, 4), np.zeros((4, 4), np.float32)
    simulate(views, 1, 4, x, y, shared=32)
    assert (y[:, 1:3] == x[::-1, 1:3]).all() and not y[:, [0, 3]].any()
