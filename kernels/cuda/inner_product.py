"""The inner product of a register tile (tile.py): what a thread does with the numbers of a slice, as three instructions.

    load(numbers, left_tile, left, right_tile, right)                   numbers = a and b of the first step of the slice
    multiply(sums, numbers, last, left_tile, left, right_tile, right)   sums += a b^T for all steps but the last, whose a and b go to `last`
    add(sums, last)                                                     sums += a b^T for that one

Between multiply and add the next slice can be put into place, and its first step loaded: then that is on its way during the last
multiply-adds, as each step is during those of the step before. Places are constants, so the local arrays become registers. As Python
source, 64 multiply-adds for each step would take Numba half a minute to translate.
"""
import functools
import typing

from llvmlite import ir
from numba import types
from numba.cuda.extending import intrinsic

from .intrinsics import FLOAT, INT32, assemble

COLUMNS = 8   # of a thread, in two fours


class Share(typing.NamedTuple):
    """Which part of a tile is a thread's."""

    rows: int            # in fours, row_gap apart
    row_gap: int
    column_gap: int
    left_length: int     # of a row of shared memory, which holds a step of k
    right_length: int
    steps: int           # of a slice

    def fours(self, step):
        """Pairs (left or right?, how far from the thread's first number), in order: first those of a, then those of b."""
        return ([(0, step * self.left_length + four * self.row_gap) for four in range(self.rows // 4)]
                + [(1, step * self.right_length + four * self.column_gap) for four in range(COLUMNS // 4)])


class _Writer:
    """Writes the instructions out, as LLVM has them."""

    def __init__(self, share, context, builder, kinds, arguments):
        self.share, self.builder = share, builder
        self.arrays = [context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else None
                       for kind, value in zip(kinds, arguments)]

    def read(self, place, count):
        return [self.builder.load(self.builder.gep(self.arrays[place], [INT32(number)])) for number in range(count)]

    def write(self, place, values):
        for number, value in enumerate(values):
            self.builder.store(value, self.builder.gep(self.arrays[place], [INT32(number)]))

    def load(self, addresses, step):
        numbers = []
        for side, offset in self.share.fours(step):
            four = assemble(self.builder, f"ld.shared.v4.f32 {{$0, $1, $2, $3}}, [$4+{4 * offset}];", "=f,=f,=f,=f,r,~{memory}",
                            ir.LiteralStructType([FLOAT] * 4), [addresses[side]])
            numbers += [self.builder.extract_value(four, number) for number in range(4)]
        return numbers

    def multiply(self, numbers, sums):
        a, b = numbers[:-COLUMNS], numbers[-COLUMNS:]
        return [self.builder.fma(a[number // COLUMNS], b[number % COLUMNS], total) for number, total in enumerate(sums)]


@functools.cache
def inner_product(share):
    """The instructions (load, multiply, add)."""
    products, numbers = share.rows * COLUMNS, share.rows + COLUMNS

    @intrinsic
    def load(typing_context, ahead, left_tile, left, right_tile, right):
        def generate(context, builder, signature, arguments):
            on = _Writer(share, context, builder, signature.args, arguments)
            on.write(0, on.load((arguments[2], arguments[4]), 0))
            return context.get_dummy_value()
        return types.void(ahead, left_tile, types.uint32, right_tile, types.uint32), generate

    @intrinsic
    def multiply(typing_context, sums, ahead, last, left_tile, left, right_tile, right):
        def generate(context, builder, signature, arguments):
            on = _Writer(share, context, builder, signature.args, arguments)
            totals, now = on.read(0, products), on.read(1, numbers)
            for step in range(1, share.steps):
                following = on.load((arguments[4], arguments[6]), step)
                totals, now = on.multiply(now, totals), following
            on.write(0, totals)
            on.write(2, now)
            return context.get_dummy_value()
        return types.void(sums, ahead, last, left_tile, types.uint32, right_tile, types.uint32), generate

    @intrinsic
    def add(typing_context, sums, last):
        def generate(context, builder, signature, arguments):
            on = _Writer(share, context, builder, signature.args, arguments)
            on.write(0, on.multiply(on.read(1, numbers), on.read(0, products)))
            return context.get_dummy_value()
        return types.void(sums, last), generate

    SHARES.update({load: ("load", share), multiply: ("multiply", share), add: ("add", share)})
    return load, multiply, add


SHARES = {}   # instruction -> (which of the three, Share)
