import numpy as np
import pytest

import kernels.cuda
from kernels.cuda import winograd
from tests.kernels.agreement import output
from tests.kernels.cuda.agreement import agree
from tests.kernels.cuda.geometries import operands

ONE = (1, 1)
CASES = {   # images, channels, filters, size, padding
    "one pixel": (1, 1, 1, (1, 1), ONE),
    "whole tiles": (1, 3, 5, (4, 8), ONE),
    "cut tiles": (2, 2, 6, (5, 6), (0, 2)),
    "no images": (0, 2, 3, (4, 4), ONE),
}


def arrays(case):
    images, channels, filters, size, padding = case
    return operands((images, channels, filters, 1, size, (3, 3), ONE, padding, ONE), 0, np.float32)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_agrees_with_reference(case):
    x, weight, bias, grad_y = arrays(case)
    settings = ONE, case[-1], ONE, 1
    with kernels.cuda.algorithm("winograd"):
        agree("conv2d", x, weight, bias, output(grad_y.shape, np.float32), *settings, grad_y, True, units=64)
        agree("conv2d_grad_input", grad_y, weight, output(x.shape, np.float32), *settings, units=64)
        agree("conv2d_grad_weight", grad_y, x, output(weight.shape, np.float32), *settings, units=128)


def test_an_image_at_a_time(monkeypatch):
    """As large images are worked off, whose tiles do not all fit into memory."""
    monkeypatch.setattr(winograd, "_MOST", 1)
    x, weight, bias, grad_y = arrays((2, 2, 3, (4, 5), ONE))
    with kernels.cuda.algorithm("winograd"):
        agree("conv2d", x, weight, None, output(grad_y.shape, np.float32), ONE, ONE, ONE, 1, grad_y, units=64)
        agree("conv2d_grad_weight", grad_y, x, output(weight.shape, np.float32), ONE, ONE, ONE, 1, units=128)
