"""The fp32 matrix product of a block of threads, for whatever can be read as two matrices: written as source text, part by part.

A block computes a tile of the product, a thread 8 x 8 numbers of it, which stay in its registers while k runs:

                       columns of the block
                    +-----------------------+
                    |   right[k][column]    |  shared memory, twice: one is multiplied while the other is filled
                    +-----------------------+
     +---+          +----+-+--------+-+-----+
     | l |          |    |b|        |b|     |  for each k a thread takes 8 numbers a of the left and 8 numbers b of the right,
     | e |          +----+-+--------+-+-----+  in four loads of 16 bytes, and does 64 multiply-adds with them.
     | f | rows   a |    |4x4       |4x4    |
     | t | of     a |    +-+        +-+     |  Its rows are 4 of the upper and 4 of the lower half, its columns 4 of the left
     |[k]| the      |                       |  and 4 of the right half: so a warp, which is 4 x 8 threads, reads 64 and 128
     |[r]| block  a |    |4x4       |4x4    |  bytes that lie side by side, and no two threads want the same bank of shared
     |[o]|        a |    +-+        +-+     |  memory at once.
     |[w]|          |                       |
     +---+          +-----------------------+

    for every slice of k, beginning before the first one:
        fetch the next slice           from global memory to registers: on its way while the multiply-adds of this one go on
        multiply this slice            if it is not the one before the first
        put the next slice; barrier    from registers to shared memory

The multiply-adds of all steps are written out, by inner_product.py: a loop would cost time for counting. For the same reason what is
needed in each slice and does not change goes through `keep`. Where numbers come from, and where they go, are parts of the text: a source
has the methods `arguments`, `begin`, `fetch` and `put` (here for matrices; for images in implicit.py), a target `arguments` and `store`.

Volkov & Demmel, "Benchmarking GPUs to tune dense linear algebra" (SC 2008); NVIDIA, "CUTLASS: Fast linear algebra in CUDA C++" (2017).
"""
import dataclasses
import functools
import linecache
import textwrap
from typing import NamedTuple

from numba import cuda, float32, int32, uint32

from .inner_product import SIZE, Share, inner_product
from .intrinsics import keep, load4, shared_address, store4
from .launch import Kernel


class Tile(NamedTuple):
    rows: int       # of the block: 32, 64 or 128
    columns: int    # 64 or 128
    depth: int      # steps of k in a slice
    blocks: int     # that are to fit on a multiprocessor: this limits the registers of a thread

    @property
    def threads(self):
        return self.rows * self.columns // SIZE ** 2

    def width(self, side):
        return self.rows if side == "left" else self.columns


@dataclasses.dataclass(frozen=True)
class Straight:
    """A matrix with the numbers of a step of k side by side: [k, i] lies at k * step + i.

    vector   numbers of a load: 4, if the rows of the matrix begin at multiples of 16 bytes, or 1
    """

    vector: int

    def arguments(self, side):
        return f"{side}, {side}_step, {side}_count"

    def across(self, tile, side):
        """How many loads each thread makes along the tile in one step of k, and how many steps all threads together make at once."""
        loads = tile.width(side) // self.vector
        return max(1, loads // tile.threads), max(1, tile.threads // loads)

    def begin(self, tile, side):
        across, _ = self.across(tile, side)
        loads = tile.width(side) // self.vector
        lines = [f"{side}_level = uint32(thread // {loads})",
                 f"{side}_place = uint32(thread % {min(loads, tile.threads) if across > 1 else loads} * {self.vector})"]
        for number in range(across):
            lines += [f"{side}_at_{number} = uint32(first_{side} + {side}_place + {number * tile.threads * self.vector})",
                      *self.find(side, number)]
        return lines

    def find(self, side, number):
        """Set side_base_number, the place of [0, at], and what `value` needs."""
        return [f"{side}_base_{number} = keep({side}_at_{number})"]

    def level(self, side, number):
        """Set what the loads of a step of k share."""
        return [f"{side}_row_{number} = uint32({side}_k * uint32({side}_step))"]

    def condition(self, side, number, along):
        return f"{side}_at_{along} < uint32({side}_count) and {side}_k < uint32(end)"

    def index(self, side, number, along):
        return f"uint32({side}_base_{along} + {side}_row_{number})"

    def staged(self, tile, side):
        return tile.width(side) * tile.depth // tile.threads

    def length(self, tile, side):
        return tile.width(side)

    def fetch(self, tile, side, k):
        across, steps = self.across(tile, side)
        lines, place = [], 0
        for number in range(self.staged(tile, side) // self.vector // across):
            lines += [f"{side}_k = uint32({k} + {side}_level + {number * steps})", *self.level(side, number)]
            for along in range(across):
                lines += _load(side, self.vector, place, self.condition(side, number, along), self.index(side, number, along))
                place += self.vector
        return lines

    def put(self, tile, side, stage):
        across, steps = self.across(tile, side)
        lines, place = [], 0
        for number in range(self.staged(tile, side) // self.vector // across):
            for along in range(across):
                where = (f"({stage}, uint32({side}_level + {number * steps}), "
                         f"uint32({side}_place + {along * tile.threads * self.vector}))")
                if self.vector == 4:
                    lines.append(f"store4({side}_tile, {where}, {_list(f'{side}_next', place)})")
                else:
                    lines.append(f"{side}_tile[{where[1:-1]}] = {side}_next[{place}]")
                place += self.vector
        return lines


@dataclasses.dataclass(frozen=True)
class Turned:
    """A matrix with the steps of k side by side: [k, i] lies at i * step + k. It is transposed on its way into shared memory, whose rows
    are 4 numbers longer for that, so that the threads of a warp write to different banks."""

    vector: int

    def arguments(self, side):
        return f"{side}, {side}_step, {side}_count"

    def staged(self, tile, side):
        return tile.width(side) * tile.depth // tile.threads

    def length(self, tile, side):
        return tile.width(side) + 4

    def begin(self, tile, side):
        loads = tile.depth // self.vector
        return [f"{side}_level = uint32(thread % {loads} * {self.vector})",
                f"{side}_place = uint32(thread // {loads})",
                f"{side}_at = uint32(first_{side} + {side}_place)",
                f"{side}_base = keep(uint32({side}_at * uint32({side}_step) + {side}_level))"]

    def _passes(self, tile, side):
        return self.staged(tile, side) // self.vector, tile.threads * self.vector // tile.depth

    def fetch(self, tile, side, k):
        lines = []
        passes, rows = self._passes(tile, side)
        for number in range(passes):
            lines += _load(side, self.vector, number * self.vector,
                           f"uint32({side}_at + {number * rows}) < uint32({side}_count) and uint32({k} + {side}_level) < uint32(end)",
                           f"uint32({side}_base + {number * rows} * uint32({side}_step) + {k})")
        return lines

    def put(self, tile, side, stage):
        passes, rows = self._passes(tile, side)
        return [f"{side}_tile[{stage}, uint32({side}_level + {one}), uint32({side}_place + {number * rows})] = "
                f"{side}_next[{number * self.vector + one}]" for number in range(passes) for one in range(self.vector)]


@dataclasses.dataclass(frozen=True)
class Matrix:
    """The target: c[row, column], or one of several such parts of a sum behind each other; with `accumulate`, c + that."""

    vector: int

    def arguments(self):
        return "c, accumulate"

    def base(self):
        return "uint32(cuda.blockIdx.y * left_count * right_count)"

    def store(self):
        return f"""
            c_base = {self.base()}
            for i in range(8):
                row = uint32(first_left + my_row + (i & 3) + (i >> 2) * ROW_GAP)
                if row < uint32(left_count):
                    for half in range(2):
                        column = uint32(first_right + my_column + half * COLUMN_GAP)
                        place = uint32(c_base + row * uint32(right_count) + column)
                        {"if column < uint32(right_count):" if self.vector == 4 else "for j in range(4):"}
        """ + textwrap.indent("""
                            s0, s1, s2, s3 = sums[i, 4 * half], sums[i, 4 * half + 1], sums[i, 4 * half + 2], sums[i, 4 * half + 3]
                            if accumulate:
                                c0, c1, c2, c3 = load4(c, place)
                                s0, s1, s2, s3 = s0 + c0, s1 + c1, s2 + c2, s3 + c3
                            store4(c, place, s0, s1, s2, s3)
        """ if self.vector == 4 else """
                            if uint32(column + j) < uint32(right_count):
                                value = sums[i, 4 * half + j]
                                if accumulate:
                                    value += c[uint32(place + j)]
                                c[uint32(place + j)] = value
        """, "")


def _list(array, first):
    return ", ".join(f"{array}[{place}]" for place in range(first, first + 4))


def _load(side, vector, place, condition, index):
    """One load into the registers `side_next` from `place` on; zeros where the condition does not hold."""
    names = _list(f"{side}_next", place) if vector == 4 else f"{side}_next[{place}]"
    zeros = ", ".join(["float32(0)"] * vector)
    value = f"load4({side}, {index})" if vector == 4 else f"{side}[{index}]"
    if condition is None:
        return [f"{names} = {value}"]
    return [f"if {condition}:", f"    {names} = {value}", "else:", f"    {names} = {zeros}"]


def _block(lines, depth):
    return textwrap.indent("\n".join(lines), "    " * depth)


_KERNEL = """\
def product_{tile.rows}x{tile.columns}({arguments}, row_blocks, depth, part_depth):
    left_tile = cuda.shared.array((2, {tile.depth}, {left_length}), float32, alignment=16)
    right_tile = cuda.shared.array((2, {tile.depth}, {right_length}), float32, alignment=16)
    sums = cuda.local.array((8, 8), float32)
    left_next = cuda.local.array({left_staged}, float32)
    right_next = cuda.local.array({right_staged}, float32)
    thread = keep(uint32(cuda.threadIdx.x))
    warp, lane = uint32(thread >> 5), uint32(thread & 31)
    my_row = uint32((warp // WARPS_ACROSS * 4 + (lane & 1) + (lane >> 4) * 2) * 4)
    my_column = uint32((warp % WARPS_ACROSS * 8 + (lane >> 1 & 7)) * 4)
    first_left = uint32(uint32(cuda.blockIdx.x) % uint32(row_blocks) * {tile.rows})
    first_right = uint32(uint32(cuda.blockIdx.x) // uint32(row_blocks) * {tile.columns})
    start = int32(cuda.blockIdx.y * part_depth)
    end = int32(min(int32(depth), int32(start + part_depth)))
    for i in range(8):
        for j in range(8):
            sums[i, j] = float32(0)
    left_read = keep(shared_address(left_tile, (uint32(0), uint32(0), my_row)))
    right_read = keep(shared_address(right_tile, (uint32(0), uint32(0), my_column)))
{begin}
    stage = uint32(1)
    for k in range(int32(start - {tile.depth}), end, int32({tile.depth})):   # the first time round there is nothing yet to multiply
        next_k = int32(k + {tile.depth})
        if next_k < end:
{fetch}
        if k >= start:
            multiply(sums, left_tile, uint32(left_read + stage * LEFT_SIZE), right_tile, uint32(right_read + stage * RIGHT_SIZE))
        if next_k < end:
            stage = uint32(stage ^ 1)
{put}
            cuda.syncthreads()
{store}
"""


def source(tile, left, right, target):
    """The text of the kernel."""
    sides = ("left", left), ("right", right)

    def both(method, depth, *more):
        return _block([line for side, operand in sides for line in getattr(operand, method)(tile, side, *more)], depth)

    text = _KERNEL.format(
        tile=tile, arguments=", ".join([left.arguments("left"), right.arguments("right"), target.arguments()]),
        left_length=left.length(tile, "left"), right_length=right.length(tile, "right"),
        left_staged=left.staged(tile, "left"), right_staged=right.staged(tile, "right"),
        begin=both("begin", 1), fetch=both("fetch", 3, "next_k"), put=both("put", 3, "stage"),
        store=_block([textwrap.dedent(target.store())], 1))
    share = _share(tile, left, right)
    constants = {
        "TILE_ROWS": tile.rows, "TILE_COLUMNS": tile.columns, "ROW_GAP": share.row_gap,
        "COLUMN_GAP": share.column_gap, "WARPS_ACROSS": tile.columns // 64,
        "LEFT_SIZE": 4 * tile.depth * share.left_length, "RIGHT_SIZE": 4 * tile.depth * share.right_length}
    for name, value in constants.items():
        text = text.replace(name, str(value))
    return text


def _share(tile, left, right):
    return Share(tile.rows // 2, tile.columns // 2, left.length(tile, "left"), right.length(tile, "right"), tile.depth)


@functools.cache
def product(tile, left, right, target):
    """The kernel for a tile, two sources and a target.

    Its arguments are those of left, right and target, and (row_blocks, depth, part_depth); the grid is (row_blocks x blocks along the
    columns, parts of k, whatever the sources and the target make of it).
    """
    text = source(tile, left, right, target)
    name = f"<{tile}, {left}, {right}, {target}>"
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name   # so that errors can show its lines
    # with the name of this module it counts as one of its kernels, and is kept on disk (cache.py)
    names = {"__name__": __name__, "cuda": cuda, "float32": float32, "int32": int32, "uint32": uint32, "load4": load4, "store4": store4,
             "keep": keep, "shared_address": shared_address, "multiply": inner_product(_share(tile, left, right)), "min": min}
    exec(compile(text, name, "exec"), names)
    return Kernel(names[f"product_{tile.rows}x{tile.columns}"], launch_bounds=(tile.threads, tile.blocks))
