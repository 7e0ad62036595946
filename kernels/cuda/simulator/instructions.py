"""What the instructions of intrinsics.py do, in Python: MEANING[instruction](block, *operands)."""
import numpy as np

from .. import intrinsics
from . import addresses

MEANING = {}


def means(instruction):
    def register(function):
        MEANING[instruction] = function
        return function
    return register


@means(intrinsics.load4)
def _load4(block, array, index):
    return tuple(array.read_vector(array.aligned(index, 4), 4))


@means(intrinsics.store4)
def _store4(block, array, index, *values):
    place = array.aligned(index, 4)
    for number, value in enumerate(values):
        array.write(place + number, value)


@means(intrinsics.load_at)
def _load_at(block, address):
    return addresses.load(address, 1)[0]


@means(intrinsics.store_at)
def _store_at(block, address, value):
    addresses.store(block.launch, address, [value])


@means(intrinsics.load4_at)
def _load4_at(block, address):
    return tuple(addresses.load(address, 4))


@means(intrinsics.store4_at)
def _store4_at(block, address, *values):
    addresses.store(block.launch, address, values)


@means(intrinsics.multiply)
def _multiply(block, sums, left, right, stage, first, steps, row, lower_row, column, far_column):
    def eight(array, k, places):
        return np.array([number for place in places for number in array.read_vector(array.aligned((stage, k, place), 4), 4)], np.float32)

    totals = np.array([[sums[i, j] for j in range(8)] for i in range(8)], np.float32)
    for k in range(int(first), int(first) + steps):
        totals += np.multiply.outer(eight(left, k, (row, lower_row)), eight(right, k, (column, far_column)))
    for index in np.ndindex(8, 8):
        sums[index] = totals[index]


@means(intrinsics.copy_async)
def _copy_async(block, shared, shared_index, array, index, size):
    target, values = shared.aligned(shared_index, 4), [np.float32(0)] * 4
    if size:
        source = array.aligned(index, 4, size // 4)
        values[:size // 4] = array.read_vector(source, size // 4)
    for number in range(4):
        shared.expect(target + number)
    block.running.copies.append((shared, target, values))


@means(intrinsics.copy_commit)
def _copy_commit(block):
    thread = block.running
    thread.groups.append(thread.copies)
    thread.copies = []


def _copy_wait(left):
    def wait(block):
        thread = block.running
        arrived = thread.groups[:max(0, len(thread.groups) - left)]
        del thread.groups[:len(arrived)]
        for group in arrived:
            for shared, target, values in group:
                for number, value in enumerate(values):
                    shared.arrive(target + number, value)
    return wait


MEANING[intrinsics.copy_wait_all], MEANING[intrinsics.copy_wait_but_1], MEANING[intrinsics.copy_wait_but_2] = map(_copy_wait, range(3))
