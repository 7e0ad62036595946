"""The matrix product: float32 on the register tile of tile.py, or on tensor cores where they are allowed; float64 on a shared tile."""
import numpy as np

from . import plan, simple_matmul, tensor_core_matmul, warpgroup_matmul
from .array import empty_like
from .launch import Flat, blocks, prepare, remembered
from .precision import has_warpgroups
from .tile import Matrix, Straight, Turned, product


def matmul(a, b, c, transpose_a=False, transpose_b=False, accumulate=False):
    """As kernels.reference.matmul.matmul.

    A product that is too small to give every multiprocessor a tile is cut along k; plan.add_up adds the parts. The ladder up to here
    is in simple_matmul.py.
    """
    if c.size == 0:
        return
    if tensor_core_matmul.serves(a, b, c, transpose_a, transpose_b, accumulate):
        form = warpgroup_matmul if has_warpgroups(a) else tensor_core_matmul
        form.matmul(a, b, c, transpose_a, transpose_b, accumulate)
        return
    if c.dtype != np.float32:
        simple_matmul.tiled(a, b, c, transpose_a, transpose_b, accumulate)
        return
    parts, multiply = _multiplying(c.machine, a.shape, b.shape, transpose_a, transpose_b, accumulate, a.address % 16 == 0,
                                   b.address % 16 == 0, c.address % 16 == 0)
    if parts == 1:
        multiply(a, b, c)
        return
    target = empty_like(c, (parts, *c.shape))
    multiply(a, b, target)
    plan.add_up(target, c, accumulate)


@remembered
def _multiplying(machine, a, b, transpose_a, transpose_b, accumulate, a_aligned, b_aligned, c_aligned):
    """(parts, the launch of the product) for matrices of these shapes."""
    depth, rows = a if transpose_a else reversed(a)
    columns = b[0 if transpose_b else 1]
    left = (Straight if transpose_a else Turned)(_vector(a[1], a_aligned))
    right = (Turned if transpose_b else Straight)(_vector(b[1], b_aligned))
    tile, parts = plan.choose(rows, columns, depth, 1, machine.multiprocessors)
    if right == Turned(1):
        tile = tile._replace(blocks=min(2, tile.blocks))   # addresses number by number need registers, which three blocks do not leave
    target = Matrix(_vector(columns, c_aligned or parts > 1))
    row_blocks = blocks(rows, tile.rows)
    grid = row_blocks * blocks(columns, tile.columns), parts
    return parts, prepare(machine, product(tile, left, right, target), grid, tile.threads, (
        Flat(a[0] * a[1]), a[1], rows, Flat(b[0] * b[1]), b[1], columns, Flat(parts * rows * columns), accumulate and parts == 1,
        row_blocks, depth, plan.part_depth(depth, parts)))


def _vector(step, aligned):
    """How many numbers may be loaded at once, if rows lie `step` numbers apart."""
    return 4 if aligned and step % 4 == 0 else 1
