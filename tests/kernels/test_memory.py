import gc
import threading

import numpy as np
import pytest

from kernels.cpu import memory
from kernels.cpu.memory import Pool

LARGE = 100_000   # numbers


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("shape, dtype", [
    ((3, 5), np.float32), ((LARGE,), np.float64), ((10, 10, 1000), np.uint8), ((0, LARGE), np.float32),
])
def test_arrays_are_as_numpy_makes_them(shape, dtype):
    array = Pool().empty(shape, dtype)
    assert array.shape == shape and array.dtype == dtype
    assert array.flags.c_contiguous and array.flags.writeable and array.flags.aligned
    array[...] = 7
    assert (array == 7).all()


def test_small_arrays_are_left_to_numpy():
    pool = Pool()
    small, large = pool.empty((100,)), pool.empty((LARGE,))
    assert small.base is None and large.base is not None and pool.used >= large.nbytes


def test_large_arrays_begin_at_a_cache_line():
    pool = Pool()
    arrays = [pool.empty((LARGE + i,)) for i in range(20)]
    assert all(address(array) % 64 == 0 for array in arrays)


def test_arrays_in_use_do_not_overlap():
    pool = Pool()
    arrays = [pool.empty((LARGE + 1000 * i,)) for i in range(20)]
    for number, array in enumerate(arrays):
        array[...] = number
    assert all((array == number).all() for number, array in enumerate(arrays))


def test_memory_is_used_again():
    pool = Pool()
    first = pool.empty((LARGE,))
    place = address(first)
    del first
    assert address(pool.empty((100, LARGE // 100))) == place
    assert address(pool.empty((LARGE - 10,))) == place   # a size nearly as large shares the block
    assert pool.used == 0 and pool.idle == pool.peak


def test_views_keep_their_block():
    pool = Pool()
    array = pool.empty((LARGE,))
    view, place = array[10:20].reshape(2, 5), address(array)
    del array
    other = pool.empty((LARGE,))
    assert address(other) != place and pool.idle == 0
    del view
    assert address(pool.empty((LARGE,))) == place


def test_cycles_are_no_leak():
    pool = Pool()
    array = pool.empty((LARGE,))
    cycle = [array]
    cycle.append(cycle)
    del array, cycle
    gc.collect()
    assert pool.used == 0 and pool.idle > 0


def test_idle_memory_is_bounded_when_sizes_change(monkeypatch):
    monkeypatch.setattr(memory, "_HARMLESS", 0)
    pool = Pool()
    for size in range(LARGE, 30 * LARGE, LARGE // 2):
        pool.empty((size,))
        assert pool.used + pool.idle <= 2 * pool.peak
    assert pool.idle == sum(size * len(blocks) for size, blocks in pool._idle_blocks.items())


def test_release_hands_idle_memory_back_and_leaves_what_is_in_use():
    pool = Pool()
    kept, dropped = pool.empty((LARGE,)), pool.empty((2 * LARGE,))
    kept[...] = 5
    del dropped
    pool.release()
    assert pool.idle == 0 and pool.peak == pool.used > 0
    assert (kept == 5).all()
    place = address(kept)
    del kept
    assert address(pool.empty((LARGE,))) == place


def test_threads_share_a_pool():
    pool, wrong = Pool(), []

    def work(number):
        for turn in range(200):
            array = pool.empty((LARGE // 10 + 1000 * (turn % 3),), np.int64)
            array[...] = number
            if not (array == number).all():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and pool.used == 0
