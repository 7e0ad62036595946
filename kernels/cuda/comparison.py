"""Which of two numbers is larger, and which of many is largest: truth values and places, through which no gradient flows."""
import numpy as np
from numba import cuda

from .array import empty_like
from .broadcasting import Broadcast
from .launch import blocks, kernel

BLOCK = 128


@Broadcast
@cuda.jit(device=True)
def _EQUAL(a, b):
    return a == b


@Broadcast
@cuda.jit(device=True)
def _UNEQUAL(a, b):
    return a != b


@Broadcast
@cuda.jit(device=True)
def _LESS(a, b):
    return a < b


@Broadcast
@cuda.jit(device=True)
def _AT_MOST(a, b):
    return a <= b


@Broadcast
@cuda.jit(device=True)
def _MORE(a, b):
    return a > b


@Broadcast
@cuda.jit(device=True)
def _AT_LEAST(a, b):
    return a >= b


_COMPARISONS = {"==": _EQUAL, "!=": _UNEQUAL, "<": _LESS, "<=": _AT_MOST, ">": _MORE, ">=": _AT_LEAST}


def compare(a, sign, b):
    """a == b and the like, number by number, as booleans. b is an array of a's type, or a number."""
    shape = np.broadcast_shapes(a.shape, np.shape(b))
    y = empty_like(a, shape, bool)
    _COMPARISONS[sign](a, b if hasattr(b, "machine") else a.dtype.type(b), y)
    return y


@kernel
def _argmax(x, places):
    """A thread for each result."""
    i = cuda.grid(1)
    if i < places.size:
        outer = i // x.shape[2]
        inner = i - outer * x.shape[2]
        place, best = 0, x[outer, 0, inner]
        for j in range(1, x.shape[1]):
            value = x[outer, j, inner]
            if value > best or (value != value and best == best):
                place, best = j, value
        places[outer, inner] = place


def argmax(x, places):
    """places[i, j] = the first k for which x[i, k, j] is largest, int64; NaN is larger than all."""
    _argmax[blocks(places.size, BLOCK), BLOCK](x, places)
