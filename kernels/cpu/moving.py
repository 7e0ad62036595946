"""Numbers moved as they are, and rows of zeros."""
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .vector import pointer


@intrinsic
def copy_row(typing, source, s0, target, t0, count):
    """target[t0 + i] = source[s0 + i] for i < count, in flat arrays of one type, whatever it is.

    The C library's memcpy is faster than what LLVM makes of a loop: it knows the processor, and asks for no proof that the two do
    not overlap.
    """
    n = types.int64
    signature = types.void(source, n, target, n, n)

    def generate(context, b, signature, arguments):
        source, s0, target, t0, count = arguments
        kinds = signature.args
        source, target = pointer(context, b, kinds[0], source, s0), pointer(context, b, kinds[2], target, t0)
        cgutils.raw_memcpy(b, target, source, count, kinds[0].dtype.bitwidth // 8)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def copy_bytes(typing, source, target, count):
    """So many bytes from one address to another."""
    signature = types.void(types.int64, types.int64, types.int64)

    def generate(context, b, signature, arguments):
        source, target = (b.inttoptr(address, cgutils.voidptr_t) for address in arguments[:2])
        cgutils.raw_memcpy(b, target, source, arguments[2], 1)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def clear_row(typing, target, start, count):
    """target[start + i] = 0 for i < count, in a flat array."""
    signature = types.void(target, types.int64, types.int64)

    def generate(context, b, signature, arguments):
        kind, (target, start, count) = signature.args[0], arguments
        size = b.mul(count, count.type(kind.dtype.bitwidth // 8))
        cgutils.memset(b, pointer(context, b, kind, target, start), size, 0)
        return context.get_dummy_value()

    return signature, generate
