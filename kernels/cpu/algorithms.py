"""Which algorithm works off a convolution: decided here, from its geometry alone, by what each would cost.

    matrix product   1 x 1 filters, or windows as large as the image: nothing overlaps (convolution.py, matmul.py)
    direct           the definition on register tiles (convolution.py)
    winograd 4x4     3 x 3 filters at stride 1, a quarter of the multiplications, but transforms before and after (winograd.py)
    winograd 2x2     a half of them, cheaper transforms, smaller tiles: for small images
    depthwise        a filter for each channel alone: no sum over channels, so no matrix product (depthwise.py)

To see what another one would do:

    with kernels.cpu.algorithm("direct"):
        model(images)
"""
import contextlib
import functools
import math

import numpy as np

from . import depthwise

MATRIX_PRODUCT, DIRECT, WINOGRAD_4, WINOGRAD_2, DEPTHWISE = "matrix product", "direct", "winograd 4x4", "winograd 2x2", "depthwise"
NAMES = MATRIX_PRODUCT, DIRECT, WINOGRAD_4, WINOGRAD_2, DEPTHWISE
TILE = {WINOGRAD_4: 4, WINOGRAD_2: 2}   # pixels along the side of an output tile

# What a number costs, in multiply-adds of a register tile that is busy: to bring a pixel's channel into tiles or an output back
# from there, to border or unborder it for the direct sum, to bring a weight into the order in which tiles read it, and to read it
# from memory, which can be hidden only behind at least so many multiplications with it. Measured with two threads.
_TRANSFORM_INPUT, _TRANSFORM_OUTPUT, _BORDER, _TRANSFORM_WEIGHT, _PACK_WEIGHT, _READ_WEIGHT = 18, 30, 25, 32, 30, 18

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


def algorithm_of(x, weight, y, stride, padding, dilation, groups, dtype, kept=False):
    """The name of the algorithm for shapes x (N, C, H, W), weight (M, C / groups, R, K) and y (N, M, OH, OW).

    kept   are weights that have been brought into order kept from call to call?
    """
    possible = _possible(x, weight, y, stride, padding, dilation, groups, dtype)
    return _wanted if _wanted in possible else _cheapest(possible, x, weight, y, kept)


@functools.lru_cache(maxsize=1024)
def _possible(x, weight, y, stride, padding, dilation, groups, dtype):
    """The algorithms that can do it. A special one stands alone or first, and is taken without counting."""
    if depthwise.serves(weight, stride, dilation, groups):
        return DEPTHWISE, DIRECT
    if groups == 1 and padding == (0, 0) and (x[2:] == weight[2:] or weight[2:] == stride == (1, 1)):
        return (MATRIX_PRODUCT,)
    # Float64 is for checks, which want rounding errors as small as they can be.
    if groups == 1 and weight[2:] == (3, 3) and stride == dilation == (1, 1) and max(padding) <= 2 and dtype == np.float32:
        return DIRECT, WINOGRAD_4, WINOGRAD_2
    return (DIRECT,)


@functools.lru_cache(maxsize=1024)
def _cheapest(possible, x, weight, y, kept):
    if possible[0] != DIRECT or len(possible) == 1:
        return possible[0]
    images, filters, height, width = y
    channels = weight[1]

    def cost(name):
        if name == DIRECT:
            positions = images * height * width
            return (9 * filters * channels * (max(positions, _READ_WEIGHT) + _PACK_WEIGHT * (not kept))
                    + positions * (channels + filters) * _BORDER)
        m = TILE[name]
        tiles = images * math.ceil(height / m) * math.ceil(width / m)
        multiplications = filters * channels * (max(tiles, _READ_WEIGHT) + _TRANSFORM_WEIGHT * (not kept))
        return (m + 2) ** 2 * (multiplications + tiles * (channels * _TRANSFORM_INPUT + filters * _TRANSFORM_OUTPUT))

    return min(possible, key=cost)
