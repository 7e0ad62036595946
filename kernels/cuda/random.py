"""Random numbers on a device, bit for bit those of the reference: a number depends on its index alone, so any thread can make it."""
import numpy as np
from numba import cuda, uint32, uint64

from ..seed import key_of, threshold_of
from .intrinsics import load4, store4
from .launch import blocks, kernel
from .pointwise import BLOCK, wide

_GOLDEN, _FIRST, _SECOND = map(np.uint64, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_BITS27, _BITS30, _BITS31, _HALF, _ONE = map(np.uint64, (27, 30, 31, 32, 1))


def dropout(x, y, probability, seed):
    """As kernels.reference.random.dropout.

    The seed may also be a uint64 array of size 1 on the device: each time the kernel runs it takes the seed that it finds there. So a
    recorded sequence of kernels, played again, need not drop the same numbers.
    """
    threshold = np.uint64(threshold_of(probability))
    scale = x.dtype.type(0 if probability == 1 else 1 / (1 - probability))
    key, place = (None, seed.reshape(-1)) if hasattr(seed, "machine") else (np.uint64(key_of(seed)), None)
    if wide(x, y):
        _dropout4[blocks(x.size, 4 * BLOCK), BLOCK](x.reshape(-1), y.reshape(-1), threshold, scale, key, place)
    else:
        _dropout[blocks(x.size, BLOCK), BLOCK](x.reshape(-1), y.reshape(-1), threshold, scale, key, place)


@kernel
def _dropout(x, y, threshold, scale, key, seed):
    """The simple form: a number a thread."""
    i = cuda.grid(1)
    if i < x.size:
        irregular = key if seed is None else _key_of(seed[0])
        y[i] = x.dtype.type(0) if _squares(uint64(i) * irregular, irregular) < threshold else x[i] * scale


@kernel
def _dropout4(x, y, threshold, scale, key, seed):
    """Four numbers a thread: 16 bytes, and one multiplication for the counters of all."""
    irregular = key if seed is None else _key_of(seed[0])
    i = uint32(4 * cuda.grid(1))
    counter = uint64(i) * irregular
    zero = x.dtype.type(0)
    if i + uint32(4) <= uint32(x.size):
        a, b, c, d = load4(x, i)
        a = zero if _squares(counter, irregular) < threshold else a * scale
        counter += irregular
        b = zero if _squares(counter, irregular) < threshold else b * scale
        counter += irregular
        c = zero if _squares(counter, irregular) < threshold else c * scale
        counter += irregular
        d = zero if _squares(counter, irregular) < threshold else d * scale
        store4(y, i, a, b, c, d)
    else:
        for j in range(i, uint32(x.size)):
            y[j] = zero if _squares(counter, irregular) < threshold else x[j] * scale
            counter += irregular


@cuda.jit(device=True)
def _squares(counter_times_key, key):
    """As _squares of kernels.reference.random, for one counter."""
    y, z = counter_times_key, counter_times_key + key
    x = y * y + y
    x = (x >> _HALF) | (x << _HALF)
    x = x * x + z
    x = (x >> _HALF) | (x << _HALF)
    x = x * x + y
    x = (x >> _HALF) | (x << _HALF)
    return (x * x + z) >> _HALF


@cuda.jit(device=True)
def _key_of(seed):
    """As kernels.seed.key_of."""
    key = seed + _GOLDEN
    key = (key ^ (key >> _BITS30)) * _FIRST
    key = (key ^ (key >> _BITS27)) * _SECOND
    return (key ^ (key >> _BITS31)) | _ONE
