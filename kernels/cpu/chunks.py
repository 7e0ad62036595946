"""Flat arrays cut into chunks, the unit of parallel work wherever a kernel goes number by number.

The size is fixed, never a share of the threads: results must not depend on how many there are. An array of one chunk is worked
off on the calling thread, because waking the others (2 to 4 microseconds) would cost more than the work.
"""
from .compiler import inner

CHUNK = 8192   # numbers: 32 or 64 KiB, about a first-level cache


@inner
def count(size):
    """How many chunks an array of this size has."""
    return (size + CHUNK - 1) // CHUNK


@inner
def chunk(x, i):
    """The i-th chunk of the flat array x.

    Loops run over such slices from 0 on: with x[start + j] Numba would have to guard against negative indices, and the guard
    keeps LLVM from vectorising (7 to 10 times slower).
    """
    return x[i * CHUNK:min(x.size, (i + 1) * CHUNK)]
