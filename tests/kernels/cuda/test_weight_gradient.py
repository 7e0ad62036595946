"""The gradient of a convolution's weight on tiles, in every form that weight_gradient knows."""
import numpy as np
import pytest
from hypothesis import given, settings

from kernels.cuda import weight_gradient
from tests.kernels.agreement import DTYPES, SEEDS, output
from tests.kernels.cuda.agreement import agree
from tests.kernels.cuda.geometries import convolutions, operands

ONE, NONE = (1, 1), (0, 0)
TILES = [tile for tile, _ in weight_gradient._TILES]
FORMS = dict(zip(("one tap", "one tap on the left", "all taps", "all taps on the left"), weight_gradient._FORMS))
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
    """only(tile, form): one form of the kernel for all sizes, and two parts, or as many as asked for."""
    def choose(tile, form, parts=2):
        monkeypatch.setattr(weight_gradient, "_MOST_PARTS", parts)
        weight_gradient._plan_of.cache_clear()
        monkeypatch.setattr(weight_gradient, "_TILES", ((tile, 1.0),))
        monkeypatch.setattr(weight_gradient, "_FORMS", (form,))
    yield choose
    weight_gradient._plan_of.cache_clear()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_geometries(case, form, only):
    only(TILES[-1], form)
    check(case)


@pytest.mark.parametrize("tile", TILES, ids=lambda tile: f"{tile.rows} x {tile.columns}")
@pytest.mark.parametrize("form", [FORMS["one tap"], FORMS["all taps on the left"]], ids=["one tap", "all taps on the left"])
def test_tiles(tile, form, only):
    only(tile, form)
    check((2, 3, 5, 1, (3, 6), ONE if form[0] else (2, 1), ONE, (0, 1), ONE))


def test_many_parts(only):
    only(TILES[-1], FORMS["all taps"], 100)
    check((2, 1, 1, 1, (7, 7), (1, 2), ONE, (0, 1), ONE))


@settings(max_examples=5)
@given(convolutions(), DTYPES, SEEDS)
def test_as_chosen(case, dtype, seed):
    check(case, seed, dtype)
