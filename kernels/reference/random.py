"""Random numbers without a state: number i of a stream is a function of the stream's seed and of i, so numbers can be made in any
order, on any number of threads, and made again instead of kept.

The generator is Widynski's "Squares: a fast counter-based RNG" (arXiv:2004.06278, 2020), in its form of four rounds and 32 bits.
"""
import numpy as np

from ..seed import key_of, threshold_of


def dropout(x, y, probability, seed):
    """y[i] = 0 with the probability given, else x[i] / (1 - probability), i counting the numbers of x row by row.

    The choice depends on seed (any integer, taken modulo 2^64) and i alone: the same call on grad_y is the gradient, and no
    mask need be kept (Srivastava et al., JMLR 15, 2014; scaled while training, not while testing, as is usual now).
    """
    dropped = _squares(np.arange(x.size, dtype=np.uint64), np.uint64(key_of(seed))) < threshold_of(probability)
    scale = 0 if probability == 1 else 1 / (1 - probability)
    y[...] = np.where(dropped.reshape(x.shape), 0, x * x.dtype.type(scale))


def _squares(counter, key):
    """32 random bits for each counter; all arithmetic is modulo 2^64."""
    x = counter * key
    y, z = x, x + key
    for term in (y, z, y):
        x = x * x + term
        x = (x >> np.uint64(32)) | (x << np.uint64(32))
    return (x * x + z) >> np.uint64(32)
