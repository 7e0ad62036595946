"""Where in an array something is, and how often."""
import math

from numba import cuda, int32, uint32

from .launch import blocks, kernel
from .moving import words
from .warp import WARP, WARPS, block_sum

BLOCK = 256
COUNTING = 1024   # threads of the block that counts
_ALL = 0xffffffff


def argmax(x, y, axis):
    """y = where along the axis x is largest: the first place of several, and NaN is larger than all numbers; as numpy.argmax.

    x  contiguous, any type
    y  int64, the shape of x without the axis, or with a 1 there

    Along the last axis a warp takes a row: it reads neighbours, and its lanes compare what they have found. Along another one a thread
    takes a column, whose neighbours are those of the threads beside it.
    """
    size, inner, x = x.shape[axis], math.prod(x.shape[axis + 1:]), words(x.reshape(-1), 1) if x.dtype == bool else x
    if inner == 1:
        _argmax_rows[blocks(y.size, BLOCK // WARP), BLOCK](x.reshape(-1), y.reshape(-1), size)
    else:
        _argmax_columns[blocks(y.size, BLOCK), BLOCK](x.reshape(-1), y.reshape(-1), size, inner)


def count(x, y):
    """y = how many of the truth values x are true: int64, of size 1. One block does it, so x had better not be large."""
    _count[1, COUNTING](words(x.reshape(-1), 1), y.reshape(-1))


@cuda.jit(device=True)
def _beats(a, i, b, j):
    """Does a, at place i, go before b, at place j?"""
    if a != a or b != b:   # NaN
        return a != a and (b == b or i < j)
    return a > b or (a == b and i < j)


@kernel
def _argmax_columns(x, y, size, inner):
    """The simple form: a thread for each result."""
    i = cuda.grid(1)
    if i < y.size:
        outer = uint32(uint32(i) // uint32(inner))
        start = uint32(outer * uint32(size * inner) + uint32(i) - outer * uint32(inner))
        best, place = x[start], 0
        for k in range(1, size):
            value = x[uint32(start + uint32(k * inner))]
            if _beats(value, k, best, place):
                best, place = value, k
        y[i] = place


@kernel
def _argmax_rows(x, y, size):
    """A warp for each row."""
    row, lane = cuda.grid(1) // WARP, cuda.laneid
    if row < y.size:
        start = uint32(row * size)
        place = min(lane, size - 1)   # lanes without numbers look at the last
        best = x[uint32(start + uint32(place))]
        for k in range(lane + WARP, size, WARP):
            value = x[uint32(start + uint32(k))]
            if _beats(value, k, best, place):
                best, place = value, k
        for distance in (16, 8, 4, 2, 1):
            k = cuda.shfl_xor_sync(_ALL, place, distance)
            value = x[uint32(start + uint32(k))]   # read again: numbers of a byte cannot be handed over
            if _beats(value, k, best, place):
                best, place = value, k
        if lane == 0:
            y[row] = place


@kernel
def _count(x, y):
    shared, found = cuda.shared.array(WARPS, int32), int32(0)
    for i in range(cuda.threadIdx.x, x.size, COUNTING):
        found += int32(x[uint32(i)])
    found = block_sum(found, shared)
    if cuda.threadIdx.x == 0:
        y[0] = found
