"""Loops over a row of memory, several registers at a time, for intrinsics; the sum of a row, and the maximum of several.

Sums are kept in several registers, because an addition waits for the one before. Rows end in the middle of a register more often than
not (a plane of 7 x 7 takes three registers and a number), and masks cut them there. Numba's own loops would do the end number by
number.
"""
import math

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


@intrinsic
def max_of_rows(typing, x, plane, first, end, best, rows):
    """For every column of x[plane]: the maximum of rows first ... end - 1 to best, the number of its row to rows (int32)."""
    n = types.int64
    signature = types.void(x, n, n, n, best, rows)

    def generate(context, b, signature, arguments):
        v = Vectors(context, b, signature.args[4].dtype)
        x, best, rows = (context.make_array(signature.args[place])(context, b, arguments[place]) for place in (0, 4, 5))
        plane, first, end = arguments[1:4]
        _, height, width = cgutils.unpack_tuple(b, x.shape)
        places = v.numbers.type
        with cgutils.for_range_slice(b, INT64(0), width, INT64(v.lanes)) as (j, _):
            mask = v.mask_below(b.sub(width, j))
            largest = cgutils.alloca_once(b, v.type)
            where = cgutils.alloca_once(b, places)
            b.store(v.constant(-math.inf), largest)
            b.store(v.same(first), where)
            with cgutils.for_range_slice(b, first, end, INT64(1)) as (row, _):
                start = b.add(b.mul(b.add(b.mul(plane, height), row), width), j)
                numbers, before = v.load(v.at(x.data, start), mask), b.load(largest)
                greater = b.and_(b.fcmp_unordered(">", numbers, before), b.fcmp_ordered("ord", before, before))
                b.store(b.select(greater, numbers, before), largest)
                b.store(b.select(greater, v.same(row), b.load(where)), where)
            v.store(b.load(largest), v.at(best.data, j), mask)
            v.store_integers(b.load(where), v.at(rows.data, j), mask)
        return context.get_dummy_value()

    return signature, generate


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
