"""The numbers that are computed with: the same in every process."""
import contextlib
import math
import zlib

import numpy as np


_unseen = False   # does nobody look at the numbers?
_PERIOD = 1_000_003   # a prime number, so that no two rows of a matrix begin alike


def random_array(*shape, number=0):
    """Normally distributed float32, the same ones for the same shape and number. Large arrays repeat themselves: it takes seconds to
    draw a hundred million numbers, in each framework again."""
    if _unseen:
        return np.broadcast_to(np.float32(0), shape)
    generator = np.random.default_rng(zlib.crc32(repr((*shape, number)).encode()))
    return np.resize(generator.standard_normal(min(math.prod(shape), _PERIOD), np.float32), shape)


@contextlib.contextmanager
def unseen():
    """Inside the `with`, random_array gives zeros that take no time and no memory: for who asks what is computed, not what comes out."""
    global _unseen
    _unseen = True
    try:
        yield
    finally:
        _unseen = False
