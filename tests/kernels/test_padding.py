import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from kernels import reference
from tests.kernels.agreement import SEEDS, agree, numbers, output

TYPES = st.sampled_from([np.float32, np.float64, np.int64, bool])
MODES = ["constant", "reflect", "replicate", "circular"]


@st.composite
def paddings(draw):
    """The mode, and size and border of each axis."""
    mode, axes = draw(st.sampled_from(MODES)), []
    for _ in range(draw(st.integers(1, 4))):
        size = draw(st.integers(1, 6))
        most = {"reflect": size - 1, "circular": size}.get(mode, 4)
        axes.append((size, draw(st.just((0, 0)) | st.tuples(st.integers(0, most), st.integers(0, most)))))
    return mode, axes


IMAGES = [(2, (0, 0)), (3, (0, 0)), (30, (1, 2)), (70, (3, 1))]


@example(("constant", IMAGES), np.float32, 0)
@example(("reflect", IMAGES), np.float32, 1)
@example(("constant", [(0, (0, 0)), (3, (0, 0)), (4, (1, 1)), (1, (2, 2))]), np.float64, 1)
@example(("replicate", [(0, (0, 0)), (3, (0, 0)), (4, (1, 1)), (1, (2, 2))]), np.float64, 1)
@example(("constant", [(2, (0, 0)), (16, (8, 8)), (20, (0, 0)), (20, (0, 0))]), np.float32, 0)
@given(paddings(), TYPES, SEEDS)
def test_cpu_agrees_with_reference(case, dtype, seed):
    mode, axes = case
    shape, before = tuple(size for size, _ in axes), [border[0] for _, border in axes]
    padded = tuple(size + sum(border) for size, border in axes)
    floating = np.dtype(dtype).kind == "f"
    x = (10 * numbers(seed, shape, np.float64, special=floating)).astype(dtype)
    agree("pad", x, output(padded, dtype), before, mode, seed % 3, units=0)
    if floating:
        agree("pad_grad_input", numbers(seed, padded, dtype), output(shape, dtype), before, mode, units=8)


@pytest.mark.parametrize("mode", MODES)
def test_reference_is_torch(mode, torch):
    x = numbers(0, (2, 3, 5, 6), np.float64)
    variable = torch.tensor(x, requires_grad=True)
    result = torch.nn.functional.pad(variable, (2, 1, 0, 3), mode)
    grad_y = numbers(1, tuple(result.shape), np.float64)
    result.backward(torch.tensor(grad_y))
    y, grad_x = np.empty(result.shape), np.empty_like(x)
    reference.pad(x, y, (0, 0, 0, 2), mode, 0)
    reference.pad_grad_input(grad_y, grad_x, (0, 0, 0, 2), mode)
    np.testing.assert_array_equal(y, result.detach().numpy())
    np.testing.assert_allclose(grad_x, variable.grad.numpy(), atol=1e-14)
