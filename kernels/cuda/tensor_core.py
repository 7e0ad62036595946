"""The product of two tiles on tensor cores: what one block of four warps adds to its sums for each slab of the depth.

    sums (rows, columns) += left (rows, DEPTH) right (DEPTH, columns)

Slabs arrive in shared memory by asynchronous copies, STAGES - 1 of them ahead of the one that is multiplied. A slab of an operand lies
there as it does in device memory, for a copy cannot transpose it:

    along    tile[outer, k]: a row has DEPTH = 16 words, four chunks of 16 bytes, and chunk c of row r is at place c ^ (r / 2 % 4) of it.
             So the eight rows that ldmatrix reads at once, one chunk of each, begin in eight different groups of four banks, and so do
             the two rows that eight threads write at once.
    across   tile[k, outer]: a row has 8 words more than it needs. So the 4 x 8 numbers that a warp reads at once are in 32 banks.

The four warps are two by two: a warp has half of the rows and half of the columns, as products of 16 x 8 (mma.sync), of which each lane
holds four sums. Its operands are rounded on their way from shared memory to the tensor cores, to tf32 or to bfloat16; all sums are in
single precision. Without rounding the tensor cores would cut numbers off, so that every product were too small by 0.07 % on average.

NVIDIA, PTX ISA, section 9.7.14 (mma.m16n8k8, mma.m16n8k16, ldmatrix); Kerr et al., "CUTLASS: fast linear algebra in CUDA C++" (2017).
"""
import functools
import typing

from numba import cuda

from .intrinsics import copy_async_four, copy_async_one, written_out
from .precision import TF32

DEPTH, STAGES, THREADS = 16, 4, 128
_PADDING = 8   # words


def pitch(size, along):
    """Words from one row of a slab in shared memory to the next."""
    return DEPTH if along else size + _PADDING


def words(size, along):
    """Of shared memory, for a slab of an operand with so many rows or columns."""
    return size * DEPTH if along else DEPTH * pitch(size, along)


def shared_bytes(rows, columns, left_along, right_along):
    """For all stages, and afterwards for the sums."""
    return 4 * max(STAGES * (words(rows, left_along) + words(columns, right_along)), rows * pitch(columns, False))


class Tile(typing.NamedTuple):
    """Device functions and instructions for tiles of one kind; `sums` is a local array of `count` floats, `shared` all shared memory.

    places(thread)                        where the numbers of a thread begin in a slab of left, and of right
    clear(sums, shared, 0, 0)             sets the sums to 0
    multiply(sums, shared, left, right)   with those places, counted in all shared memory: adds a slab to the sums
    put(sums, shared, place, 0)           writes the sums to shared[row * pitch(columns, False) + column], where `place` is
    place(thread)                         that of the thread
    """

    count: int
    places: object
    clear: object
    multiply: object
    put: object
    place: object


@functools.cache
def tile(rows, columns, left_along, right_along, operands):
    """The Tile for so many rows and columns, and for operands that lie so in shared memory and are rounded so."""
    row_tiles, column_tiles = rows // 32, columns // 16   # of a warp
    left_pitch, right_pitch, sums_pitch = pitch(rows, left_along), pitch(columns, right_along), pitch(columns, False)

    @cuda.jit(device=True, forceinline=True)
    def places(thread):
        lane, row, column = thread & 31, (thread >> 6) * (rows // 2), (thread >> 5 & 1) * (columns // 2)
        swap = lane >> 1 & 3
        if left_along:
            left = (row + (lane & 15)) * DEPTH + ((lane >> 4) ^ swap) * 4
        else:
            left = (lane & 3) * left_pitch + row + (lane >> 2)
        if right_along:
            right = (column + (lane & 7) + (lane >> 4) * 8) * DEPTH + ((lane >> 3 & 1) ^ swap) * 4
        else:
            right = (lane & 3) * right_pitch + column + (lane >> 2)
        return left, right

    @cuda.jit(device=True, forceinline=True)
    def place(thread):
        return ((thread >> 6) * (rows // 2) + (thread >> 2 & 7)) * sums_pitch + (thread >> 5 & 1) * (columns // 2) + (thread & 3) * 2

    def clear(on, *_):
        for number in range(4 * row_tiles * column_tiles):
            on.sums[number] = on.zero()

    def load(on, left, right, half):
        """Half of a slab: for each tile of rows four words, and two for each tile of columns, as multiply_tf32 has them."""
        if left_along:
            a = [on.load_matrices(left, 8 * half, 16 * DEPTH * i) for i in range(row_tiles)]
        else:
            a = [[on.load(left, (8 * half + k) * left_pitch + 16 * i + below) for k, below in [(0, 0), (0, 8), (4, 0), (4, 8)]]
                 for i in range(row_tiles)]
        if right_along:
            fours = [on.load_matrices(right, 8 * half, 16 * DEPTH * j) for j in range(column_tiles // 2)]
            b = [two for four in fours for two in (four[:2], four[2:])]
        else:
            b = [[on.load(right, (8 * half + k) * right_pitch + 8 * j) for k in (0, 4)] for j in range(column_tiles)]
        return a, b

    def multiply_as_tf32(on, left, right):
        for half in range(2):
            a, b = ([list(map(on.to_tf32, words)) for words in operand] for operand in load(on, left, right, half))
            on.multiply_tf32(a, b)

    def multiply_as_bfloat16(on, left, right):
        """The order of the depth does not matter, if it is the same in both operands: k and k + 4 share a word."""
        (a, b), (more_a, more_b) = load(on, left, right, 0), load(on, left, right, 1)
        a = [[on.to_bfloat16(words[below], words[below + 2]) for words in halves for below in (0, 1)] for halves in zip(a, more_a)]
        b = [[on.to_bfloat16(*words) for words in halves] for halves in zip(b, more_b)]
        on.multiply_bfloat16(a, b)

    def put(on, place, _):
        for i in range(row_tiles):
            for j in range(column_tiles):
                for below in (0, 1):
                    first = 4 * (i * column_tiles + j) + 2 * below
                    on.store_pair(place, (16 * i + 8 * below) * sums_pitch + 8 * j, on.sums[first], on.sums[first + 1])

    multiply = multiply_as_tf32 if operands == TF32 else multiply_as_bfloat16
    return Tile(4 * row_tiles * column_tiles, places, written_out(clear), written_out(multiply), written_out(put), place)


@functools.cache
def matrix_copy(size, along, wide):
    """The device function that begins to copy a slab of a matrix in rows: outer by k if `along`, else k by outer.

    copy(shared, start, matrix, first, end, k, k_end, pitch): from outer position `first` and depth k on; what is not before `end` and
    k_end becomes 0. `wide`: 16 bytes at once, for which the matrix and its rows must begin at multiples of 16 bytes.
    """
    row_pitch, step = pitch(size, along), 4 if wide else 1
    across = (DEPTH if along else size) // step   # threads for one row of the slab
    rows_at_once = THREADS // across
    count = (size if along else DEPTH) // rows_at_once

    @cuda.jit(device=True, forceinline=True)
    def copy(shared, start, matrix, first, end, k, k_end, matrix_pitch):
        thread = cuda.threadIdx.x
        row, column = thread // across, thread % across * step
        if along:
            target = start + row * row_pitch + (((column >> 2) ^ (row >> 1 & 3)) << 2) + (column & 3)
            source, here = (first + row) * matrix_pitch + (k + column), k + column < k_end
        else:
            target = start + row * row_pitch + column
            source, here = (k + row) * matrix_pitch + (first + column), first + column < end
        for i in range(count):
            if along:
                present = here and first + row + i * rows_at_once < end
            else:
                present = here and k + row + i * rows_at_once < k_end
            if wide:
                copy_async_four(shared, target + i * rows_at_once * row_pitch, matrix, source + i * rows_at_once * matrix_pitch, present)
            else:
                copy_async_one(shared, target + i * rows_at_once * row_pitch, matrix, source + i * rows_at_once * matrix_pitch, present)

    return copy


def wide(array):
    """Can all rows of a matrix be copied by 16 bytes?"""
    return array.address % 16 == 0 and array.shape[-1] % 4 == 0
