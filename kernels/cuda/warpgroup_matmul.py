"""The matrix product on Hopper's tensor cores; see warpgroup.py."""
import functools

from numba import cuda, float32, int32, uint32

from .array import empty_like
from .intrinsics import (
    copy_commit, copy_wait_all, copy_wait_but_1, copy_wait_but_2, publish_to_warpgroups, round_to_tf32, store4,
)
from .launch import blocks, kernel
from .tensor_core import wide
from .tensor_core_plan import add_parts
from .warpgroup import DEPTH, STAGES, left_copy, left_words, put_pitch, right_copy, stage_words, tile

ROWS = 128


def matmul(a, b, c, transpose_a=False, transpose_b=False, accumulate=False, tile_columns=256, parts=1, stages=4):
    rows, columns, depth = *c.shape, a.shape[0 if transpose_a else 1]
    slabs = blocks(depth, DEPTH)
    arranged = empty_like(b, (blocks(columns, tile_columns) * slabs * DEPTH * tile_columns,))
    arrange(tile_columns, transpose_b)[blocks(arranged.size, 1024), 256](b.reshape(-1), arranged, columns, depth, slabs)
    product = _product(ROWS, tile_columns, not transpose_a, wide(a), stages)
    whole = parts == 1
    sums = c if whole else empty_like(c, (parts, rows, columns))
    grid = blocks(rows, ROWS), blocks(columns, tile_columns), parts
    product[grid, 2 * ROWS, shared_bytes(tile_columns, not transpose_a, stages)](
        a.reshape(-1), arranged, sums.reshape(-1), rows, columns, depth, slabs, blocks(slabs, parts), accumulate and whole)
    if not whole:
        add_parts[blocks(c.size, 256), 256](sums.reshape(parts, -1), c.reshape(-1), accumulate)


def shared_bytes(columns, along, stages):
    return 4 * max(stages * stage_words(ROWS, columns, along), ROWS * put_pitch(ROWS, columns, False))


@functools.cache
def arrange(columns, transposed):
    @cuda.jit(device=True, forceinline=True)
    def number(matrix, k, column, depth, all_columns):
        if k < uint32(depth) and column < uint32(all_columns):
            place = column * uint32(depth) + k if transposed else k * uint32(all_columns) + column
            return round_to_tf32(matrix[place])
        return float32(0)

    @kernel
    def arrange(matrix, arranged, all_columns, depth, slabs):
        place = uint32(cuda.grid(1))
        slab, rest = divmod(place, uint32(8 * columns))
        if transposed:   # a thread beside another one along the depth
            column, four = rest // uint32(8), rest % uint32(8)
        else:
            four, column = rest // uint32(columns), rest % uint32(columns)
        tile, slab_of_tile = divmod(slab, uint32(slabs))
        target = (slab * uint32(8) + four) * uint32(4 * columns) + column * uint32(4)
        column += tile * uint32(columns)
        k = slab_of_tile * uint32(DEPTH) + four * uint32(4)
        if target < arranged.size:
            store4(arranged, target, number(matrix, k, column, depth, all_columns), number(matrix, k + uint32(1), column, depth, all_columns),
                   number(matrix, k + uint32(2), column, depth, all_columns), number(matrix, k + uint32(3), column, depth, all_columns))

    return arrange


@functools.cache
def _product(rows, columns, along, left_wide, stages):
    count, place, clear, read, begin, finish, put, sums_place = tile(rows, columns, along, False)
    copy_left, copy_right = left_copy(rows, along, left_wide), right_copy(columns, 2 * rows)
    words_left, words_stage = left_words(rows, along), stage_words(rows, columns, along)
    sums_pitch, threads, slab_words = put_pitch(rows, columns, False), 2 * rows, DEPTH * columns
    all_words = stages * words_stage
    arrived = (copy_wait_all, copy_wait_but_1, copy_wait_but_2)[stages - 3]

    @kernel(launch_bounds=(threads, 1 if columns == 256 else 2), specific=True)
    def product(a, b, c, all_rows, all_columns, depth, all_slabs, part_slabs, accumulate):
        shared, sums = cuda.shared.array(0, float32, alignment=128), cuda.local.array(count, float32)
        clear(sums, shared, 0, 0)
        first_row, first_column, part = cuda.blockIdx.x * rows, cuda.blockIdx.y * columns, cuda.blockIdx.z
        first_slab = part * part_slabs
        slabs = min(part_slabs, all_slabs - first_slab)
        k, source = int32(first_slab * DEPTH), int32((cuda.blockIdx.y * all_slabs + first_slab) * slab_words)
        k_end, source_end = int32(min(depth, k + slabs * DEPTH)), int32(source + slabs * slab_words)
        pitch = depth if along else all_rows
        left = int32(place(cuda.threadIdx.x))
        target = int32(0)
        for _ in range(stages - 1):
            copy_left(shared, target, a, first_row, all_rows, k, k_end, pitch)
            copy_right(shared, target + words_left, b, source, source < source_end)
            copy_commit()
            k, source, target = int32(k + DEPTH), int32(source + slab_words), int32(target + words_stage)
        arrived()
        publish_to_warpgroups()
        cuda.syncthreads()
        read(sums, shared, left, 0)
        stage = int32(0)
        for _ in range(slabs):
            begin(sums, shared, stage + words_left, 0)
            stage = int32(stage + words_stage)
            if stage == all_words:
                stage = int32(0)
            copy_left(shared, target, a, first_row, all_rows, k, k_end, pitch)
            copy_right(shared, target + words_left, b, source, source < source_end)
            copy_commit()
            k, source, target = int32(k + DEPTH), int32(source + slab_words), int32(target + words_stage)
            if target == all_words:
                target = int32(0)
            read(sums, shared, stage + left, 0)
            finish(sums, shared, 0, 0)
            arrived()
            publish_to_warpgroups()
            cuda.syncthreads()   # the slab after the next one is there for all, and all are done with this one
        copy_wait_all()
        cuda.syncthreads()   # the slabs are no more needed
        put(sums, shared, sums_place(cuda.threadIdx.x), 0)
        cuda.syncthreads()
        column = cuda.threadIdx.x % columns
        for row in range(cuda.threadIdx.x // columns, min(rows, all_rows - first_row), threads // columns):
            if first_column + column < all_columns:
                target = uint32((part * all_rows + first_row + row) * all_columns + first_column + column)
                value = shared[row * sums_pitch + column]
                c[target] = c[target] + value if accumulate else value

    return product
