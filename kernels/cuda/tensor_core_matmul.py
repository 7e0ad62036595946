"""The matrix product on tensor cores."""
import functools

from numba import cuda, float32, uint32

from .array import empty_like
from .intrinsics import copy_commit, copy_wait_all, copy_wait_but_2
from .launch import blocks, kernel
from .precision import tensor_core_operands
from .tensor_core import DEPTH, STAGES, THREADS, matrix_copy, pitch, shared_bytes, tile, wide, words
from .tensor_core_plan import add_parts, plan_of

_LEAST = 16   # rows, columns and depth of a product that is worth a tile


def serves(a, b, c, transpose_a=False, transpose_b=False, accumulate=False):
    """Shall matmul with these arguments be computed here? If the setting kernels.precision and the GPU have tensor cores work on it, and
    the product is not so narrow that most of a tile were empty."""
    depth = a.shape[0 if transpose_a else 1]
    return tensor_core_operands(a) is not None and min(*c.shape, depth) >= _LEAST


def matmul(a, b, c, transpose_a=False, transpose_b=False, accumulate=False):
    """As kernels.reference.matmul.matmul, with operands that are rounded as kernels.precision says: for what `serves` accepts.

    Where tiles are too few for the GPU, the depth is split between blocks, and their sums are added up in order.
    """
    rows, columns, depth = *c.shape, a.shape[0 if transpose_a else 1]
    left_along, right_along = not transpose_a, transpose_b
    plan = plan_of(rows, columns, depth, a.machine.multiprocessors)
    product = _product(plan.rows, plan.columns, left_along, right_along, wide(a), wide(b), tensor_core_operands(a))
    grid = blocks(columns, plan.columns), blocks(rows, plan.rows), plan.parts
    bytes_shared = shared_bytes(plan.rows, plan.columns, left_along, right_along)
    whole = plan.parts == 1
    sums = c if whole else empty_like(c, (plan.parts, rows, columns))
    product[grid, THREADS, bytes_shared](a.reshape(-1), b.reshape(-1), sums.reshape(-1), rows, columns, depth, plan.depth,
                                         accumulate and whole)
    if not whole:
        add_parts[blocks(c.size, 256), 256](sums.reshape(plan.parts, -1), c.reshape(-1), accumulate)


@functools.cache
def _product(rows, columns, left_along, right_along, left_wide, right_wide, operands):
    """The kernel for tiles of this size: block (x, y, z) computes tile (y, x) of part z of the depth."""
    kind = tile(rows, columns, left_along, right_along, operands)
    places, multiply = kind.places, kind.multiply
    copy_left, copy_right = matrix_copy(rows, left_along, left_wide), matrix_copy(columns, right_along, right_wide)
    left_words, stage_words = words(rows, left_along), words(rows, left_along) + words(columns, right_along)
    sums_pitch = pitch(columns, False)
    count, clear, put, place = kind.count, kind.clear, kind.put, kind.place

    @kernel(launch_bounds=(THREADS, 2))
    def product(a, b, c, all_rows, all_columns, depth, part_depth, accumulate):
        shared, sums = cuda.shared.array(0, float32, alignment=16), cuda.local.array(count, float32)
        clear(sums, shared, 0, 0)
        first_row, first_column, part = cuda.blockIdx.y * rows, cuda.blockIdx.x * columns, cuda.blockIdx.z
        k, k_end = part * part_depth, min((part + 1) * part_depth, depth)
        slabs = (k_end - k + DEPTH - 1) // DEPTH
        left_pitch = depth if left_along else all_rows
        right_pitch = depth if right_along else all_columns
        left, right = places(cuda.threadIdx.x)
        right += left_words
        for slab in range(slabs + STAGES - 1):
            if slab >= STAGES - 1:
                copy_wait_but_2()
                cuda.syncthreads()   # a slab is there for all, and all are done with the one before
            if slab < slabs:
                stage = slab % STAGES * stage_words
                copy_left(shared, stage, a, first_row, all_rows, k, k_end, left_pitch)
                copy_right(shared, stage + left_words, b, first_column, all_columns, k, k_end, right_pitch)
                k += DEPTH
            copy_commit()
            if slab >= STAGES - 1:
                stage = (slab - (STAGES - 1)) % STAGES * stage_words
                multiply(sums, shared, stage + left, stage + right)
        copy_wait_all()
        cuda.syncthreads()   # the slabs are no more needed
        put(sums, shared, place(cuda.threadIdx.x), 0)
        cuda.syncthreads()
        column = cuda.threadIdx.x % columns
        for row in range(cuda.threadIdx.x // columns, min(rows, all_rows - first_row), THREADS // columns):
            if first_column + column < all_columns:
                target = uint32((part * all_rows + first_row + row) * all_columns + first_column + column)
                value = shared[row * sums_pitch + column]
                c[target] = c[target] + value if accumulate else value

    return product
