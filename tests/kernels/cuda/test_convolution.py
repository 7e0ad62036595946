import numpy as np
import pytest
from hypothesis import given, settings

import kernels.cuda
from kernels.cuda import implicit, plan
from kernels.cuda.algorithms import DEPTHWISE, DIRECT, IMPLICIT, WINOGRAD, algorithm_of
from tests.kernels.agreement import DTYPES, SEEDS, output
from tests.kernels.cuda.agreement import agree, machine
from tests.kernels.test_convolution import convolutions, operands

ONE, NONE = (1, 1), (0, 0)
SMALL, WIDE = plan.TILES[2], plan.TILES[3]
CASES = {   # images, channels and filters of a group, groups, size, kernel_size, stride, padding, dilation
    "border": (1, 3, 5, 1, (7, 6), (3, 3), ONE, ONE, ONE),
    "strided": (2, 2, 3, 1, (7, 8), (3, 2), (2, 3), (1, 0), ONE),
    "wider stride than kernel": (1, 3, 4, 1, (8, 7), (2, 1), (3, 2), NONE, ONE),
    "dilated, in groups": (1, 4, 4, 2, (7, 8), (3, 2), (1, 2), (2, 1), (2, 3)),
    "a slice of channels": (1, 16, 16, 1, (5, 4), (2, 3), ONE, ONE, ONE),
    "single pixels": (2, 7, 5, 2, (2, 4), ONE, ONE, NONE, ONE),
    "single pixels, a slice of channels": (1, 16, 4, 1, (3, 3), ONE, (2, 2), NONE, ONE),
    "fully connected": (3, 4, 5, 1, (2, 2), (2, 2), ONE, NONE, ONE),
    "no images": (0, 4, 5, 1, (4, 4), (3, 3), ONE, ONE, ONE),
}


def asked(monkeypatch, tile, parts):
    monkeypatch.setattr(plan, "choose", lambda *_: (tile, parts))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_implicit(case, monkeypatch):
    x, weight, bias, grad_y = operands(case, 0, np.float32)
    groups, window = case[3], case[6:]
    asked(monkeypatch, SMALL, 1)
    with kernels.cuda.algorithm("implicit"):
        agree("conv2d", x, weight, bias, output(grad_y.shape, np.float32), *window, groups, grad_y, True, units=8)
        agree("conv2d_grad_input", grad_y, weight, output(x.shape, np.float32), *window, groups, units=8)


@pytest.mark.parametrize("case", [CASES["strided"], (1, 8, 33, 1, (4, 33), (1, 2), ONE, (0, 1), ONE)],
                         ids=["strided", "past a tile's edge"])
def test_in_parts(case, monkeypatch):
    x, weight, bias, grad_y = operands(case, 0, np.float32)
    groups, window = case[3], case[6:]
    asked(monkeypatch, WIDE, 2)
    agree("conv2d", x, weight, bias, output(grad_y.shape, np.float32), *window, groups, grad_y, True, units=8)
    agree("conv2d_grad_input", grad_y, weight, output(x.shape, np.float32), *window, groups, units=8)


@settings(max_examples=3)
@given(convolutions(), DTYPES, SEEDS)
def test_agrees_with_reference(case, dtype, seed):
    x, weight, bias, grad_y = operands(case, seed, dtype)
    groups, window = case[3], case[6:]
    agree("conv2d", x, weight, bias, output(grad_y.shape, dtype), *window, groups, units=8)
    agree("conv2d_grad_input", grad_y, weight, output(x.shape, dtype), *window, groups, units=8)


def test_what_is_kept_changes_nothing():
    on, kept = machine(), {}
    x, weight, bias, like_y = operands(CASES["border"], 0, np.float32)
    x, weight, bias = map(on.to_device, (x, weight, bias))
    results = []
    for keep in kept, kept, None:
        y = on.empty(like_y.shape, np.float32)
        kernels.cuda.conv2d(x, weight, bias, y, *CASES["border"][6:], 1, kept=keep)
        results.append(y.to_host().tobytes())
    assert kept and len(set(results)) == 1


def test_nan_reaches_what_it_should(monkeypatch):
    x, weight, bias, grad_y = operands(CASES["a slice of channels"], 0, np.float32)
    x[0, 3, 1, 1] = grad_y[0, 2, 0, 0] = np.nan
    asked(monkeypatch, SMALL, 1)
    agree("conv2d", x, weight, bias, output(grad_y.shape, np.float32), ONE, ONE, ONE, 1, None, True, units=8)
    agree("conv2d_grad_input", grad_y, weight, output(x.shape, np.float32), ONE, ONE, ONE, 1, units=8)


def test_residues_are_all_pixels_and_all_taps():
    for pixels, taps, stride, padding, dilation in (9, 3, 2, 1, 1), (5, 11, 4, 2, 1), (8, 3, 4, 0, 2), (1, 1, 3, 0, 1):
        axes = implicit.backward_axes(pixels, taps, stride, padding, dilation)
        seen = [axis.first + i * axis.apart for axis in axes for i in range(axis.grid)]
        assert sorted(seen) == list(range(pixels))
        for axis in axes:
            for i in range(axis.grid):
                for tap in range(axis.taps):
                    source = axis.start + i * axis.stride + tap * axis.step
                    filter_tap = axis.first_tap + tap * axis.next_tap
                    assert source * stride - padding + filter_tap * dilation == axis.first + i * axis.apart and filter_tap < taps


def test_choice():
    def chosen(weight, groups=1, dtype=np.float32, dilation=ONE, size=28):
        x, y = (32, groups * weight[1], size, size), (32, weight[0], size, size)
        return algorithm_of(x, weight, y, ONE, ONE, dilation, groups, np.dtype(dtype))

    assert chosen((64, 3, 7, 7)) == IMPLICIT
    assert chosen((64, 3, 7, 7), dtype=np.float64) == chosen((64, 3, 17, 7)) == DIRECT
    assert chosen((64, 64, 3, 3)) == WINOGRAD
    assert chosen((64, 64, 3, 3), dilation=(2, 2)) == chosen((64, 3, 3, 3)) == chosen((64, 64, 3, 3), size=4) == IMPLICIT
    assert chosen((32, 1, 3, 3), 32) == DEPTHWISE
    assert chosen((32, 1, 3, 3), 32, dilation=(2, 2)) == DIRECT
    with kernels.cuda.algorithm("direct"):
        assert chosen((64, 3, 7, 7)) == chosen((32, 1, 3, 3), 32) == DIRECT
    with kernels.cuda.algorithm("implicit"):
        assert chosen((32, 1, 3, 3), 32) == IMPLICIT
    with pytest.raises(ValueError, match="there is no 'fft'"), kernels.cuda.algorithm("fft"):
        pass
