"""Hopper's tensor cores against the reference, as test_tensor_core; in the simulator, or on such a GPU."""
import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings

from kernels.cuda import report, warpgroup_convolution, warpgroup_matmul, warpgroup_weight_gradient
from kernels.cuda.rehearsal import Rehearsal
from kernels.cuda.warpgroup_plan import NARROW, SIZES, Plan, plan_of
from tests.kernels.agreement import SEEDS
from tests.kernels.cuda.agreement import ON_GPU, machine
from tests.kernels.cuda.test_tensor_core import (   # matmul_precision is a fixture
    KNOWN, NONE, ONE, convolutions, convolve, matmul_precision, product,  # noqa: F401
)

FORMS = warpgroup_convolution, warpgroup_weight_gradient
pytestmark = pytest.mark.skipif(ON_GPU and machine().compute_capability != (9, 0), reason="the GPU has other tensor cores")


def planned(monkeypatch, rows, columns, parts):
    """Tiles of this size, and so many parts."""
    for module in (warpgroup_matmul, *FORMS):
        monkeypatch.setattr(module, "plan_of", lambda r, c, slabs, *_, **__: Plan(rows, columns, parts, -(-slabs // parts)))


@pytest.mark.parametrize("transpose_a, transpose_b", [*itertools.product([False, True], repeat=2)])
def test_matmul(transpose_a, transpose_b):
    product((20, 36, 70), 0, transpose_a, transpose_b, False, "high", form=warpgroup_matmul)
    product((67, 17, 33), 0, transpose_a, transpose_b, True, "high", aligned=False, form=warpgroup_matmul)


@pytest.mark.parametrize("rows, columns", [(64, 64), (128, 128)])
def test_tiles_and_parts(rows, columns, monkeypatch):
    planned(monkeypatch, rows, columns, 2)
    product((70, 66, 130), 0, False, True, False, "high", form=warpgroup_matmul)


def test_nan_and_infinity_spread_along_their_row_and_column():
    def change(a, b):
        np.abs(a, out=a)
        a[3, 4], b[7, 11] = np.nan, np.inf
    product((30, 20, 20), 0, False, False, False, "high", change=change, form=warpgroup_matmul)


@pytest.mark.parametrize("case", KNOWN.values(), ids=KNOWN)
def test_convolutions(case, monkeypatch):
    planned(monkeypatch, 64, 64, 1)
    convolve(case, 0, "high", forms=FORMS)


@settings(max_examples=1)
@given(convolutions(), SEEDS)
def test_any_convolution(case, seed):
    convolve(case, seed, "high", aligned=False, forms=FORMS)


def test_pointwise_gradient_of_more_filters_than_channels(monkeypatch):
    planned(monkeypatch, 64, 64, 1)
    convolve((2, 17, 33, 2, (4, 3), ONE, ONE, NONE, ONE), 0, "high", forms=FORMS)


def test_convolutions_in_parts(monkeypatch):
    planned(monkeypatch, 64, 128, 2)
    convolve((1, 34, 17, 1, (5, 4), (2, 1), ONE, ONE, ONE), 0, "high", forms=FORMS)


def test_plans():
    """Large products take large tiles; small ones take smaller tiles, or are split, so that every multiprocessor has one."""
    assert plan_of(4096, 4096, 128, 132)[:3] == (128, 256, 1)
    assert plan_of(1024, 1024, 32, 132)[:3] == (64, 128, 1)
    assert plan_of(1568, 512, 144, 132, 1, NARROW)[:2] == (128, 256) and plan_of(1568, 512, 144, 132, 1, NARROW).parts in (4, 5)


@pytest.mark.parametrize("rows, columns", SIZES[:2])   # those with the most sums for the registers there are
def test_sums_stay_in_registers(rows, columns, monkeypatch):
    planned(monkeypatch, rows, columns, 1)
    device = Rehearsal()
    shapes = (2, 64, 8, 8), (64, 64, 3, 3), (2, 64, 8, 8), (64,), (64, 64)
    x, weight, y, bias, matrix = (device.empty(shape, np.float32) for shape in shapes)
    warpgroup_matmul.matmul(matrix, matrix, matrix)
    warpgroup_convolution.conv2d(x, weight, bias, y, ONE, ONE, ONE, 1, y, True)
    warpgroup_convolution.conv2d_grad_input(y, weight, x, ONE, ONE, ONE, 1)
    warpgroup_weight_gradient.conv2d_grad_weight(y, x, weight, ONE, ONE, ONE, 1)
    for launch in device.launches:
        used = report.resources(launch.kernel, launch.types)
        assert (used.stack, used.spilled) == (0, 0), (launch.kernel, used[:4])
        assert not re.search(r"ld\.[vf]|\.f64", used.ptx)
        assert ("wgmma.mma_async" in used.ptx) == launch.kernel.specific
