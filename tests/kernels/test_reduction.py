import math

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from kernels import reference
from tests.kernels.agreement import CHUNK, DTYPES, SEEDS, agree, close, numbers, output


@st.composite
def reductions(draw, least=0):
    """A shape, and some of its axes."""
    shape = tuple(draw(st.lists(st.integers(least, 6), max_size=5)))
    return shape, tuple(draw(st.sets(st.sampled_from(range(len(shape))))) if shape else ())


LARGE = [((64, 6, 28, 28), (0, 2, 3)), ((3 * CHUNK + 5,), (0,)), ((70, 2500), (0,)), ((9000, 3), (0,)), ((9000, 3), (1,)),
         ((2, 30, 5, 40), (1, 3)), ((2, 30, 50, 4), (0, 2)), ((20_000, 2), (0, 1))]


def kept(shape, axes):
    return tuple(1 if axis in axes else size for axis, size in enumerate(shape))


def large(test):
    """Examples that are worked off in parts, on all threads."""
    for case in LARGE:
        test = example(case, np.float32, 1, False)(test)
    return test


@large
@given(reductions(), DTYPES, SEEDS, st.booleans())
def test_sum_agrees_with_reference(case, dtype, seed, special):
    shape, axes = case
    x = numbers(seed, shape, dtype, special)
    terms = math.prod(shape) // max(1, math.prod(kept(shape, axes)))
    agree("sum", x, output(kept(shape, axes), dtype), axes, units=4, terms=math.sqrt(terms))


@large
@given(reductions(least=1), DTYPES, SEEDS, st.booleans())
def test_max_agrees_with_reference(case, dtype, seed, special):
    shape, axes = case
    x = numbers(seed, shape, dtype, special, ties=True)
    y, = agree("max", x, output(kept(shape, axes), dtype), axes, units=0)
    agree("max_grad_input", numbers(seed + 1, y.shape, dtype), x, y, output(shape, dtype), axes, each=True)


def test_a_long_sum_in_single_precision_stays_exact():
    y, = agree("sum", np.full(2**24 + 3, 0.1, np.float32), output((1,), np.float32), (0,), units=16)
    assert y[0] == pytest.approx((2**24 + 3) * 0.1, rel=3e-6)   # one addition after the other would end at 2 million


@pytest.mark.parametrize("axes", [(0,), (1, 2), (0, 2), (0, 1, 2)])
def test_reference_is_torch(axes, torch):
    x, grad_y = numbers(0, (4, 5, 6), np.float64, ties=True), numbers(1, kept((4, 5, 6), axes), np.float64)
    x[1, 2, 3] = np.nan
    y, grad_x = np.empty_like(grad_y), np.empty_like(x)
    variable = torch.tensor(x, requires_grad=True)
    result = torch.amax(variable, axes, keepdim=True)
    result.backward(torch.tensor(grad_y))
    reference.max(x, y, axes)
    close("max", y, result.detach().numpy(), units=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        reference.max_grad_input(grad_y, x, y, grad_x, axes)
    close("max_grad_input", grad_x, variable.grad.numpy())
    reference.sum(x, y, axes)
    close("sum", y, torch.tensor(x).sum(axes, keepdim=True).numpy(), units=20)
