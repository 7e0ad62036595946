"""What follows a sum: another tensor is added, negative numbers become zero.

A convolution, say, ends with it while its output is still in the cache, so that neither costs a pass over memory.
"""
import numba
from numba import types
from numba.extending import intrinsic

from .chunks import CHUNK, chunk, count
from .compiler import inner, kernel
from .packing import load_transposed
from .vector import INT64, Vectors, pointer


@intrinsic
def finish_block(typing, source, s0, live_rows, y, y0, pitch, live_columns, bias, b0, residual, add, rectify):
    """From pixels, with a register of channels each, to planes, a register of pixels at a time, and what follows.

    The block is transposed as packing.transpose_block does it; for pixels i < live_rows and channels k < live_columns

        y[y0 + k * pitch + i] = source[s0 + i * lanes + k] + bias[b0 + k]

    plus residual, at the same place as in y, if `add`; and then no less than 0, if `rectify`.
    """
    n, flag = types.int64, types.boolean
    signature = types.void(source, n, n, y, n, n, n, bias, n, residual, flag, flag)

    def generate(context, b, signature, arguments):
        source, s0, live_rows, y, y0, pitch, live_columns, bias, b0, residual, add, rectify = arguments
        kinds = signature.args
        v = Vectors(context, b, kinds[0].dtype)
        source, bias = pointer(context, b, kinds[0], source, s0), pointer(context, b, kinds[7], bias, b0)
        y, residual = pointer(context, b, kinds[3], y, y0), pointer(context, b, kinds[9], residual, y0)
        rows = v.mask_below(live_rows)
        added = b.select(add, rows, v.no_lanes())
        for k, value in enumerate(load_transposed(b, v, source, INT64(v.lanes), live_rows, live_columns)):
            with b.if_then(b.icmp_signed("<", INT64(k), live_columns), likely=True):
                place = b.mul(pitch, INT64(k))
                total = b.fadd(value, v.broadcast(v.load_one(v.at(bias, k))))
                total = b.fadd(total, v.load(v.at(residual, place), added))
                negative = b.and_(b.fcmp_ordered("<", total, v.zero), v.every_lane(rectify))   # asked this way round, NaN stays
                v.store(b.select(negative, v.zero, total), v.at(y, place), rows)
        return context.get_dummy_value()

    return signature, generate


@inner
def finish(y, residual, add, rectify):
    """y = max(0, y + residual): the addition if `add`, the maximum if `rectify`; all flat, and of one size."""
    zero = y.dtype.type(0)
    if add and rectify:
        for i in range(y.size):
            total = y[i] + residual[i]
            y[i] = zero if total < zero else total   # asked this way round, NaN stays
    elif add:
        for i in range(y.size):
            y[i] += residual[i]
    elif rectify:
        for i in range(y.size):
            y[i] = zero if y[i] < zero else y[i]


def finish_all(y, residual, rectify):
    """The same for whole arrays of any shape, where no kernel has done it on the way; residual may be None."""
    if residual is not None or rectify:
        _finish_all(y.reshape(-1), (y if residual is None else residual).reshape(-1), residual is not None, rectify)


@kernel
def _finish_all(y, residual, add, rectify):
    if y.size <= CHUNK:
        finish(y, residual, add, rectify)
    else:
        for i in numba.prange(count(y.size)):
            finish(chunk(y, i), chunk(residual, i), add, rectify)
