import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from kernels import cpu, reference
from kernels.cpu import direct, patches, weight_gradient
from kernels.cpu.algorithms import TILE, algorithm_of
from kernels.geometry import output_shape
from tests.kernels.agreement import DTYPES, SEEDS, agree, close, numbers, output


@st.composite
def convolutions(draw):
    """images, channels and filters of a group, groups, size, kernel_size, stride, padding, dilation: any that fit."""
    def pair(least, most):
        return draw(st.tuples(st.integers(least, most), st.integers(least, most)))

    kernel_size, stride, padding, dilation = pair(1, 4), pair(1, 3), pair(0, 3), pair(1, 2)
    size = tuple(draw(st.integers(max(1, d * (k - 1) + 1 - 2 * p), 14)) for k, p, d in zip(kernel_size, padding, dilation))
    images, channels, filters, groups = (draw(st.integers(least, most)) for least, most in [(0, 3), (1, 4), (1, 9), (1, 3)])
    return images, channels, filters, groups, size, kernel_size, stride, padding, dilation


ONE, NONE = (1, 1), (0, 0)
ROUNDING = 8   # times the rounding errors of the direct sum are allowed for Winograd's
KNOWN = {
    "LeNet's first": (5, 1, 6, 1, (28, 28), (5, 5), ONE, (2, 2), ONE),
    "LeNet's second": (5, 6, 16, 1, (14, 14), (5, 5), ONE, NONE, ONE),
    "AlexNet's first": (2, 3, 20, 1, (67, 67), (11, 11), (4, 4), (2, 2), ONE),
    "ResNet's first": (1, 3, 20, 1, (50, 50), (7, 7), (2, 2), (3, 3), ONE),
    "VGG's": (2, 40, 33, 1, (20, 20), (3, 3), ONE, ONE, ONE),
    "of small images with many filters": (5, 50, 60, 1, (7, 7), (3, 3), ONE, ONE, ONE),
    "of many filters, strided": (3, 50, 60, 1, (15, 14), (3, 3), (2, 2), ONE, ONE),
    "deep": (2, 70, 49, 1, (9, 9), (3, 3), ONE, ONE, ONE),
    "of large images": (3, 17, 9, 1, (130, 120), (3, 3), ONE, ONE, ONE),
    "of single pixels": (2, 70, 30, 1, (9, 9), ONE, ONE, NONE, ONE),
    "of single pixels, strided": (2, 9, 30, 1, (9, 9), ONE, (2, 2), NONE, ONE),
    "depthwise": (2, 1, 1, 24, (15, 15), (3, 3), ONE, ONE, ONE),
    "fully connected": (7, 16, 120, 1, (5, 5), (5, 5), ONE, NONE, ONE),
    "dilated": (1, 5, 7, 2, (25, 25), (3, 3), ONE, (4, 4), (4, 4)),
    "wider stride than kernel": (2, 3, 5, 1, (17, 16), (2, 1), (3, 4), NONE, ONE),
}


def known(test):
    for case in KNOWN.values():
        test = example(case, np.float32, 1, True)(test)
    return test


def operands(case, seed, dtype):
    """x, weight, bias, grad_y."""
    images, channels, filters, groups, size, *window = case
    shapes = ((images, groups * channels, *size), (groups * filters, channels, *window[0]), (groups * filters,),
              (images, groups * filters, *output_shape(size, *window)))
    return [numbers(seed + i, shape, dtype) for i, shape in enumerate(shapes)]


@known
@given(convolutions(), DTYPES, SEEDS, st.booleans())
def test_cpu_agrees_with_reference(case, dtype, seed, with_bias):
    x, weight, bias, grad_y = operands(case, seed, dtype)
    groups, settings = case[3], case[6:]
    more = ROUNDING if algorithm_of(x.shape, weight.shape, grad_y.shape, *settings, groups, x.dtype) in TILE else 1
    agree("conv2d", x, weight, bias if with_bias else None, output(grad_y.shape, dtype), *settings, groups, units=8 * more)
    agree("conv2d_grad_input", grad_y, weight, output(x.shape, dtype), *settings, groups, units=8 * more)
    agree("conv2d_grad_weight", grad_y, x, output(weight.shape, dtype), *settings, groups, units=16 * more)


@known
@given(convolutions(), DTYPES, SEEDS, st.booleans())
def test_what_follows_the_sum(case, dtype, seed, with_bias):
    x, weight, bias, residual = operands(case, seed, dtype)
    groups, settings = case[3], case[6:]
    for added, rectify in (residual, True), (residual, False), (None, True):
        agree("conv2d", x, weight, bias if with_bias else None, output(residual.shape, dtype), *settings, groups, added, rectify,
              units=8 * ROUNDING)


@known
@given(convolutions(), DTYPES, SEEDS, st.booleans())
def test_what_is_kept_changes_nothing(case, dtype, seed, with_bias):
    x, weight, bias, like_y = operands(case, seed, dtype)
    kept = {}
    first, second, fresh = [np.empty_like(like_y) for _ in range(3)]
    for y, keep in (first, kept), (second, kept), (fresh, {}):
        cpu.conv2d(x, weight, bias if with_bias else None, y, *case[6:], case[3], kept=keep)
    assert first.tobytes() == second.tobytes() == fresh.tobytes()


def test_what_is_kept_is_for_a_number_of_groups():
    weight, kept = numbers(0, (6, 4, 3, 3), np.float32), {}
    for groups in (1, 2, 3):
        x, found, expected = numbers(1, (1, 4 * groups, 5, 5), np.float32), np.empty((1, 6, 3, 3), np.float32), np.empty((1, 6, 3, 3))
        cpu.conv2d(x, weight, None, found, ONE, NONE, ONE, groups, kept=kept)
        reference.conv2d(x, weight, None, expected, ONE, NONE, ONE, groups)
        close("conv2d", found, expected, units=8 * ROUNDING)


@pytest.fixture
def tiny_caches(monkeypatch):
    """A cache of a few bytes, so that a small batch is worked off as a large one is: image by image, tile by tile."""
    plans = direct._outer_plan_of, direct._dot_plan_of, patches._plan_of, weight_gradient._plan_of
    for plan in plans:
        plan.cache_clear()
    for module, names in (direct, ["_CACHE", "_IMAGES"]), (weight_gradient, ["_CACHE", "_POSITIONS"]), (patches, ["_CACHE", "_BUFFER"]):
        for name in names:
            monkeypatch.setattr(module, name, 1)
    yield
    for plan in plans:
        plan.cache_clear()


@pytest.mark.parametrize("case", [*KNOWN.values(), (5, 20, 60, 1, (7, 7), (3, 3), ONE, ONE, ONE)], ids=[*KNOWN, "without gaps"])
def test_part_by_part(case, tiny_caches):
    x, weight, bias, grad_y = operands(case, 0, np.float32)
    groups, settings = case[3], case[6:]
    with cpu.algorithm("direct"):
        agree("conv2d", x, weight, bias, output(grad_y.shape, np.float32), *settings, groups, grad_y, True, units=16)
        agree("conv2d_grad_input", grad_y, weight, output(x.shape, np.float32), *settings, groups, units=16)
        agree("conv2d_grad_weight", grad_y, x, output(weight.shape, np.float32), *settings, groups, units=16)


@pytest.mark.parametrize("algorithm", ["direct", *TILE])
@pytest.mark.parametrize("case", KNOWN.values(), ids=KNOWN)
def test_weights_that_are_kept_in_order(case, algorithm):
    """Forwards and backwards have orders of their own, and images of another size may need another one."""
    images, channels, filters, groups, size, *settings = case
    kept, weight = {}, numbers(1, (filters * groups, channels, *settings[0]), np.float32)
    with cpu.algorithm(algorithm):
        for larger in 0, 1, 0:
            x, _, _, grad_y = operands((images, channels, filters, groups, tuple(side + larger for side in size), *settings), 0, np.float32)
            for function, given, shape in (cpu.conv2d, [x, weight, None], grad_y.shape), (cpu.conv2d_grad_input, [grad_y, weight], x.shape):
                found, expected = np.empty(shape, np.float32), np.empty(shape, np.float32)
                function(*given, found, *settings[1:], groups, kept=kept)
                function(*given, expected, *settings[1:], groups)
                np.testing.assert_array_equal(found, expected)
    if algorithm == "direct":
        assert len(kept) <= 2   # one for each way, and not for each size: they are as large as the weights


@given(convolutions(), SEEDS)
def test_nan_and_infinity_reach_what_they_should(case, seed):
    x, weight, bias, grad_y = operands(case, seed, np.float32)
    for array, value in (x, np.nan), (x, np.inf), (grad_y, np.nan):
        if array.size:
            array.flat[seed % array.size] = value
    groups, settings = case[3], case[6:]
    with cpu.algorithm("direct"):   # test_winograd.py asks the same of the others
        agree("conv2d", x, weight, bias, output(grad_y.shape, np.float32), *settings, groups, units=16)
        agree("conv2d_grad_input", grad_y, weight, output(x.shape, np.float32), *settings, groups, units=16)


@pytest.mark.parametrize("case", KNOWN.values(), ids=KNOWN)
def test_reference_is_torch(case, torch):
    x, weight, bias, grad_y = operands(case, 0, np.float64)
    groups, settings = case[3], case[6:]
    variables = [torch.tensor(array, requires_grad=True) for array in (x, weight, bias)]
    result = torch.nn.functional.conv2d(*variables, *settings, groups)
    result.backward(torch.tensor(grad_y))
    y, grad_x, grad_weight = np.empty_like(grad_y), np.empty_like(x), np.empty_like(weight)
    reference.conv2d(x, weight, bias, y, *settings, groups)
    reference.conv2d_grad_input(grad_y, weight, grad_x, *settings, groups)
    reference.conv2d_grad_weight(grad_y, x, grad_weight, *settings, groups)
    close("conv2d", y, result.detach().numpy(), units=50)
    close("conv2d_grad_input", grad_x, variables[0].grad.numpy(), units=50)
    close("conv2d_grad_weight", grad_weight, variables[1].grad.numpy(), units=50)
