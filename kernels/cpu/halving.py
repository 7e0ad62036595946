"""Max pooling over windows of 2 x 2 side by side, a register of windows at a time.

Two rows of the image are dealt out to even and odd columns, which makes four registers, one for each place in the window; three
comparisons find the maximum and where it was. The rows of small images end in the middle of a register: masks cut them.
"""
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .vector import INT64, Vectors, pointer


@intrinsic
def halve_rows(typing, x, upper, lower, y, switches, target, count):
    """For j < count: the maximum of x[upper + 2j], x[upper + 2j + 1], x[lower + 2j], x[lower + 2j + 1] (the first NaN, if there is one)
    to y[target + j], and its number, 0 ... 3, to switches[target + j]. All arrays are flat."""
    n = types.int64
    signature = types.void(x, n, n, y, switches, n, n)

    def generate(context, b, signature, arguments):
        x, upper, lower, y, switches, target, count = arguments
        v = Vectors(context, b, signature.args[0].dtype)
        rows = [pointer(context, b, signature.args[0], x, row) for row in (upper, lower)]
        y = pointer(context, b, signature.args[3], y, target)
        switches = pointer(context, b, signature.args[4], switches, target)
        with cgutils.for_range_slice(b, INT64(0), count, INT64(v.lanes)) as (j, _):
            left = b.sub(count, j)
            masks = [v.mask_below(b.sub(b.mul(left, INT64(2)), INT64(half * v.lanes))) for half in range(2)]
            values = []
            for row in rows:
                first = b.mul(j, INT64(2))
                values += v.deal([v.load(v.at(row, b.add(first, INT64(half * v.lanes))), masks[half]) for half in range(2)])
            best = values[0]
            switch = v.bytes_of(0)
            for place, value in enumerate(values[1:], 1):
                greater = b.and_(b.fcmp_unordered(">", value, best), b.fcmp_ordered("ord", best, best))
                best = b.select(greater, value, best)
                switch = b.select(greater, v.bytes_of(place), switch)
            inside = v.mask_below(left)
            v.store(best, v.at(y, j), inside)
            v.store_integers(switch, v.at(switches, j), inside)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def unhalve_rows(typing, grad_y, switches, source, grad_x, upper, lower, count):
    """The way back: for j < count, grad_y[source + j] goes to the place in its window that switches[source + j] names, zero to others."""
    n = types.int64
    signature = types.void(grad_y, switches, n, grad_x, n, n, n)

    def generate(context, b, signature, arguments):
        grad_y, switches, source, grad_x, upper, lower, count = arguments
        v = Vectors(context, b, signature.args[0].dtype)
        grad_y = pointer(context, b, signature.args[0], grad_y, source)
        switches = pointer(context, b, signature.args[1], switches, source)
        rows = [pointer(context, b, signature.args[3], grad_x, row) for row in (upper, lower)]
        with cgutils.for_range_slice(b, INT64(0), count, INT64(v.lanes)) as (j, _):
            left = b.sub(count, j)
            inside = v.mask_below(left)
            gradient, switch = v.load(v.at(grad_y, j), inside), v.load_bytes(v.at(switches, j), inside)
            for place, row in enumerate(rows):
                even, odd = [b.select(b.icmp_unsigned("==", switch, v.bytes_of(number)), gradient, v.zero)
                             for number in (2 * place, 2 * place + 1)]
                for half, pair in enumerate(v.interleave(even, odd)):
                    mask = v.mask_below(b.sub(b.mul(left, INT64(2)), INT64(half * v.lanes)))
                    v.store(pair, v.at(row, b.add(b.mul(j, INT64(2)), INT64(half * v.lanes))), mask)
        return context.get_dummy_value()

    return signature, generate
