"""The matrix product on Hopper's tensor cores (warpgroup.py).

Of the two matrices the smaller one is the right operand, which is brought into order beforehand. Where that is a, the transposed product
is computed, and the sums are written turned:  c^T = b^T a^T.
"""
import functools

from numba import cuda, float32, int32, uint32

from .array import empty_like
from .intrinsics import copy_commit, copy_wait_all, copy_wait_but_1, publish_to_warpgroups, round_to_tf32, store4
from .launch import blocks, kernel
from .tensor_core import wide
from .tensor_core_plan import add_parts
from .warpgroup import (
    DEPTH, STAGES, launch_bounds, left_copy, left_words, put_pitch, right_copy, shared_bytes, stage_words, tile,
)
from .warpgroup_plan import plan_of


def matmul(a, b, c, transpose_a=False, transpose_b=False, accumulate=False):
    """As kernels.reference.matmul.matmul, with operands that are rounded to tf32."""
    rows, columns = c.shape
    depth = a.shape[0 if transpose_a else 1]
    left, right, along, right_along, turned = a, b, not transpose_a, transpose_b, False
    if rows < columns:
        left, right, along, right_along, turned = b, a, transpose_b, not transpose_a, True
        rows, columns = columns, rows
    slabs = max(1, blocks(depth, DEPTH))
    plan = plan_of(rows, columns, slabs, a.machine.multiprocessors)
    arranged = empty_like(right, (blocks(columns, plan.columns) * slabs * DEPTH * plan.columns,))
    _arrange(plan.columns, right_along)[blocks(arranged.size, 1024), 256](right.reshape(-1), arranged, columns, depth, slabs)
    whole = plan.parts == 1
    sums = c if whole else empty_like(c, (plan.parts, *c.shape))
    grid = blocks(rows, plan.rows), blocks(columns, plan.columns), plan.parts
    _product(plan.rows, plan.columns, along, wide(left), turned)[
        grid, 2 * plan.rows, shared_bytes(plan.rows, plan.columns, along, turned)](
        left.reshape(-1), arranged, sums.reshape(-1), rows, columns, depth, slabs, plan.slabs, accumulate and whole)
    if not whole:
        add_parts[blocks(c.size, 256), 256](sums.reshape(plan.parts, -1), c.reshape(-1), accumulate)


@functools.cache
def _arrange(columns, along):
    """The kernel that rounds a matrix and writes it slab by slab; it is stored column by k if `along`, else k by column."""
    @cuda.jit(device=True, forceinline=True)
    def number(matrix, k, column, depth, all_columns):
        if k < uint32(depth) and column < uint32(all_columns):
            return round_to_tf32(matrix[column * uint32(depth) + k if along else k * uint32(all_columns) + column])
        return float32(0)

    @kernel
    def arrange(matrix, arranged, all_columns, depth, slabs):
        """A thread writes four numbers of one column."""
        slab, rest = divmod(uint32(cuda.grid(1)), uint32(DEPTH // 4 * columns))
        if along:   # threads side by side read numbers side by side
            column, four = divmod(rest, uint32(DEPTH // 4))
        else:
            four, column = divmod(rest, uint32(columns))
        column_tile, slab_of_tile = divmod(slab, uint32(slabs))
        target = uint32((slab * uint32(DEPTH // 4) + four) * uint32(4 * columns) + column * uint32(4))
        column = uint32(column + column_tile * uint32(columns))
        k = uint32(slab_of_tile * uint32(DEPTH) + four * uint32(4))
        if target < uint32(arranged.size):
            store4(arranged, target,
                   number(matrix, k, column, depth, all_columns), number(matrix, k + uint32(1), column, depth, all_columns),
                   number(matrix, k + uint32(2), column, depth, all_columns), number(matrix, k + uint32(3), column, depth, all_columns))

    return arrange


@functools.cache
def _product(rows, columns, along, left_wide, turned):
    """The kernel for tiles of this size: block (x, y, z) computes tile (x, y) of part z of the depth."""
    count, place, clear, read, begin, finish, put, sums_place = tile(rows, columns, along, turned)
    copy_left, copy_right = left_copy(rows, along, left_wide), right_copy(columns, 2 * rows)
    words_left, words_stage = left_words(rows, along), stage_words(rows, columns, along)
    sums_pitch, threads, slab_words, all_words = put_pitch(rows, columns, turned), 2 * rows, DEPTH * columns, STAGES * words_stage

    @kernel(launch_bounds=launch_bounds(rows, columns), specific=True)
    def product(left, right, result, all_rows, all_columns, depth, all_slabs, part_slabs, accumulate):
        shared, sums = cuda.shared.array(0, float32, alignment=128), cuda.local.array(count, float32)
        clear(sums, shared, 0, 0)
        first_row, first_column, part = cuda.blockIdx.x * rows, cuda.blockIdx.y * columns, cuda.blockIdx.z
        first_slab = part * part_slabs
        slabs = min(part_slabs, all_slabs - first_slab)
        k, source = int32(first_slab * DEPTH), int32((cuda.blockIdx.y * all_slabs + first_slab) * slab_words)
        k_end, source_end = int32(min(depth, k + slabs * DEPTH)), int32(source + slabs * slab_words)
        pitch = depth if along else all_rows
        left_place, target, stage = int32(place(cuda.threadIdx.x)), int32(0), int32(0)
        for _ in range(STAGES - 1):
            copy_left(shared, target, left, first_row, all_rows, k, k_end, pitch)
            copy_right(shared, target + words_left, right, source, source < source_end)
            copy_commit()
            k, source, target = int32(k + DEPTH), int32(source + slab_words), int32(target + words_stage)
        copy_wait_but_1()
        publish_to_warpgroups()
        cuda.syncthreads()
        read(sums, shared, left_place, 0)
        for _ in range(slabs):
            begin(sums, shared, stage + words_left, 0)
            copy_left(shared, target, left, first_row, all_rows, k, k_end, pitch)
            copy_right(shared, target + words_left, right, source, source < source_end)
            copy_commit()
            k, source, target, stage = int32(k + DEPTH), int32(source + slab_words), int32(target + words_stage), int32(stage + words_stage)
            if target == all_words:
                target = int32(0)
            if stage == all_words:
                stage = int32(0)
            read(sums, shared, stage + left_place, 0)
            finish(sums, shared, 0, 0)
            copy_wait_but_1()
            publish_to_warpgroups()
            cuda.syncthreads()   # the slab after the next one is there for all, and all are done with this one
        copy_wait_all()
        cuda.syncthreads()   # the slabs are no more needed
        put(sums, shared, sums_place(cuda.threadIdx.x), 0)
        cuda.syncthreads()
        lines, numbers, first_line, first_number, all_lines, all_numbers = rows, columns, first_row, first_column, all_rows, all_columns
        if turned:
            lines, numbers, first_line, first_number, all_lines, all_numbers = (
                columns, rows, first_column, first_row, all_columns, all_rows)
        number = cuda.threadIdx.x % numbers
        if first_number + number < all_numbers:
            for line in range(cuda.threadIdx.x // numbers, min(lines, all_lines - first_line), max(threads // numbers, 1)):
                place_ = uint32((part * all_lines + first_line + line) * all_numbers + first_number + number)
                value = shared[line * sums_pitch + number]
                result[place_] = result[place_] + value if accumulate else value

    return product
