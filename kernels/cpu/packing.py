"""Bringing operands into the order in which the register tiles read them."""
import numba
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .compiler import inner, kernel
from .vector import INT64, Vectors, pointer


@intrinsic
def transpose_block(typing, source, s0, row_length, live_rows, target, t0, pitch, live_columns):
    """target[t0 + k * pitch + i] = source[s0 + i * row_length + k] for i < live_rows and k < live_columns, up to one register of each.

    The rows are loaded into registers and exchanged in halves, quarters, eighths ... (log2(lanes) rounds of shuffles).
    """
    n = types.int64
    signature = types.void(source, n, n, n, target, n, n, n)

    def generate(context, b, signature, arguments):
        source, s0, row_length, live_rows, target, t0, pitch, live_columns = arguments
        v = Vectors(context, b, signature.args[0].dtype)
        source = pointer(context, b, signature.args[0], source, s0)
        target = pointer(context, b, signature.args[4], target, t0)
        rows = v.mask_below(live_rows)
        block = load_transposed(b, v, source, row_length, live_rows, live_columns)
        for k in range(v.lanes):
            with b.if_then(b.icmp_signed("<", INT64(k), live_columns), likely=True):
                v.store(block[k], v.at(target, b.mul(pitch, INT64(k))), rows)
        return context.get_dummy_value()

    return signature, generate


def load_transposed(b, v, source, row_length, live_rows, live_columns):
    """The registers that hold the columns of a block; what lies outside of it is zero."""
    columns, block = v.mask_below(live_columns), []
    for i in range(v.lanes):
        mask = b.select(b.icmp_signed("<", INT64(i), live_rows), columns, v.no_lanes())
        block.append(v.load(v.at(source, b.mul(row_length, INT64(i))), mask))
    half = v.lanes // 2
    while half:
        for i in range(v.lanes):
            if not i & half:
                upper, lower = block[i], block[i + half]
                lanes = range(v.lanes)
                block[i] = v.pick(upper, lower, [t if not t & half else v.lanes + t - half for t in lanes])
                block[i + half] = v.pick(upper, lower, [t + half if not t & half else v.lanes + t for t in lanes])
        half //= 2
    return block


@kernel
def pack_rows(matrix, rows, depth, tile_rows, groups, lanes, panels):
    """Cut each group's matrix (rows, depth) into panels of tile_rows rows, each stored by columns:

        panels[((g * P + p) * depth + k) * tile_rows + i] = matrix[(g * rows + p * tile_rows + i) * depth + k]

    with P = ceil(rows / tile_rows) panels a group. Rows beyond the last are left undefined: their results are dropped.
    """
    count = (rows + tile_rows - 1) // tile_rows
    strip = 32 * lanes   # columns in one piece of work
    strips = (depth + strip - 1) // strip
    for piece in numba.prange(groups * count * strips):
        panel, first = piece // strips, (piece % strips) * strip
        group, first_row = panel // count, (panel % count) * tile_rows
        live = min(tile_rows, rows - first_row)
        for k in range(first, min(depth, first + strip), lanes):
            for i in range(0, live, lanes):
                transpose_block(matrix, (group * rows + first_row + i) * depth + k, depth, min(lanes, live - i),
                                panels, (panel * depth + k) * tile_rows + i, tile_rows, min(lanes, depth - k))


@kernel
def pack_taps(weight, filters, channels, taps, chosen, tile_rows, groups, panels):
    """Each group's filters seen from the input: a matrix of `channels` rows and filters * len(chosen) columns, in panels as above.

        panels[((g * P + p) * depth + m * chosen + t) * tile_rows + i]
            = weight[((g * filters + m) * channels + p * tile_rows + i) * taps + chosen[t]]
    """
    count = (channels + tile_rows - 1) // tile_rows
    for piece in numba.prange(groups * count * filters):
        panel, filter_ = piece // filters, piece % filters
        group, first_channel = panel // count, (panel % count) * tile_rows
        source = ((group * filters + filter_) * channels + first_channel) * taps
        target = (panel * filters + filter_) * chosen.size * tile_rows
        for i in range(min(tile_rows, channels - first_channel)):
            for t in range(chosen.size):
                panels[target + t * tile_rows + i] = weight[source + i * taps + chosen[t]]


@kernel
def transpose(matrix, rows, columns, lanes, transposed):
    """transposed[k * rows + i] = matrix[i * columns + k]."""
    for piece in numba.prange((rows + lanes - 1) // lanes):
        i = piece * lanes
        for k in range(0, columns, lanes):
            transpose_block(matrix, i * columns + k, columns, min(lanes, rows - i), transposed, k * rows + i, rows,
                            min(lanes, columns - k))


@kernel
def pack_columns(matrix, columns, depth, tile_columns, panels):
    """Cut a matrix (depth, columns) into panels of tile_columns columns, each stored by rows:

        panels[(p * depth + k) * tile_columns + i] = matrix[k * columns + p * tile_columns + i]

    Columns beyond the last are left undefined.
    """
    count = (columns + tile_columns - 1) // tile_columns
    for piece in numba.prange(count):
        first = piece * tile_columns
        live = min(tile_columns, columns - first)
        for k in range(depth):
            copy(panels, (piece * depth + k) * tile_columns, matrix, k * columns + first, live)


@inner
def copy(target, t0, source, s0, count):
    """target[t0 : t0 + count] = source[s0 : s0 + count], for flat arrays."""
    to, of = target[t0:t0 + count], source[s0:s0 + count]
    for i in range(to.size):
        to[i] = of[i]


def _line_dealer(*steps):
    """Make the intrinsic

        deal_line(source, s0, width, left, step, target, t0, phase_size, length)

    which deals a line out to `step` lines, one register at a time: for phase < step and i < length,

        target[t0 + phase * phase_size + i] = source[s0 + c]  with c = i * step + phase - left  if 0 <= c < width, else 0

    The step is one of `steps`, powers of two: that many registers are loaded, zeros where the mask says, and dealt out in log2(step)
    rounds of shuffles.
    """
    @intrinsic
    def deal_line(typing, source, s0, width, left, step, target, t0, phase_size, length):
        n = types.int64
        signature = types.void(source, n, n, n, n, target, n, n, n)

        def generate(context, b, signature, arguments):
            source, s0, width, left, step, target, t0, phase_size, length = arguments
            v = Vectors(context, b, signature.args[0].dtype)
            source = pointer(context, b, signature.args[0], source, s0)
            target = pointer(context, b, signature.args[5], target, t0)
            for phases in steps:
                with b.if_then(b.icmp_signed("==", step, INT64(phases))):
                    with cgutils.for_range_slice(b, INT64(0), length, INT64(v.lanes)) as (i, _):
                        registers = []
                        for number in range(phases):
                            first = b.sub(b.add(b.mul(i, INT64(phases)), INT64(number * v.lanes)), left)
                            registers.append(v.load(v.at(source, first), v.mask_between(b.neg(first), b.sub(width, first))))
                        inside = v.mask_below(b.sub(length, i))
                        for phase, register in enumerate(v.deal(registers)):
                            v.store(register, v.at(target, b.add(i, b.mul(phase_size, INT64(phase)))), inside)
            return context.get_dummy_value()

        return signature, generate

    return deal_line


_copy_line, _deal_line = _line_dealer(1), _line_dealer(2, 4)


@kernel
def pad_images(x, planes, height, width, top, left, padded_height, padded_width, padded):
    """Copy each plane into a bordered one of padded_height x padded_width pixels:

        padded[plane, r, c] = x[plane, r - top, c - left], or 0 outside of x

    What `padded` has beyond the planes is filled with zeros: windows over the last line may reach there.
    """
    for i in range(planes * padded_height * padded_width, padded.size):
        padded[i] = 0
    for plane in numba.prange(planes):
        for line in range(padded_height):
            row = line - top
            inside = width if 0 <= row < height else 0
            _copy_line(x, (plane * height + row) * width, inside, left, 1,
                       padded, (plane * padded_height + line) * padded_width, 0, padded_width)


@kernel
def deal_images(x, planes, height, width, top, left, stride_rows, stride_columns, padded_height, padded_width, padded):
    """Border each plane and deal it out to stride_rows x stride_columns phase images of padded_height x padded_width pixels, so that
    what a strided window meets lies side by side. With strides s and t,

        padded[plane, r % s, c % t, r // s, c // t] = x[plane, r - top, c - left], or 0 outside of x

    What `padded` has beyond the planes is filled with zeros, as above.
    """
    size = padded_height * padded_width
    for i in range(planes * stride_rows * stride_columns * size, padded.size):
        padded[i] = 0
    for plane in numba.prange(planes):
        for row_phase in range(stride_rows):
            for line in range(padded_height):
                row = line * stride_rows + row_phase - top
                inside = width if 0 <= row < height else 0
                source = (plane * height + row) * width
                target = (plane * stride_rows + row_phase) * stride_columns * size + line * padded_width
                if stride_columns == 2 or stride_columns == 4:
                    _deal_line(x, source, inside, left, stride_columns, padded, target, size, padded_width)
                else:
                    for phase in range(stride_columns):
                        for i in range(padded_width):
                            column = i * stride_columns + phase - left
                            padded[target + phase * size + i] = x[source + column] if 0 <= column < inside else 0


@kernel
def merge_phases(phases, planes, height, width, top, left, stride_rows, stride_columns, first_row, first_column, phase_height,
                 phase_width, x):
    """The reverse deal, from buffers that begin at line first_row and column first_column of their phase images:

        x[plane, r, c] = phases[(r + top) % s, (c + left) % t, plane, (r + top) // s - first_row, (c + left) // t - first_column]
    """
    size = phase_height * phase_width
    for plane in numba.prange(planes):
        for row in range(height):
            row_phase, line = (row + top) % stride_rows, (row + top) // stride_rows - first_row
            for column_phase in range(stride_columns):
                first = (column_phase - left) % stride_columns
                base = ((row_phase * stride_columns + column_phase) * planes + plane) * size + line * phase_width
                base += (first + left) // stride_columns - first_column
                target = (plane * height + row) * width + first
                for i in range((width - first + stride_columns - 1) // stride_columns):
                    x[target + i * stride_columns] = phases[base + i]
