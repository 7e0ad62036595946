"""Small windows that slide over a plane: the loops of depthwise convolution, a register of columns at a time.

A depthwise filter sees one channel, so no matrix product can be made of it: each output takes 9 or 25 multiply-adds, and what
counts is to load each pixel seldom. A strip of the plane as wide as a register is worked off downwards, a few output rows at once;
a row of the input is loaded once for each column of the window, and serves all output rows that meet it:

    input row 0  --+              output row 0 = rows 0, 1, 2 times the taps
    input row 1  --+--+           output row 1 = rows 1, 2, 3 times the taps
    input row 2  --+--+--+        output row 2 = rows 2, 3, 4 times the taps
    input row 3     --+--+ ...

With a stride of 2 the pixels of a row are dealt out to even and odd registers. No border is written: masks cut the registers at the
left and right of the image, and for a row above or below it a line of zeros is read.

The three functions take square windows of SIZES and strides of STRIDES, and one plane; all arrays are flat. They are told the columns
of the window, (0, 1, 2) say: the length of a tuple is known when Numba compiles, so each size gets machine code of its own.
"""
import contextlib

import llvmlite.ir as ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .vector import INT64, Vectors, pointer

_ROWS = {3: 4, 5: 2, 7: 2}   # output rows at once: their sums, 9 taps and a few pixels fit into 32 registers, 25 taps almost
SIZES, STRIDES = tuple(_ROWS), (1, 2)


@intrinsic
def slide(typing, columns, stride, x, x0, height, width, top, left, weight, w0, start, s0, y, y0, out_height, out_width):
    """y[y0 + (i, j)] = start[s0] + sum over r, k of the window of weight[w0 + (r, k)] x[x0 + (i stride + r - top, j stride + k - left)]

    for x of height x width, 0 outside, and y of out_height x out_width.
    """
    n = types.int64
    signature = types.void(columns, n, x, n, n, n, n, n, weight, n, start, n, y, n, n, n)

    def generate(context, b, signature, arguments):
        _, stride, x, x0, height, width, top, left, weight, w0, start, s0, y, y0, out_height, out_width = arguments
        kinds = signature.args
        v = Vectors(context, b, kinds[2].dtype)
        window = columns.count
        x, y = pointer(context, b, kinds[2], x, x0), pointer(context, b, kinds[12], y, y0)
        weight, start = pointer(context, b, kinds[8], weight, w0), pointer(context, b, kinds[10], start, s0)

        def rows(step, taps, begin, strip, i, j, count, at_once, whole):
            sums = [begin] * at_once
            for number in range((at_once - 1) * step + window):
                row = b.add(b.sub(b.mul(i, INT64(step)), top), INT64(number))
                pixels = strip.load(x, row, height, whole)
                for place in range(at_once):
                    if 0 <= number - place * step < window:
                        for tap, pixel in zip(taps[number - place * step], pixels):
                            sums[place] = v.multiply_add(tap, pixel, sums[place])
            for place in range(at_once):
                line = b.add(b.mul(b.add(i, INT64(place)), out_width), j)
                v.store(sums[place], v.at(y, line), None if whole else v.mask_below(count))

        for step in _strides(b, stride):
            taps, begin = _taps(v, weight, window), v.broadcast(v.load_one(start))
            for j, count in _strips(b, v, INT64(0), out_width):
                strip = _Strip(b, v, window, step, b.sub(b.mul(j, INT64(step)), left), count, width)
                for i, at_once, whole in _blocks(b, INT64(0), out_height, _ROWS[window], strip.is_whole):
                    rows(step, taps, begin, strip, i, j, count, at_once, whole)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def slide_grad_input(typing, columns, stride, grad_y, y0, out_height, out_width, top, left, weight, w0, grad_x, x0, height, width,
                     accumulate):
    """The way back: to grad_x[x0 + (i stride + r - top, j stride + k - left)] go all weight[w0 + (r, k)] grad_y[y0 + (i, j)] that meet
    there, plus what it holds if `accumulate`.

    What strides deal out is put together again: output rows u, u - 1 ... make the input rows u stride - top and, with a stride of 2,
    the one below, where these exist.
    """
    n = types.int64
    signature = types.void(columns, n, grad_y, n, n, n, n, n, weight, n, grad_x, n, n, n, types.boolean)

    def generate(context, b, signature, arguments):
        (_, stride, grad_y, y0, out_height, out_width, top, left, weight, w0, grad_x, x0, height, width,
         accumulate) = arguments
        kinds = signature.args
        v = Vectors(context, b, kinds[2].dtype)
        window = columns.count
        grad_y, grad_x = pointer(context, b, kinds[2], grad_y, y0), pointer(context, b, kinds[10], grad_x, x0)
        weight = pointer(context, b, kinds[8], weight, w0)

        def rows(step, taps, strip, u, places, masks, at_once, whole):
            back = (window - 1) // step
            sums = [[v.zero] * step for _ in range(at_once * step)]
            for number in range(at_once + back):
                row = b.add(u, INT64(number - back))
                gradients = strip.load(grad_y, row, out_height, whole)
                for line in range(at_once * step):
                    r = (line // step + back - number) * step + line % step
                    if 0 <= r < window:
                        for k in range(window):
                            sums[line][k % step] = v.multiply_add(taps[r][k], gradients[back - k // step], sums[line][k % step])
            for line in range(at_once * step):
                row = b.sub(b.add(b.mul(u, INT64(step)), INT64(line)), top)
                with b.if_then(_inside(b, row, height), likely=True) if step > 1 else contextlib.nullcontext():
                    for half, total in enumerate(sums[line] if step == 1 else v.interleave(*sums[line])):
                        address = v.at(grad_x, b.add(b.mul(row, width), places[half]))
                        mask = None if whole else masks[half]
                        with b.if_else(accumulate, likely=False) as (more, only):
                            with more:
                                v.store(b.fadd(total, v.load(address, mask)), address, mask)
                            with only:
                                v.store(total, address, mask)

        for step in _strides(b, stride):
            taps, back = _taps(v, weight, window), (window - 1) // step
            begin_row, begin_column = b.sdiv(top, INT64(step)), b.sdiv(left, INT64(step))
            end_row, end_column = [b.add(b.sdiv(b.sub(b.add(length, border), INT64(1)), INT64(step)), INT64(1))
                                   for length, border in ((height, top), (width, left))]
            for j, _ in _strips(b, v, begin_column, end_column):
                strip = _Strip(b, v, back + 1, 1, b.sub(j, INT64(back)), INT64(v.lanes), out_width)
                column = b.sub(b.mul(j, INT64(step)), left)
                places = [b.add(column, INT64(half * v.lanes)) for half in range(step)]
                masks = [v.mask_between(b.neg(place), b.sub(width, place)) for place in places]
                within = b.and_(b.icmp_signed(">=", column, INT64(0)),
                                b.icmp_signed("<=", b.add(column, INT64(step * v.lanes)), width))
                for u, at_once, whole in _blocks(b, begin_row, end_row, _ROWS[window] // step, b.and_(strip.is_whole, within)):
                    rows(step, taps, strip, u, places, masks, at_once, whole)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def slide_grad_weight(typing, columns, stride, grad_y, y0, out_height, out_width, x, x0, height, width, top, left, grad_weight, w0):
    """Adds to grad_weight[w0 + (r, k)] the sum over (i, j) of grad_y[y0 + (i, j)] x[x0 + (i stride + r - top, j stride + k - left)].

    A register for each tap holds its sum; those over lanes come at the end of each strip.
    """
    n = types.int64
    signature = types.void(columns, n, grad_y, n, n, n, x, n, n, n, n, n, grad_weight, n)

    def generate(context, b, signature, arguments):
        _, stride, grad_y, y0, out_height, out_width, x, x0, height, width, top, left, grad_weight, w0 = arguments
        kinds = signature.args
        v = Vectors(context, b, kinds[2].dtype)
        window = columns.count
        grad_y, x = pointer(context, b, kinds[2], grad_y, y0), pointer(context, b, kinds[6], x, x0)
        grad_weight = pointer(context, b, kinds[12], grad_weight, w0)

        def rows(step, slots, strip, i, j, count, at_once, whole):
            sums = [[b.load(slot) for slot in row] for row in slots]
            gradients = []
            for place in range(at_once):
                line = b.add(b.mul(b.add(i, INT64(place)), out_width), j)
                gradients.append(v.load(v.at(grad_y, line), None if whole else v.mask_below(count)))
            for number in range((at_once - 1) * step + window):
                row = b.add(b.sub(b.mul(i, INT64(step)), top), INT64(number))
                pixels = strip.load(x, row, height, whole)
                for place in range(at_once):
                    if 0 <= number - place * step < window:
                        taps = sums[number - place * step]
                        taps[:] = [v.multiply_add(gradients[place], pixel, tap) for tap, pixel in zip(taps, pixels)]
            for row, totals in zip(slots, sums):
                for slot, total in zip(row, totals):
                    b.store(total, slot)

        for step in _strides(b, stride):
            slots = [[cgutils.alloca_once(b, v.type) for _ in range(window)] for _ in range(window)]   # LLVM makes registers of them
            for j, count in _strips(b, v, INT64(0), out_width):
                for row in slots:
                    for slot in row:
                        b.store(v.zero, slot)
                strip = _Strip(b, v, window, step, b.sub(b.mul(j, INT64(step)), left), count, width)
                for i, at_once, whole in _blocks(b, INT64(0), out_height, _ROWS[window], strip.is_whole):
                    rows(step, slots, strip, i, j, count, at_once, whole)
                for r, row in enumerate(slots):
                    for k, slot in enumerate(row):
                        address = v.at(grad_weight, r * window + k)
                        b.store(b.fadd(v.load_one(address), v.sum_lanes(b.load(slot))), address, align=v.item_bytes)
        return context.get_dummy_value()

    return signature, generate


class _Strip:
    """The registers that `count` lanes of output meet in a row of `width` numbers: lane l meets, through column k of the window, number
    first + l stride + k."""

    def __init__(self, b, v, window, stride, first, count, width):
        self.b, self.v, self.window, self.stride, self.first, self.width = b, v, window, stride, first, width
        self.distances = [k + half * v.lanes for k in range(0, window, stride) for half in range(stride)]   # from the first
        self.masks = []
        for number, distance in enumerate(self.distances):
            place = b.add(first, INT64(distance))
            wanted, there = b.sub(b.mul(count, INT64(stride)), INT64(number % stride * v.lanes)), b.sub(width, place)
            self.masks.append(v.mask_between(b.neg(place), b.select(b.icmp_signed("<", wanted, there), wanted, there)))
        reach = self.distances[-1] + v.lanes
        self.is_whole = b.and_(b.and_(b.icmp_signed(">=", first, INT64(0)), b.icmp_signed(">=", count, INT64(v.lanes))),
                               b.icmp_signed("<=", b.add(first, INT64(reach)), width))
        zeros = ir.Constant(ir.ArrayType(v.element, reach), None)
        self.zeros = b.bitcast(cgutils.global_constant(b, "zeros", zeros), v.element.as_pointer())

    def load(self, plane, row, height, whole):
        """A register for each column of the window; zeros if the row lies outside."""
        b, v = self.b, self.v
        line = v.at(plane, b.add(b.mul(row, self.width), self.first))
        line = b.select(_inside(b, row, height), line, self.zeros)
        masks = [None] * len(self.masks) if whole else self.masks
        registers = [v.load(v.at(line, distance), mask) for distance, mask in zip(self.distances, masks)]
        columns = []
        for place in range(0, len(registers), self.stride):
            columns += v.deal(registers[place:place + self.stride])
        return columns[:self.window]


# What follows are loops and conditions around the code that is generated where they yield.

def _strides(b, stride):
    for step in STRIDES:
        with b.if_then(b.icmp_signed("==", stride, INT64(step))):
            yield step


def _strips(b, v, begin, end):
    """Columns: the first of a register, and how many are left."""
    with cgutils.for_range_slice(b, begin, end, INT64(v.lanes)) as (j, _):
        yield j, b.sub(end, j)


def _blocks(b, begin, end, at_once, strip_is_whole):
    """Rows: the first of a block, how many it has, and whether the strip is whole."""
    rest = b.sub(end, b.srem(b.sub(end, begin), INT64(at_once)))
    with b.if_else(strip_is_whole) as branches:
        for branch, whole in zip(branches, (True, False)):
            with branch, cgutils.for_range_slice(b, begin, rest, INT64(at_once)) as (row, _):
                yield row, at_once, whole
    with cgutils.for_range_slice(b, rest, end, INT64(1)) as (row, _):
        yield row, 1, False


def _inside(b, row, height):
    return b.icmp_unsigned("<", row, height)   # a negative number is a great one


def _taps(v, weight, window):
    return [[v.broadcast(v.load_one(v.at(weight, r * window + k))) for k in range(window)] for r in range(window)]
