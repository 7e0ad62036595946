"""Random numbers in Numba, bit for bit those of the reference: a number depends on its index alone, so any thread can make it."""
import numba
import numpy as np

from ..seed import key_of, threshold_of
from .chunks import CHUNK, chunk, count
from .compiler import inner, kernel


def dropout(x, y, probability, seed):
    """As kernels.reference.random.dropout."""
    scale = 0 if probability == 1 else 1 / (1 - probability)
    _dropout(x.reshape(-1), y.reshape(-1), np.uint64(threshold_of(probability)), x.dtype.type(scale), np.uint64(key_of(seed)))


@kernel
def _dropout(x, y, threshold, scale, key):
    if x.size <= CHUNK:
        _dropout_chunk(x, y, threshold, scale, key, np.uint64(0))
    else:
        for i in numba.prange(count(x.size)):
            _dropout_chunk(chunk(x, i), chunk(y, i), threshold, scale, key, np.uint64(i * CHUNK))


@inner
def _dropout_chunk(x, y, threshold, scale, key, first):
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = zero if _squares(first + np.uint64(i), key) < threshold else x[i] * scale


@inner
def _squares(counter, key):
    """As _squares of kernels.reference.random, for one counter."""
    half = np.uint64(32)
    x = counter * key
    y, z = x, x + key
    x = x * x + y
    x = (x >> half) | (x << half)
    x = x * x + z
    x = (x >> half) | (x << half)
    x = x * x + y
    x = (x >> half) | (x << half)
    return (x * x + z) >> half
