import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from kernels import reference
from tests.kernels.agreement import DTYPES, SEEDS, agree, changed, close, numbers, output

SIZES = st.tuples(*[st.sampled_from([0, 1, 2, 3, 7, 8, 16, 17, 33, 50, 100])] * 3)   # M, N, K


def large(test):
    for sizes in [(64, 120, 400), (130, 257, 65), (1, 1000, 513), (700, 1, 33), (300, 70, 1030), (600, 40, 20)]:
        for transposes in [(False, False), (False, True), (True, False), (True, True)]:
            test = example(sizes, np.float32, 1, *transposes, False)(test)
    return test


def operands(seed, sizes, dtype, transpose_a, transpose_b):
    m, n, k = sizes
    return (numbers(seed, (k, m) if transpose_a else (m, k), dtype), numbers(seed + 1, (n, k) if transpose_b else (k, n), dtype))


@large
@given(SIZES, DTYPES, SEEDS, st.booleans(), st.booleans(), st.booleans())
def test_cpu_agrees_with_reference(sizes, dtype, seed, transpose_a, transpose_b, accumulate):
    a, b = operands(seed, sizes, dtype, transpose_a, transpose_b)
    c = changed(numbers(seed + 2, sizes[:2], dtype)) if accumulate else output(sizes[:2], dtype)
    agree("matmul", a, b, c, transpose_a, transpose_b, accumulate, units=8, terms=1 + sizes[2] ** 0.5)


@given(SEEDS, st.booleans(), st.booleans())
def test_nan_and_infinity_spread_along_their_row_and_column(seed, transpose_a, transpose_b):
    a, b = np.abs(operands(seed, (20, 30, 10), np.float32, transpose_a, transpose_b)[0]), numbers(seed, (10, 30), np.float32)
    a[3, 4], b[7, 11] = np.nan, np.inf
    b = np.ascontiguousarray(b.T) if transpose_b else b
    agree("matmul", a, b, output((20, 30), np.float32), transpose_a, transpose_b, units=16)


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_reference_is_torch(transpose_a, transpose_b, torch):
    a, b = operands(0, (5, 6, 7), np.float64, transpose_a, transpose_b)
    c = numbers(2, (5, 6), np.float64)
    product = (torch.tensor(a.T if transpose_a else a) @ torch.tensor(b.T if transpose_b else b)).numpy()
    expected = c + product
    reference.matmul(a, b, c, transpose_a, transpose_b, accumulate=True)
    close("matmul", c, expected)
    reference.matmul(a, b, c, transpose_a, transpose_b)
    close("matmul", c, product)
