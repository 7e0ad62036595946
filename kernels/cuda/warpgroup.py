"""The product of two tiles on the tensor cores of Hopper (sm_90), which four warps use together: a warpgroup.

    sums (rows, columns) += left (rows, DEPTH) right (DEPTH, columns)

The warpgroup's instruction (wgmma) takes 64 rows of left from registers and all columns of right from shared memory, at once and in the
background: sums of 64 x 256, where mma.sync (tensor_core.py) has 16 x 8. So right is read from shared memory by the tensor cores
themselves, in an order that they want, and unrounded numbers would be cut off: a kernel before, `arrange` of those who multiply, rounds
right and writes it to device memory in just that order, slab by slab, filled up with zeros. From there a slab is copied as it is.
Left is copied in the order that it has, and every thread rounds the numbers that it holds for the warpgroup:

    along    tile[row, k]: a row has 4 words more than it needs.   So the 8 x 4 numbers that a warp reads at once are in 32 banks.
    across   tile[k, row]: a row has 8 words more than it needs.   Likewise, 4 x 8.

Slabs arrive by asynchronous copies. While the tensor cores work on one slab, the threads read and round the next one.

NVIDIA, PTX ISA, section 9.7.15 (wgmma.mma_async: fragments, core matrices, matrix descriptors).
"""
import functools
import typing

from numba import cuda

from .intrinsics import copy_async_four, copy_async_one, written_out

DEPTH, STAGES = 32, 4


def left_pitch(rows, along):
    """Words from one row of a slab of left in shared memory to the next."""
    return DEPTH + 4 if along else rows + 8


def left_words(rows, along):
    return rows * left_pitch(rows, along) if along else DEPTH * left_pitch(rows, along)


def stage_words(rows, columns, along):
    """For a slab of both."""
    return left_words(rows, along) + DEPTH * columns


def shared_bytes(rows, columns, along, turned):
    """For all stages, and afterwards for the sums."""
    return 4 * max(STAGES * stage_words(rows, columns, along), (columns if turned else rows) * put_pitch(rows, columns, turned))


def launch_bounds(rows, columns):
    """Threads, and blocks on a multiprocessor, which limit the registers that the sums leave."""
    return 2 * rows, 2 if rows * columns <= 128 * 64 else 1


def put_pitch(rows, columns, turned):
    """Words from one row of the sums in shared memory to the next, or from one column to the next if `turned`."""
    return rows + 4 if turned else columns + 8


class Tile(typing.NamedTuple):
    """Device functions and instructions, as those of tensor_core.Tile.

    read(sums, shared, left, 0)     reads the thread's numbers of a slab of left, where `left` is that of place(thread) in it
    begin(sums, shared, right, 0)   rounds them and begins to add their product with a slab of right; then others may be read
    finish(sums, shared, 0, 0)      waits until it has been added
    """

    count: int
    place: object
    clear: object
    read: object
    begin: object
    finish: object
    put: object
    sums_place: object


@functools.cache
def tile(rows, columns, along, turned):
    """The Tile for so many rows, 64 for each warpgroup, and columns. `put` writes sums[column, row] if `turned`, else sums[row, column]."""
    count, words, pitch = columns // 2, DEPTH // 2, left_pitch(rows, along)
    sums_pitch = put_pitch(rows, columns, turned)
    k_step, row_step = (1, pitch) if along else (pitch, 1)

    @cuda.jit(device=True, forceinline=True)
    def place(thread):
        return (thread & 3) * k_step + ((thread >> 5) * 16 + (thread >> 2 & 7)) * row_step

    @cuda.jit(device=True, forceinline=True)
    def sums_place(thread):
        row, column = (thread >> 5) * 16 + (thread >> 2 & 7), (thread & 3) * 2
        return column * sums_pitch + row if turned else row * sums_pitch + column

    def clear(on, *_):
        for number in range(count):
            on.sums[number] = on.zero()

    def read(on, left, _):
        for number in range(words):
            step, k, below = number // 4, number // 2 % 2 * 4, number % 2 * 8
            on.sums[count + number] = on.number(on.load(left, (8 * step + k) * k_step + below * row_step))

    def begin(on, right, _):
        a = [on.to_tf32(on.word(on.sums[count + number])) for number in range(words)]
        on.multiply_warpgroup([a[first:first + 4] for first in range(0, words, 4)], right, columns)

    def finish(on, *_):
        on.wait_warpgroup(columns)

    def put(on, place, _):
        for j in range(columns // 8):
            for below in (0, 1):
                first = 4 * j + 2 * below
                if turned:
                    for beside in (0, 1):
                        on.store(place, (8 * j + beside) * sums_pitch + 8 * below, on.sums[first + beside])
                else:
                    on.store_pair(place, 8 * below * sums_pitch + 8 * j, on.sums[first], on.sums[first + 1])

    return Tile(count + words, place, *map(written_out, (clear, read, begin, finish, put)), sums_place)



@functools.cache
def left_copy(rows, along, wide):
    """The device function that begins to copy a slab of left, a matrix in rows: row by k if `along`, else k by row.

    copy(shared, start, matrix, first, end, k, k_end, pitch): as tensor_core.matrix_copy.
    """
    threads, row_pitch, step = rows * 2, left_pitch(rows, along), 4 if wide else 1
    across = (DEPTH if along else rows) // step   # threads for one row of the slab
    rows_at_once = threads // across
    count = (rows if along else DEPTH) // rows_at_once

    @cuda.jit(device=True, forceinline=True)
    def copy(shared, start, matrix, first, end, k, k_end, matrix_pitch):
        thread = cuda.threadIdx.x
        row, column = thread // across, thread % across * step
        target = start + row * row_pitch + column
        if along:
            source, here = (first + row) * matrix_pitch + (k + column), k + column < k_end
        else:
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


@functools.cache
def right_copy(columns, threads):
    """The device function that begins to copy a slab of right, as it is: copy(shared, start, arranged, source, present); zeros if it is
    not present."""
    @cuda.jit(device=True, forceinline=True)
    def copy(shared, start, arranged, source, present):
        for i in range(DEPTH * columns // (4 * threads)):
            place = (i * threads + cuda.threadIdx.x) * 4
            copy_async_four(shared, start + place, arranged, source + place, present)

    return copy
