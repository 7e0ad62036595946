"""Hopper's tensor cores against the reference, as test_tensor_core; in the simulator, or on such a GPU."""
import itertools

import numpy as np
import pytest
from hypothesis import given, settings

from kernels.cuda import report, warpgroup_convolution, warpgroup_matmul, warpgroup_weight_gradient
from kernels.cuda.rehearsal import Rehearsal
from kernels.cuda.simulator import KernelError
from kernels.cuda.warpgroup_plan import Plan, plan_of
from tests.kernels.agreement import SEEDS
from tests.kernels.cuda.agreement import ON_GPU, machine
from tests.kernels.cuda.test_tensor_core import KNOWN, NONE, ONE, convolutions, convolve, matmul_precision, product

FORMS = warpgroup_convolution, warpgroup_weight_gradient
pytestmark = pytest.mark.skipif(ON_GPU and machine().compute_capability != (9, 0), reason="the GPU has other tensor cores")


def planned(monkeypatch, rows, columns, stages, parts):
    """Tiles of this size, and so many parts."""
    for module in (warpgroup_matmul, *FORMS):
        monkeypatch.setattr(module, "plan_of", lambda r, c, slabs, *_, **__: Plan(rows, columns, stages, parts, -(-slabs // parts)))


@pytest.mark.parametrize("transpose_a, transpose_b", [*itertools.product([False, True], repeat=2)])
def test_matmul(transpose_a, transpose_b):
    product((20, 36, 70), 0, transpose_a, transpose_b, False, "high", form=warpgroup_matmul)
    product((67, 17, 33), 0, transpose_a, transpose_b, True, "high", aligned=False, form=warpgroup_matmul)


@pytest.mark.parametrize("rows, columns, stages", [(64, 64, 4), (128, 128, 3), (128, 256, 4)])
def test_tiles_and_parts(rows, columns, stages, monkeypatch):
    planned(monkeypatch, rows, columns, stages, 2)
    product((130, 70, 130), 0, False, True, False, "high", form=warpgroup_matmul)


def test_nan_and_infinity_spread_along_their_row_and_column():
    def change(a, b):
        np.abs(a, out=a)
        a[3, 4], b[7, 11] = np.nan, np.inf
    product((30, 20, 20), 0, False, False, False, "high", change=change, form=warpgroup_matmul)


@pytest.mark.parametrize("case", KNOWN.values(), ids=KNOWN)
def test_convolutions(case):
    convolve(case, 0, "high", forms=FORMS)


@settings(max_examples=2)
@given(convolutions(), SEEDS)
def test_any_convolution(case, seed):
    convolve(case, seed, "high", aligned=False, forms=FORMS)


def test_convolutions_in_parts(monkeypatch):
    planned(monkeypatch, 128, 128, 3, 3)
    convolve((1, 34, 17, 1, (5, 6), (3, 3), ONE, ONE, ONE), 0, "high", forms=FORMS)
