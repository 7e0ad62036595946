import numpy as np
from hypothesis import example, given, settings, strategies as st

from tests.kernels.agreement import SEEDS, numbers, output
from tests.kernels.cuda.agreement import agree

TYPES = st.sampled_from([np.float32, np.float64, np.int64, bool])
MODES = ["constant", "reflect", "replicate", "circular"]


@st.composite
def paddings(draw):
    """The mode, and size and border of each axis."""
    mode, axes = draw(st.sampled_from(MODES)), []
    for _ in range(draw(st.integers(1, 4))):
        size = draw(st.integers(1, 4))
        most = {"reflect": size - 1, "circular": size}.get(mode, 3)
        axes.append((size, draw(st.just((0, 0)) | st.tuples(st.integers(0, most), st.integers(0, most)))))
    return mode, axes


IMAGES = [(2, (0, 0)), (3, (0, 0)), (4, (1, 2)), (35, (3, 1))]
FIVE = [(2, (1, 1)), (3, (0, 1)), (2, (1, 0)), (2, (1, 1)), (3, (2, 1))]   # one more than the kernel takes


@example(("constant", IMAGES), np.float32, 0)
@example(("reflect", IMAGES), np.float32, 1)
@example(("constant", FIVE), np.float32, 0)
@example(("circular", FIVE), np.float64, 1)
@example(("constant", [(0, (0, 0)), (3, (0, 0)), (4, (1, 1)), (1, (2, 2))]), np.float64, 1)
@example(("replicate", [(0, (0, 0)), (3, (0, 0)), (4, (1, 1)), (1, (2, 2))]), np.float64, 1)
@example(("constant", [(2, (0, 0)), (5, (2, 3)), (2, (0, 0)), (3, (0, 0))]), np.float32, 0)
@example(("constant", [(0, (1, 2)), (3, (0, 0))]), np.float32, 0)
@settings(max_examples=40)
@given(paddings(), TYPES, SEEDS)
def test_agrees_with_reference(case, dtype, seed):
    mode, axes = case
    shape, before = tuple(size for size, _ in axes), tuple(border[0] for _, border in axes)
    padded = tuple(size + sum(border) for size, border in axes)
    floating = np.dtype(dtype).kind == "f"
    x = np.asarray(10 * numbers(seed, shape, np.float64, special=floating)).astype(dtype)
    agree("pad", x, output(padded, dtype), before, mode, seed % 3, units=0)
    if floating:
        agree("pad_grad_input", numbers(seed, padded, dtype), output(shape, dtype), before, mode, units=8)
