"""What the instructions of intrinsics.py do, in Python: MEANING[instruction](block, *operands)."""
import functools

import numpy as np

from .. import inner_product, intrinsics
from . import addresses
from .errors import NotArrived, NotSimulated
from .races import WARP

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


def _inner_product(share, block, sums, left_tile, left, right_tile, right):
    def numbers(step):
        found = []
        for side, offset in share.fours(step):
            array, start = ((left_tile, left), (right_tile, right))[side]
            found += array.read_vector(array.aligned(np.unravel_index(int(start) // 4 + offset, array.shape), 4), 4)
        return np.array(found, np.float32).reshape(2, -1)

    totals = np.array([[sums[i, j] for j in range(8)] for i in range(8)], np.float32)
    for step in range(share.steps):
        totals += np.multiply.outer(*numbers(step))
    for index in np.ndindex(8, 8):
        sums[index] = totals[index]


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
        thread.published = thread.published and not any(arrived)
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


@means(intrinsics.publish_to_warpgroups)
def _publish(block):
    block.running.published = True


@means(intrinsics.round_to_tf32)
def _round_to_tf32(block, number):
    return _tf32(np.float32(number).view(np.uint32)).view(np.float32)


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

    def word(self, number):
        return np.float32(number).view(np.uint32)

    def number(self, word):
        return word.view(np.float32)

    def store(self, place, offset, value):
        self.shared[int(place) + offset] = value

    def to_tf32(self, word):
        return _tf32(word)

    def to_bfloat16(self, low, high):
        return np.uint32(_bfloat16(int(high)) << 16 | _bfloat16(int(low)))

    def multiply_tf32(self, a, b):
        self._multiply(a, b, lambda words: [words & 0xffffe000])

    def multiply_bfloat16(self, a, b):
        self._multiply(a, b, lambda words: [words << 16, words & 0xffff0000])

    def multiply_warpgroup(self, a, place, columns):
        """The products are computed when somebody waits for them; until then the sums are not there."""
        thread = self.block.running
        if not thread.published:
            raise NotArrived("begins a product of its warpgroup, which may not see yet what copies have brought: publish_to_warpgroups "
                             "has to come after copy_wait and before the barrier")
        if thread.products:
            raise NotSimulated("begins a second product of its warpgroup before it has waited for the first")
        thread.products = [(np.array(a, np.uint32), int(place), [self.sums[number] for number in range(columns // 2)])]
        for number in range(columns // 2):
            self.sums[number] = np.float32(np.nan)

    def wait_warpgroup(self, columns):
        """A warp computes its 16 rows; each of its lanes reads its part of the other matrix."""
        thread = self.block.running
        for a, place, sums in thread.products:
            size = 4 * columns // WARP
            words = [self.shared.read_vector(self.shared.aligned(place + four * 4 * columns + thread.lane * size, 4), size)
                     for four in range(2 * len(a))]
            everyone = self.block.exchange((a, words, sums), kind="wgmma")
            if "product" not in everyone:
                a, words, sums = (np.array(part) for part in zip(*[everyone[lane] for lane in range(WARP)]))
                # from lane (row, column), step, half of the depth, upper or lower to upper or lower, row; step, half, column
                left = a.reshape(8, 4, -1, 2, 2).transpose(4, 0, 2, 3, 1).reshape(16, -1)
                right = words.astype(np.float32).transpose(1, 0, 2).reshape(-1, columns, 4).transpose(0, 2, 1).reshape(-1, columns)
                right = right.view(np.uint32)
                sums = sums.astype(np.float32).reshape(8, 4, -1, 2, 2).transpose(3, 0, 2, 1, 4).reshape(16, columns)
                product = sums + (left & 0xffffe000).view(np.float32) @ (right & 0xffffe000).view(np.float32)
                everyone["product"] = product.reshape(2, 8, -1, 4, 2).transpose(1, 3, 2, 0, 4).reshape(WARP, -1)
            for number, value in enumerate(everyone["product"][thread.lane]):
                self.sums[number] = value
        thread.products = []

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


def _tf32(word):
    bits = int(word)
    return np.uint32(bits if bits & 0x7f800000 == 0x7f800000 else bits + 0x1000 & 0xffffe000)


def _bfloat16(bits):
    not_a_number = bits & 0x7fffffff > 0x7f800000
    return 0x7fff if not_a_number else bits + 0x7fff + (bits >> 16 & 1) >> 16


def _written_out(steps):
    return lambda block, sums, shared, *places: steps(Computer(block, sums, shared), *places)


def meaning(instruction):
    """MEANING of an instruction, or None for what is none; those that are `written_out` mean what their steps compute,
    that of an inner product is told by its share."""
    if instruction in intrinsics.WRITTEN_OUT:
        return _written_out(intrinsics.WRITTEN_OUT[instruction])
    if instruction in inner_product.SHARES:
        return functools.partial(_inner_product, inner_product.SHARES[instruction])
    return MEANING.get(instruction)
