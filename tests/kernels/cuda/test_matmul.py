import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from kernels import reference
from kernels.cuda import plan, simple_matmul
from tests.kernels.agreement import DTYPES, SEEDS, changed, close, numbers, output
from tests.kernels.cuda.agreement import agree, machine
from tests.kernels.test_matmul import operands

SIZES = st.tuples(*[st.sampled_from([0, 1, 3, 8, 33])] * 3)   # M, N, K


@settings(max_examples=8)
@example((4, 8, 20), np.float32, 0, True, True, True)
@example((8, 4, 40), np.float32, 0, False, False, False)
@given(SIZES, DTYPES, SEEDS, st.booleans(), st.booleans(), st.booleans())
def test_agrees_with_reference(sizes, dtype, seed, transpose_a, transpose_b, accumulate):
    a, b = operands(seed, sizes, dtype, transpose_a, transpose_b)
    c = changed(numbers(seed + 2, sizes[:2], dtype)) if accumulate else output(sizes[:2], dtype)
    agree("matmul", a, b, c, transpose_a, transpose_b, accumulate, units=8, terms=1 + sizes[2] ** 0.5)


@pytest.mark.parametrize("tile", plan.TILES, ids=str)
@pytest.mark.parametrize("case", [(20, True, True, 4), (17, False, False, 1)], ids=["by fours", "one by one"])
def test_tiles(tile, case, monkeypatch):
    """Each tile, beyond its edge and in two parts, with loads of four numbers and of one."""
    depth, transpose_a, transpose_b, unit = case
    rows, columns = (8, tile.columns + unit) if transpose_a else (tile.rows + unit, 7)
    monkeypatch.setattr(plan, "choose", lambda *_: (tile, 2))
    a, b = operands(0, (rows, columns, depth), np.float32, transpose_a, transpose_b)
    agree("matmul", a, b, changed(numbers(2, (rows, columns), np.float32)), transpose_a, transpose_b, True, units=8, terms=6)


@settings(max_examples=4)
@given(st.sampled_from([simple_matmul.naive, simple_matmul.tiled]), st.booleans(), st.booleans(), st.booleans())
def test_simple_ones(form, transpose_a, transpose_b, accumulate):
    on, sizes = machine(), (5, 35, 34)
    a, b = operands(0, sizes, np.float32, transpose_a, transpose_b)
    c = numbers(2, sizes[:2], np.float32)
    found, expected = on.to_device(c), c.astype(np.float64)
    form(on.to_device(a), on.to_device(b), found, transpose_a, transpose_b, accumulate)
    reference.matmul(a.astype(np.float64), b.astype(np.float64), expected, transpose_a, transpose_b, accumulate)
    close("matmul", found.to_host(), expected, units=8, terms=6)


def test_the_plan_fills_the_machine():
    assert plan.choose(4096, 4096, 4096, 1, 132) == (plan.TILES[0], 1)
    for rows, columns, depth in (64, 512, 1000), (32, 4096, 25088), (64, 120, 400):
        tile, parts = plan.choose(rows, columns, depth, 1, 132)
        assert (parts - 1) * plan.part_depth(depth, parts) < depth, "a part has nothing to do"
