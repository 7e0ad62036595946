"""Which algorithm works off a convolution: decided here, from its geometry alone.

    winograd   3 x 3 filters at stride 1 with a quarter of the multiplications (winograd.py)
    implicit   an implicit matrix product on the register tile (implicit.py)
    depthwise  filters for each channel alone: no sum over channels, so no matrix product (depthwise.py)
    direct     the definition, one thread for each number: float64, groups of very few filters, filters larger than 15 x 15 (direct.py)

To see what another one would do:

    with kernels.cuda.algorithm("direct"):
        model(images)
"""
import contextlib

import numpy as np

from . import depthwise, implicit
from .launch import blocks

WINOGRAD, IMPLICIT, DEPTHWISE, DIRECT = "winograd", "implicit", "depthwise", "direct"
NAMES = WINOGRAD, IMPLICIT, DEPTHWISE, DIRECT

_LEAST_FILTERS = 4   # of a group: a tile of 32 or more would stay as good as empty

# Winograd's transforms pay if there are so many channels and filters, and so many tiles in the batch.
_MANY_CHANNELS, _MANY_TILES = 32, 64

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


def algorithm_of(x, weight, y, stride, padding, dilation, groups, dtype):
    """The name of the algorithm for a convolution of arrays of these shapes."""
    possible = [DIRECT]
    if dtype == np.float32 and max(weight[2:]) <= implicit.MOST_TAPS:
        few = groups > 1 and min(weight[0] // groups, weight[1]) < _LEAST_FILTERS
        possible.insert(1 if few else 0, IMPLICIT)
    if dtype == np.float32 and (weight[2:], stride, dilation, groups) == ((3, 3), (1, 1), (1, 1), 1) and max(padding) <= 2:
        tiles = y[0] * blocks(y[2], 4) * blocks(y[3], 4)
        possible.insert(0 if min(weight[:2]) >= _MANY_CHANNELS and tiles >= _MANY_TILES else 1, WINOGRAD)
    if depthwise.serves(weight, stride, dilation, groups):
        possible.insert(0, DEPTHWISE)
    return _wanted if _wanted in possible else possible[0]
