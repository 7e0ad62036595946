"""Tensor cores against the reference, which is given operands that are rounded already: what is left is the rounding of sums."""
import contextlib
import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

import kernels.cuda
import kernels.precision
import kernels.reference
from kernels.cuda import tensor_core_convolution, tensor_core_matmul, tensor_core_weight_gradient
from kernels.cuda.rehearsal import Rehearsal
from kernels.cuda.tensor_core_plan import Plan, plan_of
from kernels.geometry import output_shape
from tests.kernels.agreement import SEEDS, numbers
from tests.kernels.cuda.agreement import _place, machine

PRECISIONS = st.sampled_from(["high", "medium"])
SUMS = 2.0 ** -16   # relative to the largest result: tensor cores cut sums off where others round them; to round otherwise costs more


@contextlib.contextmanager
def matmul_precision(name):
    before, kernels.precision.matmul_precision = kernels.precision.matmul_precision, name
    try:
        yield
    finally:
        kernels.precision.matmul_precision = before


def rounded(array, name):
    """To 10 binary places, of two neighbours to the one further from zero; or to 7, of two to the even one."""
    bits = array.view(np.uint32).astype(np.uint64)
    if name == "high":
        near = (bits + 0x1000) & 0xffffe000
    else:
        near = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000
    return np.where(np.isfinite(array), near.astype(np.uint32).view(np.float32), array).astype(np.float64)


def placed(array, aligned=True):
    """On the device, with other numbers on both sides; those of `aligned` arrays begin at a multiple of 16 bytes."""
    return _place(machine(), array, 64 if aligned else 67)


def unchanged_around(whole, beside):
    whole = whole.to_host()
    return np.isnan(whole[:beside]).all() and np.isnan(whole[-beside:]).all()


def close(found, expected):
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    assert np.abs(found[finite] - expected[finite]).max(initial=0) <= SUMS * np.abs(expected[finite]).max(initial=0)


def product(sizes, seed, transpose_a, transpose_b, accumulate, name, aligned=True, change=lambda a, b: None, form=tensor_core_matmul):
    rows, columns, depth = sizes
    a, b = numbers(seed, (rows, depth), np.float32), numbers(seed + 1, (depth, columns), np.float32)
    c = numbers(seed + 2, (rows, columns), np.float32)
    change(a, b)
    expected = c.astype(np.float64) * accumulate
    kernels.reference.matmul(rounded(a, name), rounded(b, name), expected, accumulate=True)
    a, b = np.ascontiguousarray(a.T if transpose_a else a), np.ascontiguousarray(b.T if transpose_b else b)
    (_, a), (_, b), (whole, c) = placed(a, aligned), placed(b, aligned), placed(c, aligned)
    with matmul_precision(name):
        form.matmul(a, b, c, transpose_a, transpose_b, accumulate)
    close(c.to_host(), expected)
    assert unchanged_around(whole, 64 if aligned else 67)


SIZES = st.tuples(*[st.sampled_from([1, 3, 8, 20, 36, 64, 70])] * 3)   # rows, columns, depth


@settings(max_examples=10)
@example((64, 64, 64), 0, False, False, False, "high", True)
@example((64, 68, 48), 0, True, True, False, "medium", True)
@given(SIZES, SEEDS, st.booleans(), st.booleans(), st.booleans(), PRECISIONS, st.booleans())
def test_matmul(sizes, seed, transpose_a, transpose_b, accumulate, name, aligned):
    product(sizes, seed, transpose_a, transpose_b, accumulate, name, aligned)


@pytest.mark.parametrize("transpose_a, transpose_b", [*itertools.product([False, True], repeat=2)])
def test_large_tiles(transpose_a, transpose_b, monkeypatch):
    monkeypatch.setattr(tensor_core_matmul, "plan_of", lambda *sizes: plan_of(*sizes, sizes=((128, 128),)))
    product((100, 130, 20), 0, transpose_a, transpose_b, False, "high")


def test_parts_of_the_depth_are_added_up(monkeypatch):
    assert plan_of(20, 24, 2000, machine().multiprocessors).parts > 1
    monkeypatch.setattr(tensor_core_matmul, "plan_of", lambda *sizes: Plan(64, 64, 3, 32))
    for accumulate in (False, True):
        product((20, 24, 70), 0, False, False, accumulate, "high")


def test_nan_and_infinity_spread_along_their_row_and_column():
    def change(a, b):
        np.abs(a, out=a)
        a[3, 4], b[7, 11] = np.nan, np.inf
    for name in ("high", "medium"):
        product((20, 30, 20), 0, False, False, False, name, change=change)


def test_which_products_it_serves():
    def serves(name, sizes=(64, 64, 64), dtype=np.float32, capability=(9, 0)):
        device = Rehearsal()
        device.compute_capability = capability
        rows, columns, depth = sizes
        arrays = [device.empty(shape, dtype) for shape in [(rows, depth), (depth, columns), (rows, columns)]]
        with matmul_precision(name):
            return tensor_core_matmul.serves(*arrays)
    assert serves("high") and serves("medium") and serves("high", capability=(8, 0))
    assert not serves("highest") and not serves("high", dtype=np.float64) and not serves("high", capability=(7, 5))
    assert not serves("high", sizes=(64, 10, 64))


@st.composite
def convolutions(draw):
    """images, channels and filters of a group, groups, size, kernel_size, stride, padding, dilation: any that fit."""
    def pair(least, most):
        return draw(st.tuples(st.integers(least, most), st.integers(least, most)))

    kernel_size, stride, padding, dilation = pair(1, 3), pair(1, 3), pair(0, 2), pair(1, 2)
    size = tuple(draw(st.integers(max(1, d * (k - 1) + 1 - 2 * p), 6)) for k, p, d in zip(kernel_size, padding, dilation))
    images, channels, filters, groups = (draw(st.integers(least, most)) for least, most in [(0, 2), (16, 20), (16, 18), (1, 2)])
    return images, channels, filters, groups, size, kernel_size, stride, padding, dilation


ONE, NONE = (1, 1), (0, 0)
KNOWN = {
    "VGG's": (1, 16, 17, 1, (4, 5), (3, 3), ONE, ONE, ONE),
    "of single pixels": (2, 20, 16, 1, (4, 5), ONE, ONE, NONE, ONE),
    "of single pixels, strided": (1, 17, 16, 1, (5, 5), ONE, (2, 2), NONE, ONE),
    "of groups, strided": (1, 16, 16, 2, (5, 6), (3, 2), (2, 2), (1, 0), ONE),
    "dilated": (1, 16, 16, 1, (7, 6), (2, 2), (2, 3), (1, 2), (2, 2)),
    "of nothing": (0, 16, 16, 1, (4, 4), (3, 3), ONE, ONE, ONE),
}


FORMS = tensor_core_convolution, tensor_core_weight_gradient


def convolve(case, seed, name, aligned=True, forms=FORMS):
    images, channels, filters, groups, size, *window = case
    settings_of = (*window[1:], groups)
    shapes = ((images, groups * channels, *size), (groups * filters, channels, *window[0]), (groups * filters,),
              (images, groups * filters, *output_shape(size, *window)))
    x, weight, bias, grad_y = [numbers(seed + i, shape, np.float32) for i, shape in enumerate(shapes)]
    near_x, near_weight, near_grad = (rounded(array, name) for array in (x, weight, grad_y))
    y, grad_x, grad_weight = (np.empty(array.shape) for array in (grad_y, x, weight))
    kernels.reference.conv2d(near_x, near_weight, bias.astype(np.float64), y, *settings_of, grad_y.astype(np.float64), True)
    kernels.reference.conv2d_grad_input(near_grad, near_weight, grad_x, *settings_of)
    kernels.reference.conv2d_grad_weight(near_grad, near_x, grad_weight, *settings_of)
    on_device = [placed(array, aligned)[1] for array in (x, weight, bias, grad_y)]
    with matmul_precision(name):
        for expected, function, inputs, more in [
                (y, forms[0].conv2d, on_device[:3], (on_device[3], True)),
                (grad_x, forms[0].conv2d_grad_input, [on_device[3], on_device[1]], ()),
                (grad_weight, forms[1].conv2d_grad_weight, [on_device[3], on_device[0]], ())]:
            whole, output = placed(np.full(expected.shape, np.nan, np.float32), aligned)
            function(*inputs, output, *settings_of, *more)
            close(output.to_host(), expected)
            assert unchanged_around(whole, 64 if aligned else 67)


@pytest.mark.parametrize("case, name", [*zip(KNOWN.values(), itertools.cycle(["high", "medium"]))], ids=KNOWN)
def test_convolutions(case, name):
    convolve(case, 0, name)


@settings(max_examples=3)
@given(convolutions(), SEEDS, PRECISIONS)
def test_any_convolution(case, seed, name):
    convolve(case, seed, name, aligned=False)


def test_what_is_kept_changes_nothing():
    x, weight = (placed(numbers(seed, shape, np.float32))[1] for seed, shape in enumerate([(1, 16, 3, 3), (16, 16, 1, 1)]))
    kept, results = {}, []
    for keep in (kept, kept, None):
        y = machine().empty((1, 16, 3, 3), np.float32)
        with matmul_precision("high"):
            tensor_core_convolution.conv2d(x, weight, None, y, ONE, NONE, ONE, 1, kept=keep)
        results.append(y.to_host().tobytes())
    assert kept and len(set(results)) == 1


@pytest.mark.parametrize("name, capability, kind", [
    ("highest", (9, 0), None), ("high", (8, 0), "tensor_core"), ("high", (9, 0), "warpgroup"), ("medium", (9, 0), "tensor_core"),
    ("high", (10, 0), "tensor_core")])
def test_the_setting_and_the_gpu_decide(name, capability, kind):
    """The kernels of the package compute with tensor cores if they may."""
    device = Rehearsal()
    device.compute_capability = capability
    x, weight, y, matrix = (device.empty(shape, np.float32) for shape in [(2, 16, 8, 8), (32, 16, 3, 3), (2, 32, 8, 8), (64, 64)])
    with matmul_precision(name):
        kernels.cuda.conv2d(x, weight, None, y, ONE, ONE, ONE, 1)
        kernels.cuda.conv2d_grad_input(y, weight, x, ONE, ONE, ONE, 1)
        kernels.cuda.conv2d_grad_weight(y, x, weight, ONE, ONE, ONE, 1)
        kernels.cuda.matmul(matrix, matrix, matrix)
    modules = {str(launch.kernel.function.__module__).rpartition(".")[2] for launch in device.launches} - {"tensor_core_plan"}
    expected = {f"{kind}_{work}" for work in ("matmul", "convolution", "weight_gradient")} if kind else set()
    assert {module for module in modules if module.startswith(("tensor_core", "warpgroup"))} == expected
