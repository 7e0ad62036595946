"""The gradient of a convolution's weight on tiles, in every form that weight_gradient knows."""
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from kernels.cuda import weight_gradient
from tests.kernels.agreement import DTYPES, SEEDS, output
from tests.kernels.cuda.agreement import agree
from tests.kernels.cuda.geometries import convolutions, operands

ONE, NONE = (1, 1), (0, 0)
TILES = [tile for tile, _ in weight_gradient._TILES]
CASES = {
    "of odd sizes": (2, 3, 5, 1, (4, 5), (3, 1), ONE, ONE, ONE),
    "strided": (3, 2, 4, 1, (6, 5), (2, 2), (2, 3), (1, 2), ONE),
    "dilated": (1, 2, 3, 1, (5, 7), (2, 2), ONE, (2, 0), (2, 3)),
    "in groups": (2, 2, 3, 2, (3, 5), (2, 1), ONE, NONE, ONE),
    "of single pixels": (2, 4, 5, 1, (5, 5), ONE, ONE, NONE, ONE),
    "of one pixel": (5, 3, 2, 1, (2, 2), (2, 2), ONE, NONE, ONE),
    "of small images": (9, 2, 3, 1, (1, 2), (1, 2), ONE, (0, 1), ONE),
    "wider than a tile": (1, 66, 33, 1, (2, 3), (1, 2), ONE, NONE, ONE),
}


def check(case, seed=0, dtype=np.float32):
    x, weight, _, grad_y = operands(case, seed, dtype)
    return agree("conv2d_grad_weight", grad_y, x, output(weight.shape, dtype), *case[6:], case[3], units=16)


@pytest.fixture
def only(monkeypatch):
    """only(tile, one_tap): one form of the kernel for all sizes."""
    def choose(tile, one_tap):
        weight_gradient._plan_of.cache_clear()
        monkeypatch.setattr(weight_gradient, "_TILES", ((tile, 1.0),))
        monkeypatch.setattr(weight_gradient, "_TABLE", 1000 if one_tap else 0.001)
    yield choose
    weight_gradient._plan_of.cache_clear()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("one_tap", [True, False], ids=["one tap", "all taps"])
def test_geometries(case, one_tap, only):
    only(TILES[-1], one_tap)
    check(case)


@pytest.mark.parametrize("tile", TILES, ids=str)
@pytest.mark.parametrize("one_tap", [True, False], ids=["one tap", "all taps"])
def test_tiles(tile, one_tap, only):
    only(tile, one_tap)
    check((2, 3, 5, 1, (3, 6), ONE if one_tap else (2, 1), ONE, (0, 1), ONE))


@settings(max_examples=10)
@given(convolutions(), DTYPES, SEEDS)
def test_as_chosen(case, dtype, seed):
    check(case, seed, dtype)
