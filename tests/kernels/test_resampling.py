import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from kernels import reference
from tests.kernels.agreement import DTYPES, SEEDS, agree, close, numbers, output

SIZES = st.tuples(st.integers(1, 12), st.integers(1, 12))
PLANES = st.sampled_from([(0, 3), (1, 1), (2, 3), (30, 5)])
MODES = st.sampled_from([("nearest", False), ("bilinear", False), ("bilinear", True)])


def scale_of(size, length, align_corners):
    return tuple((old - 1) / max(1, new - 1) if align_corners else old / new for old, new in zip(size, length))


def known(test):
    for size, length in [((5, 7), (10, 14)), ((20, 21), (10, 10)), ((1, 1), (3, 4)), ((6, 5), (1, 1)), ((9, 300), (40, 301))]:
        for mode in ("nearest", False), ("bilinear", False), ("bilinear", True):
            test = example((2, 3), size, length, mode, np.float32, 1, False)(test)
    return test


@known
@given(PLANES, SIZES, SIZES, MODES, DTYPES, SEEDS, st.booleans())
def test_cpu_agrees_with_reference(planes, size, length, settings, dtype, seed, special):
    mode, align_corners = settings
    scale = scale_of(size, length, align_corners)
    x, grad_y = numbers(seed, (*planes, *size), dtype, special), numbers(seed + 1, (*planes, *length), dtype, special and mode == "nearest")
    y, = agree("resample", x, output(grad_y.shape, dtype), mode, scale, align_corners, units=8)
    if mode == "nearest":
        assert set(y[~np.isnan(y)]) <= set(x.reshape(-1))
    agree("resample_grad_input", grad_y, output(x.shape, dtype), mode, scale, align_corners, units=16)


@pytest.mark.parametrize("size, length", [((5, 7), (10, 14)), ((5, 7), (3, 4)), ((4, 4), (7, 9)), ((6, 5), (1, 1))])
@pytest.mark.parametrize("mode, align_corners", [("nearest", None), ("bilinear", False), ("bilinear", True)])
def test_reference_is_torch(size, length, mode, align_corners, torch):
    x, grad_y = numbers(0, (2, 3, *size), np.float64), numbers(1, (2, 3, *length), np.float64)
    variable = torch.tensor(x, requires_grad=True)
    result = torch.nn.functional.interpolate(variable, length, mode=mode, align_corners=align_corners)
    result.backward(torch.tensor(grad_y))
    y, grad_x = np.empty_like(grad_y), np.empty_like(x)
    settings = mode, scale_of(size, length, align_corners), bool(align_corners)
    reference.resample(x, y, *settings)
    reference.resample_grad_input(grad_y, grad_x, *settings)
    close("resample", y, result.detach().numpy(), units=20)
    close("resample_grad_input", grad_x, variable.grad.numpy(), units=20)


def test_sources_of_nearest_pixels_are_torchs(torch):
    for size in range(1, 40):
        x = torch.arange(size, dtype=torch.float32).reshape(1, 1, 1, size)
        for length in range(1, 90):
            expected = torch.nn.functional.interpolate(x, (1, length)).reshape(-1).numpy()
            found = [reference.resampling.resampling_sources("nearest", i, size, size / length, False)[0][0] for i in range(length)]
            np.testing.assert_array_equal(found, expected)
