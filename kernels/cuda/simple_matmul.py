"""The matrix product before the register tile: the first two rungs of the ladder, to read, for float64, and to measure tile.py by."""
from numba import cuda, uint32

from .launch import blocks, kernel

_SIDE = 16   # of a block of the naive kernel


@kernel
def _naive(a, a_row, a_column, b, b_row, b_column, c, accumulate):
    column, row = cuda.grid(2)
    rows, columns = c.shape
    if row < rows and column < columns:
        total = c.dtype.type(0)
        for k in range(a.size // rows):
            total += a[uint32(row * a_row + k * a_column)] * b[uint32(k * b_row + column * b_column)]
        if accumulate:
            total += c[row, column]
        c[row, column] = total


def naive(a, b, c, transpose_a=False, transpose_b=False, accumulate=False):
    """As kernels.reference.matmul.matmul. A thread computes one number and reads a row and a column from global memory for it: two loads
    for each multiply-add."""
    _launch(_naive, _SIDE, a, b, c, transpose_a, transpose_b, accumulate)


@kernel
def _tiled(a, a_row, a_column, b, b_row, b_column, c, accumulate):
    left = cuda.shared.array((32, 33), c.dtype)    # a number more than needed, so that a column lies in 32 different banks
    right = cuda.shared.array((32, 33), c.dtype)
    x, y = cuda.threadIdx.x, cuda.threadIdx.y
    first_column, first_row = 32 * cuda.blockIdx.x, 32 * cuda.blockIdx.y
    rows, columns = c.shape
    depth = a.size // rows
    # Neighbours read neighbours: along a row of the tile, or down a column where the matrix is transposed.
    left_row, left_k = (x, y) if a_row == 1 else (y, x)
    right_k, right_column = (x, y) if b_row == 1 else (y, x)
    zero = c.dtype.type(0)
    total = zero
    for first in range(0, depth, 32):
        inside = first_row + left_row < rows and first + left_k < depth
        left[left_row, left_k] = a[uint32((first_row + left_row) * a_row + (first + left_k) * a_column)] if inside else zero
        inside = first_column + right_column < columns and first + right_k < depth
        right[right_k, right_column] = b[uint32((first + right_k) * b_row + (first_column + right_column) * b_column)] if inside else zero
        cuda.syncthreads()
        for k in range(32):
            total += left[y, k] * right[k, x]
        cuda.syncthreads()
    row, column = first_row + y, first_column + x
    if row < rows and column < columns:
        if accumulate:
            total += c[row, column]
        c[row, column] = total


def tiled(a, b, c, transpose_a=False, transpose_b=False, accumulate=False):
    """As kernels.reference.matmul.matmul. A block of 32 x 32 threads brings 32 columns of a and 32 rows of b into shared memory at a time:
    each number is loaded once for 32 multiply-adds. What limits it now is shared memory, with two loads for each of them.

    Kirk & Hwu, "Programming Massively Parallel Processors", section 5.4.
    """
    _launch(_tiled, 32, a, b, c, transpose_a, transpose_b, accumulate)


def _launch(chosen, side, a, b, c, transpose_a, transpose_b, accumulate):
    rows, columns = c.shape
    a_steps = (1, rows) if transpose_a else (a.shape[1], 1)
    b_steps = (1, b.shape[1]) if transpose_b else (columns, 1)
    chosen[(blocks(columns, side), blocks(rows, side)), (side, side)](a.reshape(-1), *a_steps, b.reshape(-1), *b_steps, c, accumulate)
