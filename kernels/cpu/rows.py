"""Loops over a row of memory, several registers at a time, for intrinsics; and the sum of a row.

Sums are kept in several registers, because an addition waits for the one before. Rows end in the middle of a register more often than
not (a plane of 7 x 7 takes three registers and a number), and masks cut them there. Numba's own loops would do the end number by
number.
"""
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .vector import INT64, Vectors, pointer

_REGISTERS = 4   # at once


@intrinsic
def sum_row(typing, x, start, count):
    """The sum of x[start:start + count]; x is flat."""
    signature = x.dtype(x, types.int64, types.int64)

    def generate(context, b, signature, arguments):
        x, start, count = arguments
        v = Vectors(context, b, signature.return_type)
        x, sums = pointer(context, b, signature.args[0], x, start), Sums(b, v)
        for j, register, mask in registers(b, v, count):
            sums.add(register, v.load(v.at(x, j), mask))
        return sums.total()

    return signature, generate


def registers(b, v, count):
    """Emits the two loops over a row of `count` numbers: yields (where a register begins, which of _REGISTERS it is, mask) inside them,
    for the code to be written there. The mask is None where the register is whole."""
    whole = b.sub(count, b.urem(count, INT64(_REGISTERS * v.lanes)))
    with cgutils.for_range_slice(b, INT64(0), whole, INT64(_REGISTERS * v.lanes)) as (j, _):
        for register in range(_REGISTERS):
            yield b.add(j, INT64(register * v.lanes)), register, None
    with cgutils.for_range_slice(b, whole, count, INT64(v.lanes)) as (j, _):
        yield j, 0, v.mask_below(b.sub(count, j))


class Sums:
    """Registers that sums are gathered in."""

    def __init__(self, b, v):
        self.b, self.v = b, v
        self.places = [cgutils.alloca_once_value(b, v.zero) for _ in range(_REGISTERS)]

    def add(self, register, value):
        place = self.places[register]
        self.b.store(self.b.fadd(self.b.load(place), value), place)

    def multiply_add(self, register, a, b):
        place = self.places[register]
        self.b.store(self.v.multiply_add(a, b, self.b.load(place)), place)

    def total(self):
        values = [self.b.load(place) for place in self.places]
        while len(values) > 1:
            values = [self.b.fadd(*pair) for pair in zip(values[::2], values[1::2])]
        return self.v.sum_lanes(values[0])
