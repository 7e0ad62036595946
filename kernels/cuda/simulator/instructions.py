"""What the instructions of intrinsics.py do, in Python: MEANING[instruction](block, *operands)."""
import functools

import numpy as np

from .. import inner_product, intrinsics
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


@means(intrinsics.keep)
def _keep(block, value):
    return value


@means(intrinsics.reciprocal_root)
def _reciprocal_root(block, value):
    return np.float32(1) / np.sqrt(np.float32(value))


@means(intrinsics.shared_address)
def _shared_address(block, array, index):
    """Its number of bytes from the beginning of the array: instructions that take it are given the array, too."""
    return np.uint32(4 * (array.place(index) - array.offset))


def _eight_or_more(share, step, arrays, addresses):
    numbers = []
    for side, offset in share.fours(step):
        array, place = arrays[side], int(addresses[side]) // 4 + offset
        numbers += array.read_vector(array.aligned(np.unravel_index(place, array.shape), 4), 4)
    return np.array(numbers, np.float32)


def _load(share, block, ahead, left_tile, left, right_tile, right):
    _write(ahead, _eight_or_more(share, 0, (left_tile, right_tile), (left, right)))


def _multiply(share, block, sums, ahead, last, left_tile, left, right_tile, right):
    totals, now = _read(sums), _read(ahead)
    for step in range(1, share.steps):
        totals += np.multiply.outer(now[:share.rows], now[share.rows:])
        now = _eight_or_more(share, step, (left_tile, right_tile), (left, right))
    _write(sums, totals)
    _write(last, now)


def _add(share, block, sums, last):
    now = _read(last)
    _write(sums, _read(sums) + np.multiply.outer(now[:share.rows], now[share.rows:]))


def _indices(array):
    return range(array.shape[0]) if array.ndim == 1 else np.ndindex(array.shape)


def _read(array):
    return np.array([array[index] for index in _indices(array)], np.float32).reshape(array.shape)


def _write(array, values):
    for index in _indices(array):
        array[index] = values[index]


_INNER_PRODUCT = {"load": _load, "multiply": _multiply, "add": _add}


@means(intrinsics.copy_async)
def _copy_async(block, shared, shared_index, array, index, size):
    _copy(block, shared, shared_index, array, index, 4, size // 4)


def _copy(block, shared, shared_index, array, index, count, present):
    """Of `count` numbers the first ones; zeros for the others."""
    target, values = shared.aligned(shared_index, count), [np.float32(0)] * count
    if present:
        source = array.aligned(index, count, present)
        values[:present] = array.read_vector(source, present)
    for number in range(count):
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


def _copy_one_or_four(count):
    def copy(block, shared, shared_index, array, index, present):
        _copy(block, shared, shared_index, array, index, count, count if present else 0)
    return copy


MEANING[intrinsics.copy_async_one], MEANING[intrinsics.copy_async_four] = map(_copy_one_or_four, (1, 4))


class Computer:
    """As intrinsics.Writer, but does what that writes; words are numpy.uint32."""

    def __init__(self, block, sums, shared):
        self.block, self.sums, self.shared = block, sums, shared

    def zero(self):
        return np.float32(0)

    def load_matrices(self, place, flip, offset):
        starts, lane = self.block.exchange(self.shared.aligned((int(place) ^ flip) + offset, 4), kind="ldmatrix"), self.block.running.lane
        return [self.shared.read(starts[8 * matrix + lane // 4] + lane % 4).view(np.uint32) for matrix in range(4)]

    def load(self, place, offset):
        return self.shared[int(place) + offset].view(np.uint32)

    def store_pair(self, place, offset, first, second):
        start = self.shared.aligned(int(place) + offset, 2)
        self.shared.write(start, first)
        self.shared.write(start + 1, second)

    def to_tf32(self, word):
        bits = int(word)
        return np.uint32(bits if bits & 0x7f800000 == 0x7f800000 else bits + 0x1000 & 0xffffe000)

    def to_bfloat16(self, low, high):
        return np.uint32(_bfloat16(int(high)) << 16 | _bfloat16(int(low)))

    def multiply_tf32(self, a, b):
        self._multiply(a, b, lambda words: [words & 0xffffe000])

    def multiply_bfloat16(self, a, b):
        self._multiply(a, b, lambda words: [words << 16, words & 0xffff0000])

    def _multiply(self, a, b, numbers):
        """As the registers of a warp hold them; `numbers` are those in a word, as the bits of floats."""
        rows, columns = len(a), len(b)
        mine = [self.sums[number] for number in range(4 * rows * columns)]
        everyone = self.block.exchange((a, b, mine), kind="mma")
        if "product" not in everyone:
            a, b, sums = zip(*[everyone[lane] for lane in range(32)])
            # from lane (row, column), tile, word (half of the depth, upper or lower)
            # to tile, upper or lower, row; half of the depth, column, number in the word
            left = np.stack(numbers(np.array(a, np.uint32).reshape(8, 4, rows, 2, 2)), -1).transpose(2, 4, 0, 3, 1, 5)
            right = np.stack(numbers(np.array(b, np.uint32).reshape(8, 4, columns, 2)), -1).transpose(3, 1, 4, 2, 0)
            depth = 8 * left.shape[-1]
            sums = np.array(sums, np.float32).reshape(8, 4, rows, columns, 2, 2).transpose(2, 4, 0, 3, 1, 5).reshape(16 * rows, 8 * columns)
            product = left.reshape(16 * rows, depth).view(np.float32) @ right.reshape(depth, 8 * columns).view(np.float32) + sums
            everyone["product"] = product.reshape(rows, 2, 8, columns, 4, 2).transpose(2, 4, 0, 3, 1, 5).reshape(32, -1)
        for number, value in enumerate(everyone["product"][self.block.running.lane]):
            self.sums[number] = value


def _bfloat16(bits):
    not_a_number = bits & 0x7fffffff > 0x7f800000
    return 0x7fff if not_a_number else bits + 0x7fff + (bits >> 16 & 1) >> 16


def _written_out(steps):
    return lambda block, sums, shared, *places: steps(Computer(block, sums, shared), *places)


def meaning(instruction):
    """MEANING of an instruction, or None for what is none; those that are `written_out` mean what their steps compute,
    those of an inner product that of their share."""
    if instruction in intrinsics.WRITTEN_OUT:
        return _written_out(intrinsics.WRITTEN_OUT[instruction])
    if instruction in inner_product.SHARES:
        which, share = inner_product.SHARES[instruction]
        return functools.partial(_INNER_PRODUCT[which], share)
    return MEANING.get(instruction)
