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

    The rows are loaded into registers and exchanged in log2(lanes) rounds of shuffles.
    """
    n = types.int64
    signature = types.void(source, n, n, n, target, n, n, n)

    def generate(context, b, signature, arguments):
        source, s0, row_length, live_rows, target, t0, pitch, live_columns = arguments
        v = Vectors(context, b, signature.args[0].dtype)
        source = pointer(context, b, signature.args[0], source, s0)
        target = pointer(context, b, signature.args[4], target, t0)
        rows = v.mask_below(live_rows)
        for k, register in enumerate(load_transposed(b, v, source, row_length, live_rows, live_columns)):
            with b.if_then(b.icmp_signed("<", INT64(k), live_columns), likely=True):
                v.store(register, v.at(target, b.mul(pitch, INT64(k))), rows)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def scatter_block(typing, source, s0, row_length, live_rows, target, t0, places, steps, number, first, live_columns):
    """As transpose_block, but column k goes to target[t0 + places[first + k] + number * steps[first + k] + i]."""
    n = types.int64
    signature = types.void(source, n, n, n, target, n, places, steps, n, n, n)

    def generate(context, b, signature, arguments):
        source, s0, row_length, live_rows, target, t0, places, steps, number, first, live_columns = arguments
        v = Vectors(context, b, signature.args[0].dtype)
        source = pointer(context, b, signature.args[0], source, s0)
        target = pointer(context, b, signature.args[4], target, t0)
        places, steps = [pointer(context, b, signature.args[6 + i], table, first) for i, table in enumerate((places, steps))]
        rows = v.mask_below(live_rows)
        for k, register in enumerate(load_transposed(b, v, source, row_length, live_rows, live_columns)):
            with b.if_then(b.icmp_signed("<", INT64(k), live_columns), likely=True):
                place = b.add(b.load(v.at(places, k), align=8), b.mul(number, b.load(v.at(steps, k), align=8)))
                v.store(register, v.at(target, place), rows)
        return context.get_dummy_value()

    return signature, generate


def load_transposed(b, v, source, row_length, live_rows, live_columns):
    """The columns of a block of rows, up to one register of each: rows are exchanged in halves, quarters, eighths ..."""
    columns = v.mask_below(live_columns)
    block = []
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


@inner
def fill(target, t0, count):
    """target[t0 : t0 + count] = 0, for a flat array."""
    to = target[t0:t0 + count]
    for i in range(to.size):
        to[i] = 0


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
def pack_rows(matrix, rows, depth, tile_rows, groups, group_step, panel_step, lanes, panels):
    """Cut each group's matrix (rows, depth) into panels of tile_rows rows, each stored by columns:

        panels[g * group_step + p * panel_step + k * tile_rows + i] = matrix[(g * rows + p * tile_rows + i) * depth + k]

    Rows beyond the last are left undefined: their results are dropped.
    """
    count = (rows + tile_rows - 1) // tile_rows
    strip = 32 * lanes   # columns in one piece of work
    strips = (depth + strip - 1) // strip
    for piece in numba.prange(groups * count * strips):
        panel, first = piece // strips, (piece % strips) * strip
        group, first_row = panel // count, (panel % count) * tile_rows
        live = min(tile_rows, rows - first_row)
        target = group * group_step + (panel % count) * panel_step
        for k in range(first, min(depth, first + strip), lanes):
            for i in range(0, live, lanes):
                transpose_block(matrix, (group * rows + first_row + i) * depth + k, depth, min(lanes, live - i),
                                panels, target + k * tile_rows + i, tile_rows, min(lanes, depth - k))


@kernel
def pack_pixels(x, planes, height, width, top, left, padded_height, padded_width, lanes, pixels):
    """Border each image and store it pixel by pixel, the channels of one side by side. For images of `planes` channels:

        pixels[image, r, c, plane] = x[image, plane, r - top, c - left], or 0 outside of x
    """
    blocks, line = (planes + lanes - 1) // lanes, padded_width * planes
    for piece in numba.prange(pixels.size // (padded_height * line) * blocks):
        image, first = piece // blocks, piece % blocks * lanes
        live = min(lanes, planes - first)
        for r in range(padded_height):
            row, target = r - top, (image * padded_height + r) * line + first
            inside = width if 0 <= row < height else 0
            for c in range(0, left if inside else padded_width):
                fill(pixels, target + c * planes, live)
            for i in range(0, inside, lanes):
                transpose_block(x, ((image * planes + first) * height + row) * width + i, height * width, live,
                                pixels, target + (left + i) * planes, planes, min(lanes, width - i))
            for c in range(left + width if inside else padded_width, padded_width):
                fill(pixels, target + c * planes, live)


@kernel
def unpack_taps(sums, rows, filters, columns, channels, lanes, weight):
    """From sums by tap to a weight: weight[m, c, r, s] = sums[r, m, s, c], for r < rows and s < columns."""
    for m in numba.prange(filters):
        for r in range(rows):
            for s in range(0, columns, lanes):
                for c in range(0, channels, lanes):
                    transpose_block(sums, ((r * filters + m) * columns + s) * channels + c, channels, min(lanes, columns - s),
                                    weight, ((m * channels + c) * rows + r) * columns + s, rows * columns, min(lanes, channels - c))


@kernel
def pack_taps(weight, filters, channels, places, steps, tile_rows, groups, lanes, panels):
    """Each group's filters seen from the input: a matrix of `channels` rows and filters * taps columns, in panels as above, in an order
    of columns that two tables tell:

        panels[((g * P + p) * filters * taps) * tile_rows + places[t] + m * steps[t] + i]
            = weight[((g * filters + m) * channels + p * tile_rows + i) * taps + t]
    """
    count, taps, strip = (channels + tile_rows - 1) // tile_rows, places.size, 32
    strips = (filters + strip - 1) // strip
    for piece in numba.prange(groups * count * strips):
        panel, first = piece // strips, piece % strips * strip
        group, first_channel = panel // count, (panel % count) * tile_rows
        target = panel * filters * taps * tile_rows
        live = min(tile_rows, channels - first_channel)
        for m in range(first, min(filters, first + strip)):
            source = ((group * filters + m) * channels + first_channel) * taps
            if taps == 1:
                _copy_line(weight, source, live, 0, 1, panels, target + places[0] + m * steps[0], 0, live)
            else:
                for i in range(0, live, lanes):
                    for t in range(0, taps, lanes):
                        scatter_block(weight, source + i * taps + t, taps, min(lanes, live - i), panels, target + i, places, steps, m,
                                      t, min(lanes, taps - t))


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
            _copy_line(matrix, k * columns + first, live, 0, 1, panels, (piece * depth + k) * tile_columns, 0, live)


@intrinsic
def _join(typing, source, s0, sources, places, lengths, first, end, target, t0):
    """target[t0 + places[j] + i] = source[s0 + sources[j] + i] for first <= j < end and i < lengths[j]."""
    n = types.int64
    signature = types.void(source, n, sources, places, lengths, n, n, target, n)

    def generate(context, b, signature, arguments):
        source, s0, sources, places, lengths, first, end, target, t0 = arguments
        v = Vectors(context, b, signature.args[0].dtype)
        source = pointer(context, b, signature.args[0], source, s0)
        target = pointer(context, b, signature.args[7], target, t0)
        tables = [pointer(context, b, signature.args[2 + i], table, INT64(0)) for i, table in enumerate((sources, places, lengths))]
        with cgutils.for_range_slice(b, first, end, INT64(1)) as (j, _):
            of, to, length = [b.load(v.at(table, j), align=8) for table in tables]
            with cgutils.for_range_slice(b, INT64(0), length, INT64(v.lanes)) as (i, _):
                rest = b.sub(length, i)
                of_address, to_address = v.at(source, b.add(of, i)), v.at(target, b.add(to, i))
                with b.if_else(b.icmp_signed(">=", rest, INT64(v.lanes))) as (whole, part):
                    with whole:
                        v.store(v.load(of_address), to_address)
                    with part:
                        mask = v.mask_below(rest)
                        v.store(v.load(of_address, mask), to_address, mask)
        return context.get_dummy_value()

    return signature, generate


@kernel
def pack_windows(images, offsets, sources, places, lengths, first_pieces, first_tile, tiles, tile_columns, panels):
    """What filters meet at output positions, counted without gaps, in panels of tile_columns positions, each stored by taps:

        panels[(t * depth + k) * tile_columns + i] = images[offsets[k] + where position (first_tile + t) * tile_columns + i lies]

    Tile t consists of pieces first_pieces[t] ... first_pieces[t + 1] - 1 of lines: piece j lies at sources[j] and goes to places[j].
    """
    depth, strip = offsets.size, 64
    strips = (depth + strip - 1) // strip
    for piece in numba.prange(tiles * strips):
        tile, first = piece // strips, piece % strips * strip
        begin, end = first_pieces[first_tile + tile], first_pieces[first_tile + tile + 1]
        for k in range(first, min(depth, first + strip)):
            _join(images, offsets[k], sources, places, lengths, begin, end, panels, (tile * depth + k) * tile_columns)


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


@intrinsic
def _merge_lines(typing, source, even, odd, target, t0, count):
    """target[t0 + i] = source[(even, odd)[i % 2] + i // 2] for i < count."""
    n = types.int64
    signature = types.void(source, n, n, target, n, n)

    def generate(context, b, signature, arguments):
        source, even, odd, target, t0, count = arguments
        v = Vectors(context, b, signature.args[0].dtype)
        lines = [pointer(context, b, signature.args[0], source, line) for line in (even, odd)]
        target = pointer(context, b, signature.args[3], target, t0)
        with cgutils.for_range_slice(b, INT64(0), count, INT64(2 * v.lanes)) as (i, _):
            rest = b.sub(count, i)
            counts = [b.lshr(b.add(rest, INT64(1 - line)), INT64(1)) for line in range(2)]
            registers = [v.load(v.at(line, b.lshr(i, INT64(1))), v.mask_below(number)) for line, number in zip(lines, counts)]
            for half, register in enumerate(v.interleave(*registers)):
                v.store(register, v.at(target, b.add(i, INT64(half * v.lanes))), v.mask_below(b.sub(rest, INT64(half * v.lanes))))
        return context.get_dummy_value()

    return signature, generate


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
            base = (row_phase * stride_columns * planes + plane) * size + line * phase_width
            target = (plane * height + row) * width
            if stride_columns == 2:
                _merge_lines(phases, base + left % 2 * planes * size + left // 2 - first_column,
                             base + (left + 1) % 2 * planes * size + (left + 1) // 2 - first_column, x, target, width)
            else:
                for phase in range(stride_columns):
                    first = (phase - left) % stride_columns
                    source = base + phase * planes * size + (first + left) // stride_columns - first_column
                    for i in range((width - first + stride_columns - 1) // stride_columns):
                        x[target + first + i * stride_columns] = phases[source + i]
