"""The register tile: the loop in which matrix products and convolutions spend their time.

A tile of the result lives in vector registers for the whole of the inner loop; the loop's body is loads, broadcasts and
fused multiply-adds, and nothing else. Numba gives no way to say this in Python (its loops load and store the tile at
every step), so the two tiles below are written as LLVM instructions. Everything around them is ordinary Numba.

    outer tile: grows along k by outer products              dot tile: sums along p, lane by lane

             right[offset[k] + p]                                        right[offset[k] + p]
             --- vectors of p -->                                        --- p -->
       left  +---+---+---+                                 left[i + p]   +---+---+---+
       [k,i] |   |   |   |  rows                           --- p -->     |   |   |   |  rows
             +---+---+---+                                               +---+---+---+
                                                                          columns k

The table of offsets makes one tile serve all: for a matrix product offset[k] = k * row length; for a convolution it is the distance
from an output position to what filter tap k meets in the padded image. No matrix of image patches (im2col) is ever written.
"""
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .machine import VECTOR_UNIT
from .vector import INT64, Vectors, pointer

# Accumulators as rows: registers (outer) or rows: columns (dot), chosen so that the operands fit beside them. Thirty-two registers
# hold 24 accumulators, 3 or 4 of `right` and one of `left`; sixteen hold 12, 2 or 3, and one.
OUTER_SHAPES = {8: 3, 6: 4} if VECTOR_UNIT.registers == 32 else {6: 2, 4: 3}
DOT_ROWS, DOT_COLUMNS = (6, 4) if VECTOR_UNIT.registers == 32 else (4, 3)


@intrinsic
def outer_tile(typing, rows, depth, left, l0, left_row, left_step, right, r0, offsets, o0, out, y0, row_length, start, s0, live, first, end,
               pitch, width, line_step, accumulate):
    """One outer tile, of `rows` rows (a key of OUTER_SHAPES): for i < live <= rows and first <= p < min(end, first + vectors * lanes),

        sum over k < depth of left[l0 + i * left_row + k * left_step] * right[r0 + offsets[o0 + k] + p]

    plus start[s0 + i], or plus what `out` holds if `accumulate`. Positions p are counted over lines of `pitch` positions, of
    which the first `width` are real; a real one is written to out[y0 + i * row_length + (p // pitch) * line_step + p % pitch].
    All arrays are flat; `right` is not read beyond the positions below `end`.
    """
    n = types.int64
    signature = types.void(n, n, left, n, n, n, right, n, offsets, n, out, n, n, start, n, n, n, n, n, n, n, types.boolean)

    def generate(context, b, signature, arguments):
        (rows, depth, left, l0, left_row, left_step, right, r0, offsets, o0, out, y0, row_length, start, s0, live, first, end, pitch,
         width, line_step, accumulate) = arguments
        kinds = signature.args
        v = Vectors(context, b, kinds[2].dtype)
        left = pointer(context, b, kinds[2], left, l0)
        right = pointer(context, b, kinds[6], right, b.add(r0, first))
        offsets = pointer(context, b, kinds[8], offsets, o0)
        out = pointer(context, b, kinds[10], out, y0)
        start = pointer(context, b, kinds[13], start, s0)
        count = b.sub(end, first)
        lines = pitch, width, line_step
        left = left, left_row, left_step

        def within(index):   # a tile at the edge repeats row 0 and drops the result
            return b.select(b.icmp_signed("<", INT64(index), live), INT64(index), INT64(0))

        for height, vectors in OUTER_SHAPES.items():
            with b.if_then(b.icmp_signed("==", rows, INT64(height))):
                initial = [v.broadcast(b.select(accumulate, v.element(0.0), v.load_one(v.at(start, within(i))))) for i in range(height)]
                with b.if_else(b.icmp_signed(">=", count, INT64(vectors * v.lanes))) as (whole, edge):
                    with whole:
                        sums = _multiply(b, v, depth, left, right, offsets, initial, [None] * vectors)
                        _write_lines(b, v, sums, out, row_length, live, first, INT64(0), INT64(vectors * v.lanes), lines, accumulate)
                    with edge:   # register by register: none is worked out that is all beyond the edge
                        with cgutils.for_range_slice(b, INT64(0), count, INT64(v.lanes)) as (done, _):
                            sums, begin, skipped, rest = _multiply_rest(b, v, depth, left, right, offsets, initial, done, count)
                            _write_lines(b, v, sums, out, row_length, live, b.add(first, begin), skipped, b.add(skipped, rest), lines,
                                         accumulate)
        return context.get_dummy_value()

    return signature, generate


def _multiply(b, v, depth, left, right, offsets, initial, masks):
    """The loop over k; `left` with its steps along i and k. Its accumulators are phi nodes, which LLVM keeps in registers."""
    rows, vectors = len(initial), len(masks)
    left, left_row, left_step = left
    before = b.block
    loop, done = b.append_basic_block("k"), b.append_basic_block("k.done")
    b.branch(loop)
    b.position_at_end(loop)
    k = b.phi(INT64)
    sums = [[b.phi(v.type) for _ in range(vectors)] for _ in range(rows)]
    line = v.at(right, b.load(v.at(offsets, k), align=8))
    columns = [v.load(v.at(line, j * v.lanes), masks[j]) for j in range(vectors)]
    column = v.at(left, b.mul(k, left_step))
    results = []
    for i in range(rows):
        factor = v.broadcast(v.load_one(v.at(column, b.mul(left_row, INT64(i)))))
        results.append([v.multiply_add(factor, columns[j], sums[i][j]) for j in range(vectors)])
        for j in range(vectors):
            sums[i][j].add_incoming(initial[i], before)
            sums[i][j].add_incoming(results[i][j], loop)
    following = b.add(k, INT64(1))
    k.add_incoming(INT64(0), before)
    k.add_incoming(following, loop)
    b.cbranch(b.icmp_signed("<", following, depth), loop, done)
    b.position_at_end(done)
    return results


def _multiply_rest(b, v, depth, left, right, offsets, initial, done, count):
    """The loop over k for the one register that begins at position `done` of the tile's `count` and may reach beyond the edge:
    (sums, the position they begin at, how many of them were known already, how many are new).

    Where masks cost nothing, what lies beyond the edge is masked. Elsewhere the register steps back until it ends at the edge: some
    positions are worked out twice. It is masked only where the tile has fewer positions than a register lanes.
    """
    rest = b.sub(count, done)
    mask = v.mask_below(rest)
    rest = b.select(b.icmp_signed("<", rest, INT64(v.lanes)), rest, INT64(v.lanes))
    if VECTOR_UNIT.masks:
        return _multiply(b, v, depth, left, v.at(right, done), offsets, initial, [mask]), done, INT64(0), rest
    back = b.sub(INT64(v.lanes), rest)
    fits = b.icmp_signed("<=", back, done)
    results = []
    begin, skipped = b.select(fits, b.sub(done, back), done), b.select(fits, back, INT64(0))
    with b.if_else(fits, likely=True) as branches:
        for branch, lanes in zip(branches, (None, mask)):
            with branch:
                sums = _multiply(b, v, depth, left, v.at(right, begin), offsets, initial, [lanes])
                results.append((sums, b.block))
    sums = [[b.phi(v.type)] for _ in initial]
    for values, block in results:
        for (node,), (value,) in zip(sums, values):
            node.add_incoming(value, block)
    return sums, begin, skipped, rest


def _write_lines(b, v, results, out, row_length, live, first, skipped, end, lines, accumulate):
    """Write positions `skipped` ... `end` - 1 of a tile that begins at `first` back, one line of the image at a time: the gap at a
    line's end is dropped."""
    vectors = len(results[0])
    pitch, width, line_step = lines
    first_line = b.sdiv(b.add(first, skipped), pitch)
    end_line = b.add(b.sdiv(b.sub(b.add(first, end), INT64(1)), pitch), INT64(1))
    with cgutils.for_range_slice(b, first_line, end_line, INT64(1)) as (line, _):
        begin = b.sub(b.mul(line, pitch), first)   # the line's first lane, counted over the tile's vectors; may be negative
        stop = b.add(begin, width)
        begin = b.select(b.icmp_signed(">", begin, skipped), begin, skipped)
        stop = b.select(b.icmp_signed("<", stop, end), stop, end)
        target = v.at(out, b.add(first, b.mul(line, b.sub(line_step, pitch))))
        for j in range(vectors):
            from_lane, to_lane = b.sub(begin, INT64(j * v.lanes)), b.sub(stop, INT64(j * v.lanes))
            touched = b.and_(b.icmp_signed("<", from_lane, INT64(v.lanes)), b.icmp_signed(">", to_lane, INT64(0)))
            with b.if_then(touched):
                write = _write_masked if VECTOR_UNIT.masks else _write_whole_or_part
                write(b, v, [row[j] for row in results], v.at(target, INT64(j * v.lanes)), row_length, live, from_lane, to_lane, accumulate)


def _write_masked(b, v, column, target, row_length, live, from_lane, to_lane, accumulate):
    """Lanes from_lane ... to_lane - 1 of a column of registers, under masks, which cost nothing here."""
    mask = v.mask_between(from_lane, to_lane)
    old_mask = b.select(accumulate, mask, v.no_lanes())
    for i, register in enumerate(column):
        with b.if_then(b.icmp_signed("<", INT64(i), live), likely=True):
            address = v.at(target, b.mul(row_length, INT64(i)))
            v.store(b.fadd(register, v.load(address, old_mask)), address, mask)


def _write_whole_or_part(b, v, column, target, row_length, live, from_lane, to_lane, accumulate):
    """The same where masks are slow: most registers are written whole, the others by way of the stack, number by number."""
    whole = b.and_(b.icmp_signed("<=", from_lane, INT64(0)), b.icmp_signed(">=", to_lane, INT64(v.lanes)))
    with b.if_else(whole, likely=True) as (all_lanes, some_lanes):
        with all_lanes:
            for i, register in enumerate(column):
                with b.if_then(b.icmp_signed("<", INT64(i), live), likely=True):
                    address = v.at(target, b.mul(row_length, INT64(i)))
                    v.store(b.fadd(register, b.select(accumulate, v.load(address), v.zero)), address)
        with some_lanes:
            stack = b.bitcast(cgutils.alloca_once(b, v.type, size=len(column)), v.element.as_pointer())
            for i, register in enumerate(column):
                v.store(register, v.at(stack, i * v.lanes))
            from_lane = b.select(b.icmp_signed(">", from_lane, INT64(0)), from_lane, INT64(0))
            to_lane = b.select(b.icmp_signed("<", to_lane, INT64(v.lanes)), to_lane, INT64(v.lanes))
            with cgutils.for_range_slice(b, INT64(0), live, INT64(1)) as (i, _):
                row, line = v.at(stack, b.mul(i, INT64(v.lanes))), v.at(target, b.mul(i, row_length))
                with cgutils.for_range_slice(b, from_lane, to_lane, INT64(1)) as (lane, _):
                    address = v.at(line, lane)
                    old = b.select(accumulate, v.load_one(address), v.element(0.0))
                    b.store(b.fadd(v.load_one(v.at(row, lane)), old), address, align=v.item_bytes)


@intrinsic
def dot_tile(typing, images, count, left, l0, left_image, left_row, right, r0, right_image, offsets, o0, out, y0, row_length,
             live_rows, live_columns):
    """One dot tile, of DOT_ROWS x DOT_COLUMNS: adds to out[y0 + i * row_length + j], for i < live_rows and j < live_columns,

        sum over n < images and p < count of
            left[l0 + n * left_image + i * left_row + p] * right[r0 + n * right_image + offsets[o0 + j] + p]

    Every product has its own register; the sums over lanes come once, at the end. All arrays are flat.
    """
    n = types.int64
    signature = types.void(n, n, left, n, n, n, right, n, n, offsets, n, out, n, n, n, n)

    def generate(context, b, signature, arguments):
        (images, count, left, l0, left_image, left_row, right, r0, right_image, offsets, o0, out, y0, row_length, live_rows,
         live_columns) = arguments
        kinds = signature.args
        v = Vectors(context, b, kinds[2].dtype)
        left = pointer(context, b, kinds[2], left, l0)
        right = pointer(context, b, kinds[6], right, r0)
        offsets = pointer(context, b, kinds[9], offsets, o0)
        out = pointer(context, b, kinds[11], out, y0)

        def within(index, live):   # a tile at the edge repeats row or column 0 and drops the result
            return b.select(b.icmp_signed("<", INT64(index), live), INT64(index), INT64(0))

        left_rows = [v.at(left, b.mul(left_row, within(i, live_rows))) for i in range(DOT_ROWS)]
        right_rows = [v.at(right, b.load(v.at(offsets, within(j, live_columns)), align=8)) for j in range(DOT_COLUMNS)]
        sums = _sum_products(b, v, images, count, left_rows, left_image, right_rows, right_image)
        for i in range(DOT_ROWS):
            with b.if_then(b.icmp_signed("<", INT64(i), live_rows), likely=True):
                for j in range(DOT_COLUMNS):
                    with b.if_then(b.icmp_signed("<", INT64(j), live_columns), likely=True):
                        address = v.at(out, b.add(b.mul(row_length, INT64(i)), INT64(j)))
                        total = b.fadd(v.load_one(address), v.sum_lanes(sums[i][j]))
                        b.store(total, address, align=v.item_bytes)
        return context.get_dummy_value()

    return signature, generate


def _sum_products(b, v, images, count, left_rows, left_image, right_rows, right_image):
    """The loops over images and positions: whole registers of positions first, the rest of them under a mask."""
    rows, columns = len(left_rows), len(right_rows)
    whole = b.and_(count, INT64(-v.lanes))
    rest = v.mask_below(b.sub(count, whole))

    def enter(nodes, values, block):
        for i in range(rows):
            for j in range(columns):
                nodes[i][j].add_incoming(values[i][j], block)

    def phis(values, block):
        """Fresh phi nodes for the tile, entered from this block with these values."""
        nodes = [[b.phi(v.type) for _ in range(columns)] for _ in range(rows)]
        enter(nodes, values, block)
        return nodes

    def accumulate(sums, left_index, right_index, mask):
        factors = [v.load(v.at(row, right_index), mask) for row in right_rows]
        results = []
        for i in range(rows):
            factor = v.load(v.at(left_rows[i], left_index), mask)
            results.append([v.multiply_add(factor, factors[j], sums[i][j]) for j in range(columns)])
        return results

    before = b.block
    image, step, body, tail, done = [b.append_basic_block(name) for name in ("image", "p", "p.body", "p.tail", "p.done")]
    b.branch(image)
    b.position_at_end(image)
    number = b.phi(INT64)
    number.add_incoming(INT64(0), before)
    image_sums = phis([[v.zero] * columns] * rows, before)
    left_base, right_base = b.mul(number, left_image), b.mul(number, right_image)
    b.branch(step)
    b.position_at_end(step)
    p = b.phi(INT64)
    p.add_incoming(INT64(0), image)
    sums = phis(image_sums, image)
    b.cbranch(b.icmp_signed("<", p, whole), body, tail)
    b.position_at_end(body)
    enter(sums, accumulate(sums, b.add(p, left_base), b.add(p, right_base), None), body)
    p.add_incoming(b.add(p, INT64(v.lanes)), body)
    b.branch(step)
    b.position_at_end(tail)
    results = accumulate(sums, b.add(whole, left_base), b.add(whole, right_base), rest)
    following = b.add(number, INT64(1))
    number.add_incoming(following, tail)
    enter(image_sums, results, tail)
    b.cbranch(b.icmp_signed("<", following, images), image, done)
    b.position_at_end(done)
    return results
