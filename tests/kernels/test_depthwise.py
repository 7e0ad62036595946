"""Depthwise convolution: what conv2d does where each filter sees one channel."""
import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from kernels import cpu, reference
from kernels.cpu import depthwise
from kernels.geometry import output_shape
from tests.kernels.agreement import DTYPES, SEEDS, agree, close, numbers, output

ONE = (1, 1)


@st.composite
def geometries(draw):
    """images, channels, multiplier, size, kernel_size, stride, padding, dilation: most slide by registers, of which the image is
    narrower or wider."""
    pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
    kernel_size = draw(st.sampled_from([(3, 3), (5, 5), (7, 7)]) | pairs)
    stride = draw(st.sampled_from([(1, 1), (2, 2)]) | pairs)
    padding = draw(st.tuples(st.integers(0, 5), st.integers(0, 5)))
    dilation = draw(st.sampled_from([ONE, ONE, ONE, (2, 1), (1, 2)]))
    least = [max(1, d * (k - 1) + 1 - 2 * p) for k, p, d in zip(kernel_size, padding, dilation)]
    size = draw(st.integers(least[0], 15)), draw(st.integers(least[1], 15) | st.integers(30, 75))
    return draw(st.integers(0, 3)), draw(st.integers(2, 3)), draw(st.integers(1, 3)), size, kernel_size, stride, padding, dilation


KNOWN = {
    "MobileNet's": (2, 32, 1, (28, 28), (3, 3), ONE, ONE, ONE),
    "MobileNet's, strided": (2, 16, 1, (56, 56), (3, 3), (2, 2), ONE, ONE),
    "MobileNet's last": (2, 32, 1, (7, 7), (3, 3), ONE, ONE, ONE),
    "EfficientNet's": (1, 8, 1, (28, 28), (5, 5), ONE, (2, 2), ONE),
    "EfficientNet's, strided": (1, 8, 1, (28, 28), (5, 5), (2, 2), (2, 2), ONE),
    "ConvNeXt's": (1, 8, 1, (14, 14), (7, 7), ONE, (3, 3), ONE),
    "on one pixel": (1, 2, 2, ONE, (3, 3), ONE, ONE, ONE),
    "on one pixel far inside its border": (1, 2, 2, ONE, (3, 3), (2, 2), (4, 4), ONE),
    "that leaves a row and a column unseen": (1, 2, 1, (10, 40), (3, 3), (2, 2), (0, 0), ONE),
}


def known(test):
    for case in KNOWN.values():
        test = example(case, np.float32, 1)(test)
    return test


def operands(case, seed, dtype):
    """x, weight, bias, grad_y."""
    images, channels, multiplier, size, *window = case
    filters = channels * multiplier
    shapes = ((images, channels, *size), (filters, 1, *window[0]), (filters,), (images, filters, *output_shape(size, *window)))
    return [numbers(seed + i, shape, dtype) for i, shape in enumerate(shapes)]


@known
@given(geometries(), DTYPES, SEEDS)
def test_cpu_agrees_with_reference(case, dtype, seed):
    x, weight, bias, grad_y = operands(case, seed, dtype)
    settings = *case[5:], case[1]
    agree("conv2d", x, weight, bias if seed % 2 else None, output(grad_y.shape, dtype), *settings, units=8)
    agree("conv2d_grad_input", grad_y, weight, output(x.shape, dtype), *settings, units=8)
    agree("conv2d_grad_weight", grad_y, x, output(weight.shape, dtype), *settings, units=16)


@known
@given(geometries(), DTYPES, SEEDS)
def test_nan_and_infinity_reach_what_they_should(case, dtype, seed):
    x, weight, bias, grad_y = operands(case, seed, dtype)
    for array, value in (x, np.nan), (x, np.inf), (grad_y, np.nan):
        if array.size:
            array.flat[seed % array.size] = value
    settings = *case[5:], case[1]
    agree("conv2d", x, weight, bias, output(grad_y.shape, dtype), *settings, units=16)
    agree("conv2d_grad_input", grad_y, weight, output(x.shape, dtype), *settings, units=16)
    agree("conv2d_grad_weight", grad_y, x, output(weight.shape, dtype), *settings, units=16)


@pytest.mark.parametrize("case", KNOWN.values(), ids=KNOWN)
def test_reference_is_torch(case, torch):
    x, weight, bias, grad_y = operands(case, 0, np.float64)
    settings = *case[5:], case[1]
    variables = [torch.tensor(array, requires_grad=True) for array in (x, weight, bias)]
    result = torch.nn.functional.conv2d(*variables, *settings)
    result.backward(torch.tensor(grad_y))
    y, grad_x, grad_weight = np.empty_like(grad_y), np.empty_like(x), np.empty_like(weight)
    reference.conv2d(x, weight, bias, y, *settings)
    reference.conv2d_grad_input(grad_y, weight, grad_x, *settings)
    reference.conv2d_grad_weight(grad_y, x, grad_weight, *settings)
    close("conv2d", y, result.detach().numpy(), units=50)
    close("conv2d_grad_input", grad_x, variables[0].grad.numpy(), units=50)
    close("conv2d_grad_weight", grad_weight, variables[1].grad.numpy(), units=50)


def test_depthwise_convolutions_come_here(monkeypatch):
    called = []
    for name in ("conv2d", "conv2d_grad_input", "conv2d_grad_weight"):
        monkeypatch.setattr(depthwise, name, lambda *arguments, name=name: called.append(name))
    x, weight, y = (np.zeros(shape, np.float32) for shape in ((1, 4, 5, 5), (4, 1, 3, 3), (1, 4, 3, 3)))
    cpu.conv2d(x, weight, None, y, ONE, (0, 0), ONE, 4)
    cpu.conv2d_grad_input(y, weight, x, ONE, (0, 0), ONE, 4)
    cpu.conv2d_grad_weight(y, x, weight, ONE, (0, 0), ONE, 4)
    assert called == ["conv2d", "conv2d_grad_input", "conv2d_grad_weight"]
