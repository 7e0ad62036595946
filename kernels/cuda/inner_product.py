"""The inner product of a register tile (tile.py): all that a thread does with the numbers of a slice, as one instruction.

As Python source, the 64 multiply-adds of each step would take Numba half a minute to translate.
"""
import functools
import typing

from llvmlite import ir
from numba import types
from numba.cuda.extending import intrinsic

from .intrinsics import FLOAT, INT32, assemble

SIZE = 8   # rows and columns of a thread, in two fours each


class Share(typing.NamedTuple):
    """Which part of a tile is a thread's."""

    row_gap: int         # between its fours
    column_gap: int
    left_length: int     # of a row of shared memory, which holds a step of k
    right_length: int
    steps: int           # of a slice

    def fours(self, step):
        """Pairs (left or right?, how far from the thread's first number), in order: the two of a, the two of b."""
        return ([(0, step * self.left_length + gap) for gap in (0, self.row_gap)]
                + [(1, step * self.right_length + gap) for gap in (0, self.column_gap)])


@functools.cache
def inner_product(share):
    """The instruction multiply(sums, left_tile, left, right_tile, right): sums[i, j] += sum over the steps k of a slice of a[i] b[j].

    a, b          8 numbers each of left_tile and right_tile, in shared memory: load by load 16 bytes, a step before they are needed
    left, right   the addresses (intrinsics.shared_address) of the first of them in this slice
    sums          a local array; as all places in it are constant, it becomes 64 registers
    """
    @intrinsic
    def multiply(typing_context, sums, left_tile, left, right_tile, right):
        def generate(context, builder, signature, arguments):
            def load(step):
                numbers = []
                for side, offset in share.fours(step):
                    four = assemble(builder, f"ld.shared.v4.f32 {{$0, $1, $2, $3}}, [$4+{4 * offset}];", "=f,=f,=f,=f,r,~{memory}",
                                    ir.LiteralStructType([FLOAT] * 4), [(arguments[2], arguments[4])[side]])
                    numbers += [builder.extract_value(four, number) for number in range(4)]
                return numbers

            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            places = [builder.gep(data, [INT32(number)]) for number in range(SIZE * SIZE)]
            totals, following = [builder.load(place) for place in places], load(0)
            for step in range(1, share.steps + 1):
                a, b = following[:SIZE], following[SIZE:]
                if step < share.steps:
                    following = load(step)
                totals = [builder.fma(a[number // SIZE], b[number % SIZE], total) for number, total in enumerate(totals)]
            for place, total in zip(places, totals):
                builder.store(total, place)
            return context.get_dummy_value()
        return types.void(sums, left_tile, types.uint32, right_tile, types.uint32), generate

    SHARES[multiply] = share
    return multiply


SHARES = {}   # instruction -> Share
