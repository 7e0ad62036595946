"""Which algorithm works off a convolution: decided here, from its geometry alone.

    implicit   an implicit matrix product on the register tile (implicit.py)
    direct     the definition, one thread for each number: float64, filters for each channel alone, filters larger than 15 x 15 (direct.py)

To see what the other one would do:

    with kernels.cuda.algorithm("direct"):
        model(images)
"""
import contextlib

import numpy as np

from . import implicit

IMPLICIT, DIRECT = "implicit", "direct"
NAMES = IMPLICIT, DIRECT

_LEAST_FILTERS = 4   # of a group: a tile of 32 or more would stay as good as empty

_wanted = None   # the algorithm that `algorithm` asks for


@contextlib.contextmanager
def algorithm(name):
    """Inside the `with`, every convolution that can takes this algorithm; the others take their own choice."""
    global _wanted
    if name not in NAMES:
        raise ValueError(f"algorithm: there is no {name!r}; there are {', '.join(NAMES)}")
    previous, _wanted = _wanted, name
    try:
        yield
    finally:
        _wanted = previous


def algorithm_of(weight, groups, dtype):
    """The name of the algorithm for a weight of shape (M, C / groups, R, K)."""
    if dtype != np.float32 or max(weight[2:]) > implicit.MOST_TAPS or _wanted == DIRECT:
        return DIRECT
    if groups > 1 and min(weight[0] // groups, weight[1]) < _LEAST_FILTERS and _wanted != IMPLICIT:
        return DIRECT
    return IMPLICIT
