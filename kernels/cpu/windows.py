"""Pooling over windows a few columns wide that begin at every column or at every second one, a register of windows at a time.

A plane is worked off in strips as wide as a register of windows, from top to bottom: what the left and right edges cut off is found
out once for each strip. Where windows begin at every second column, two registers of the image are dealt out to even and odd columns.

On the way back nothing is scattered: each row of the gradient gathers from the windows that saw it, of which there are few, and even
and odd columns are interleaved again.

How many columns a window has, and how many there are from one to the next, is written out in instructions, so the compiler has to
know: `columns` and `phases` are tuples of so many elements, because the length of a tuple is part of its type.
"""
import math

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .vector import INT64, Vectors


class _Plane:
    """One channel of one image in an array (N, C, H, W)."""

    def __init__(self, context, b, array_type, array, number):
        array = context.make_array(array_type)(context, b, array)
        _, _, self.height, self.width = cgutils.unpack_tuple(b, array.shape)
        self.builder = b
        self.first = b.gep(array.data, [b.mul(number, b.mul(self.height, self.width))], inbounds=True)

    def at(self, row, column):
        return self.builder.gep(self.first, [self.builder.add(self.builder.mul(row, self.width), column)], inbounds=True)


def _walk_windows(b, v, image, pooled, rows, down, padding, columns, stride, outside, reduction):
    """Show every number of every window to `reduction`, whose methods emit what is done with it:

    strip(j, inside)         windows j, j + 1, ... of each row begin, as many as there are lanes; the mask tells which there are
    begin(i, first)          row i of windows begins, at row `first` of the window; what is above lies outside the image
    take(numbers, row, c)    one number of each window, from the window's row and column c
    end(i)
    """
    top, left = cgutils.unpack_tuple(b, padding)
    groups = [range(c, min(c + stride, columns)) for c in range(0, columns, stride)]   # columns that are dealt out together
    with cgutils.for_range_slice(b, INT64(0), pooled.width, INT64(v.lanes)) as (j, _):
        reduction.strip(j, v.mask_below(b.sub(pooled.width, j)))
        first_column = b.sub(b.mul(j, INT64(stride)), left)
        starts = [[b.add(first_column, INT64(group[0] + half * v.lanes)) for half in range(stride)] for group in groups]
        masks = [[v.mask_inside(start, image.width) for start in halves] for halves in starts]
        with cgutils.for_range(b, pooled.height) as windows:
            highest = b.sub(b.mul(windows.index, down), top)
            first = _larger(b, INT64(0), b.neg(highest))
            reduction.begin(windows.index, first)
            with cgutils.for_range_slice(b, first, _smaller(b, rows, b.sub(image.height, highest)), INT64(1)) as (row, _):
                for group, halves, inside in zip(groups, starts, masks):
                    registers = [v.load(image.at(b.add(highest, row), start), mask, outside) for start, mask in zip(halves, inside)]
                    for column, numbers in zip(group, v.deal(registers)):
                        reduction.take(numbers, row, column)
            reduction.end(windows.index)


class _Maximum:
    """The maximum, the first NaN if there is one, and where it was."""

    def __init__(self, b, v, y, switches, columns, stride, left):
        self.b, self.v, self.y, self.switches, self.left = b, v, y, switches, left
        self.columns, self.stride = columns, stride
        self.best, self.switch = (cgutils.alloca_once(b, kind) for kind in (v.type, v.bytes_of(0).type))

    def strip(self, j, inside):
        self.j, self.inside = j, inside
        self.cut = self.v.falling_bytes(self.b.sub(self.left, self.b.mul(j, INT64(self.stride))), self.stride)

    def begin(self, i, first):
        self.b.store(self.v.constant(-math.inf), self.best)
        self.b.store(self.b.add(self.cut, self.v.broadcast_byte(self.b.mul(first, INT64(self.columns)))), self.switch)

    def take(self, numbers, row, column):
        b, best = self.b, self.b.load(self.best)
        greater = b.and_(b.fcmp_unordered(">", numbers, best), b.fcmp_ordered("ord", best, best))
        place = self.v.broadcast_byte(b.add(b.mul(row, INT64(self.columns)), INT64(column)))
        b.store(b.select(greater, numbers, best), self.best)
        b.store(b.select(greater, place, b.load(self.switch)), self.switch)

    def end(self, i):
        self.v.store(self.b.load(self.best), self.y.at(i, self.j), self.inside)
        self.v.store_integers(self.b.load(self.switch), self.switches.at(i, self.j), self.inside)


class _Mean:
    """The sum, divided by the number of rows and columns that count: arrays of a number for each row and column of windows."""

    def __init__(self, b, v, y, rows_counted, columns_counted):
        self.b, self.v, self.y, self.rows_counted, self.columns_counted = b, v, y, rows_counted, columns_counted
        self.sum = cgutils.alloca_once(b, v.type)

    def strip(self, j, inside):
        self.j, self.inside = j, inside
        self.count = self.v.load(self.v.at(self.columns_counted, j), inside, 1.0)

    def begin(self, i, first):
        self.b.store(self.v.zero, self.sum)

    def take(self, numbers, row, column):
        self.b.store(self.b.fadd(self.b.load(self.sum), numbers), self.sum)

    def end(self, i):
        count = self.b.fmul(self.count, self.v.broadcast(self.v.load_one(self.v.at(self.rows_counted, i))))
        self.v.store(self.b.fdiv(self.b.load(self.sum), count), self.y.at(i, self.j), self.inside)


@intrinsic
def max_of_windows(typing, x, y, switches, plane, rows, down, padding, columns, phases):
    """kernels.reference.pooling.max_pool2d for one plane."""
    signature = types.void(x, y, switches, types.int64, types.int64, types.int64, padding, columns, phases)

    def generate(context, b, signature, arguments):
        v = Vectors(context, b, x.dtype)
        image, pooled, where = (_Plane(context, b, kind, array, arguments[3]) for kind, array in zip((x, y, switches), arguments))
        rows, down, padding = arguments[4:7]
        reduction = _Maximum(b, v, pooled, where, len(columns), len(phases), cgutils.unpack_tuple(b, padding)[1])
        _walk_windows(b, v, image, pooled, rows, down, padding, len(columns), len(phases), -math.inf, reduction)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def mean_of_windows(typing, x, y, plane, rows, down, padding, columns, phases, rows_counted, columns_counted):
    """kernels.reference.pooling.avg_pool2d for one plane; the last two say how much of each window counts."""
    signature = types.void(x, y, types.int64, types.int64, types.int64, padding, columns, phases, rows_counted, columns_counted)

    def generate(context, b, signature, arguments):
        v = Vectors(context, b, x.dtype)
        image, pooled = (_Plane(context, b, kind, array, arguments[2]) for kind, array in zip((x, y), arguments))
        rows, down, padding = arguments[3:6]
        counts = [context.make_array(kind)(context, b, array).data
                  for kind, array in zip((rows_counted, columns_counted), arguments[8:])]
        reduction = _Mean(b, v, pooled, *counts)
        _walk_windows(b, v, image, pooled, rows, down, padding, len(columns), len(phases), 0.0, reduction)
        return context.get_dummy_value()

    return signature, generate


def _walk_gradient(b, v, image, pooled, reach, down, padding, columns, stride, sources):
    """Let every number of the image gather from the windows that saw it. `sources` has methods that emit:

    strip(groups)                   a new strip; for each group of columns a pair: the first window whose columns they are, a mask
    row(i, row)                     row i of windows is next; the image's row is row `row` of theirs
    load(i, group)                  what is needed from the windows of a group
    part(loaded, column)            a register of what they give to the numbers in this column of theirs
    """
    top, left = cgutils.unpack_tuple(b, padding)
    groups = [range(c, min(c + stride, columns)) for c in range(0, columns, stride)]
    sums = [cgutils.alloca_once(b, v.type) for _ in range(stride)]
    strips_end = b.udiv(b.add(b.add(image.width, left), INT64(stride - 1)), INT64(stride))
    with cgutils.for_range_slice(b, INT64(0), strips_end, INT64(v.lanes)) as (j, _):
        firsts = [b.sub(j, INT64(number)) for number in range(len(groups))]
        sources.strip([(first, v.mask_inside(first, pooled.width)) for first in firsts])
        first_column = b.sub(b.mul(j, INT64(stride)), left)
        starts = [b.add(first_column, INT64(half * v.lanes)) for half in range(stride)]
        masks = [v.mask_inside(start, image.width) for start in starts]
        with cgutils.for_range(b, image.height) as image_row:
            for total in sums:
                b.store(v.zero, total)
            first, end = (b.load(v.at(reach, b.add(b.mul(image_row.index, INT64(2)), INT64(bound)))) for bound in range(2))
            with cgutils.for_range_slice(b, first, end, INT64(1)) as (i, _):
                sources.row(i, b.sub(b.add(image_row.index, top), b.mul(i, down)))
                for number, group in enumerate(groups):
                    loaded = sources.load(i, number)
                    for total, column in zip(sums, group):
                        b.store(b.fadd(b.load(total), sources.part(loaded, column)), total)
            totals = [b.load(total) for total in sums]
            first_half, *second_half = v.interleave(*totals) if stride == 2 else totals
            v.store(first_half, image.at(image_row.index, starts[0]), masks[0])
            for numbers in second_half:
                with b.if_then(b.icmp_signed("<", starts[1], image.width)):
                    v.store(numbers, image.at(image_row.index, starts[1]), masks[1])


class _ToMaximum:
    """The gradient goes to where the maximum was."""

    def __init__(self, b, v, grad_y, switches, columns):
        self.b, self.v, self.grad_y, self.switches, self.columns = b, v, grad_y, switches, columns

    def strip(self, groups):
        self.groups = groups

    def row(self, i, row):
        self.places = self.v.broadcast_byte(self.b.mul(row, INT64(self.columns)))   # of the row's first column

    def load(self, i, group):
        first, mask = self.groups[group]
        gradient, switch = self.v.load(self.grad_y.at(i, first), mask), self.v.load_bytes(self.switches.at(i, first), mask)
        return gradient, self.b.sub(switch, self.places)

    def part(self, loaded, column):
        gradient, column_of_maximum = loaded
        return self.b.select(self.b.icmp_unsigned("==", column_of_maximum, self.v.bytes_of(column)), gradient, self.v.zero)


class _ToAll:
    """The gradient is shared out evenly."""

    def __init__(self, b, v, grad_y, rows_counted, columns_counted):
        self.b, self.v, self.grad_y, self.rows_counted, self.columns_counted = b, v, grad_y, rows_counted, columns_counted

    def strip(self, groups):
        self.groups = groups
        self.shares = [self.b.fdiv(self.v.constant(1.0), self.v.load(self.v.at(self.columns_counted, first), mask, 1.0))
                       for first, mask in groups]

    def row(self, i, row):
        self.share = self.v.broadcast(self.b.fdiv(self.v.element(1.0), self.v.load_one(self.v.at(self.rows_counted, i))))

    def load(self, i, group):
        first, mask = self.groups[group]
        return self.b.fmul(self.v.load(self.grad_y.at(i, first), mask), self.b.fmul(self.shares[group], self.share))

    def part(self, loaded, column):
        return loaded


@intrinsic
def gather_from_maxima(typing, grad_y, switches, grad_x, plane, reach, down, padding, columns, phases):
    """kernels.reference.pooling.max_pool2d_grad_input for one plane; row r of the image is seen by rows reach[r, 0] ... reach[r, 1] - 1
    of windows."""
    signature = types.void(grad_y, switches, grad_x, types.int64, reach, types.int64, padding, columns, phases)

    def generate(context, b, signature, arguments):
        v = Vectors(context, b, grad_x.dtype)
        pooled, where, image = (_Plane(context, b, kind, array, arguments[3])
                                for kind, array in zip((grad_y, switches, grad_x), arguments))
        bounds = context.make_array(reach)(context, b, arguments[4]).data
        sources = _ToMaximum(b, v, pooled, where, len(columns))
        _walk_gradient(b, v, image, pooled, bounds, *arguments[5:7], len(columns), len(phases), sources)
        return context.get_dummy_value()

    return signature, generate


SIDE = 3   # of the windows around each number


@intrinsic
def gather_from_maxima_around(typing, grad_y, switches, grad_x, first, end, size, width):
    """kernels.reference.pooling.max_pool2d_grad_input for SIDE x SIDE windows around each number; all arrays are flat, of `size`
    numbers in rows of `width`; this is for numbers first ... end - 1 of grad_x.

    Rows and planes need not be told apart: at their edges, the number before or after is of another row, but the maximum of its window
    is never at the place that would be here, because that lies outside its plane.
    """
    n = types.int64
    signature = types.void(grad_y, switches, grad_x, n, n, n, n)

    def generate(context, b, signature, arguments):
        v = Vectors(context, b, signature.args[2].dtype)
        grad_y, switches, grad_x = (context.make_array(kind)(context, b, array).data
                                    for kind, array in zip(signature.args[:3], arguments))
        first, end, size, width = arguments[3:]
        shifts = [b.add(b.mul(width, INT64(SIDE // 2 - row)), INT64(SIDE // 2 - column)) for row in range(SIDE) for column in range(SIDE)]

        def gather(start, end, masked):
            with cgutils.for_range_slice(b, start, end, INT64(v.lanes)) as (position, _):
                total = v.zero
                for place, shift in enumerate(shifts):
                    window = b.add(position, shift)
                    mask = v.mask_between(_larger(b, INT64(0), b.neg(window)),
                                          _smaller(b, INT64(v.lanes), b.sub(size, window))) if masked else None
                    here = b.icmp_unsigned("==", v.load_bytes(v.at(switches, window), mask), v.bytes_of(place))
                    total = b.fadd(total, b.select(here, v.load(v.at(grad_y, window), mask), v.zero))
                v.store(total, v.at(grad_x, position), v.mask_below(b.sub(end, position)) if masked else None)

        # Masks are for where a window would lie before the first number or after the last.
        begin = _smaller(b, end, _larger(b, first, shifts[0]))
        whole = b.and_(_larger(b, INT64(0), b.sub(_smaller(b, end, b.sub(size, shifts[0])), begin)), INT64(-v.lanes))
        gather(first, begin, masked=True)
        gather(begin, b.add(begin, whole), masked=False)
        gather(b.add(begin, whole), end, masked=True)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def gather_from_means(typing, grad_y, grad_x, plane, reach, down, padding, columns, phases, rows_counted, columns_counted):
    """kernels.reference.pooling.avg_pool2d_grad_input for one plane; `reach` as above, the last two as for mean_of_windows."""
    signature = types.void(grad_y, grad_x, types.int64, reach, types.int64, padding, columns, phases, rows_counted, columns_counted)

    def generate(context, b, signature, arguments):
        v = Vectors(context, b, grad_x.dtype)
        pooled, image = (_Plane(context, b, kind, array, arguments[2]) for kind, array in zip((grad_y, grad_x), arguments))
        bounds, *counts = (context.make_array(kind)(context, b, array).data for kind, array in
                           zip((reach, rows_counted, columns_counted), (arguments[3], *arguments[8:])))
        _walk_gradient(b, v, image, pooled, bounds, *arguments[4:6], len(columns), len(phases), _ToAll(b, v, pooled, *counts))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def sum_of_plane(typing, x, plane):
    """The sum of all numbers of a plane. Networks end with many small ones, so the last of them are masked, not left to a loop."""
    signature = x.dtype(x, types.int64)

    def generate(context, b, signature, arguments):
        v = Vectors(context, b, x.dtype)
        image = _Plane(context, b, x, *arguments)
        total = cgutils.alloca_once(b, v.type)
        b.store(v.zero, total)
        size = b.mul(image.height, image.width)
        with cgutils.for_range_slice(b, INT64(0), size, INT64(v.lanes)) as (first, _):
            numbers = v.load(v.at(image.first, first), v.mask_below(b.sub(size, first)))
            b.store(b.fadd(b.load(total), numbers), total)
        return v.sum_lanes(b.load(total))

    return signature, generate


@intrinsic
def max_of_plane(typing, x, y, switches, plane, size):
    """The maximum of plane number `plane`, of `size` numbers, to y[plane]; where it is to switches[plane]; all arrays are flat."""
    signature = types.void(x, y, switches, types.int64, types.int64)

    def generate(context, b, signature, arguments):
        v = Vectors(context, b, x.dtype)
        values, y, switches = (context.make_array(kind)(context, b, array).data for kind, array in zip(signature.args[:3], arguments))
        plane, size = arguments[3:]
        values = v.at(values, b.mul(plane, size))
        best = cgutils.alloca_once_value(b, v.constant(-math.inf))
        places = cgutils.alloca_once_value(b, v.numbers.type(None))
        with cgutils.for_range_slice(b, INT64(0), size, INT64(v.lanes)) as (first, _):
            numbers, before = v.load(v.at(values, first), v.mask_below(b.sub(size, first)), -math.inf), b.load(best)
            greater = b.and_(b.fcmp_unordered(">", numbers, before), b.fcmp_ordered("ord", before, before))
            b.store(b.select(greater, numbers, before), best)
            b.store(b.select(greater, v.count_from(first), b.load(places)), places)
        place = v.place_of_largest(b.load(best), b.load(places))
        b.store(v.load_one(v.at(values, b.zext(place, INT64))), v.at(y, plane))
        switch = context.get_value_type(signature.args[2].dtype)
        b.store(place if switch == place.type else b.trunc(place, switch), v.at(switches, plane))
        return context.get_dummy_value()

    return signature, generate


def _larger(b, a, c):
    return b.select(b.icmp_signed(">", a, c), a, c)


def _smaller(b, a, c):
    return b.select(b.icmp_signed("<", a, c), a, c)
