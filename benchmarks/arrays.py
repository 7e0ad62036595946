"""The numbers that are computed with: the same in every process."""
import zlib

import numpy as np


def random_array(*shape, number=0):
    """Normally distributed float32, the same ones for the same shape and number."""
    seed = zlib.crc32(repr((*shape, number)).encode())
    return np.asarray(np.random.default_rng(seed).standard_normal(shape, np.float32))
