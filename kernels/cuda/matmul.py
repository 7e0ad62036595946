"""The matrix product: float32 on the register tile of tile.py, or on tensor cores where they are allowed; float64 on a shared tile."""
import numpy as np

from . import plan, simple_matmul, tensor_core_matmul
from .array import empty_like
from .launch import blocks
from .tile import Matrix, Straight, Turned, product


def matmul(a, b, c, transpose_a=False, transpose_b=False, accumulate=False):
    """As kernels.reference.matmul.matmul.

    A product that is too small to give every multiprocessor a tile is cut along k; plan.add_up adds the parts. The ladder up to here
    is in simple_matmul.py.
    """
    if c.size == 0:
        return
    if tensor_core_matmul.serves(a, b, c, transpose_a, transpose_b, accumulate):
        tensor_core_matmul.matmul(a, b, c, transpose_a, transpose_b, accumulate)
        return
    if c.dtype != np.float32:
        simple_matmul.tiled(a, b, c, transpose_a, transpose_b, accumulate)
        return
    rows, columns = c.shape
    depth = b.shape[1] if transpose_b else b.shape[0]
    left = (Straight if transpose_a else Turned)(vector(a, a.shape[1]))
    right = (Turned if transpose_b else Straight)(vector(b, b.shape[1]))
    tile, parts = plan.choose(rows, columns, depth, 1, c.machine.multiprocessors)
    target = c
    if parts > 1:
        target = empty_like(c, (parts, rows, columns))
    row_blocks = blocks(rows, tile.rows)
    product(tile, left, right, Matrix(vector(target, columns)))[
        (row_blocks * blocks(columns, tile.columns), parts), tile.threads](
        a.reshape(-1), a.shape[1], rows, b.reshape(-1), b.shape[1], columns, target.reshape(-1), accumulate and parts == 1,
        row_blocks, depth, plan.part_depth(depth, parts))
    if parts > 1:
        plan.add_up(target, c, accumulate)


def vector(array, step):
    """How many of its numbers may be loaded at once, if rows lie `step` numbers apart."""
    return 4 if step % 4 == 0 and array.address % 16 == 0 else 1
