"""Mistakes about memory and values: unwritten, outside, at odd addresses, not there."""
import inspect

import pytest
from numba import cuda, float32, int32

from kernels.cuda.intrinsics import copy_async, copy_commit, copy_wait_all, load4, store4
from kernels.cuda.simulator import errors, simulate
from tests.kernels.cuda.planted import ORDERS, X, mistake


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
