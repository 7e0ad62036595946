"""The matrix product by its definition."""
import numpy as np


def matmul(a, b, c, transpose_a=False, transpose_b=False, accumulate=False):
    """c[i, j] = sum_k op(a)[i, k] op(b)[k, j], where op transposes if it is told to.

    a    (M, K), or (K, M) if transpose_a
    b    (K, N), or (N, K) if transpose_b
    c    (M, N), written; with `accumulate` the product is added to what it holds
    """
    left = a.T if transpose_a else a
    right = b.T if transpose_b else b
    if not accumulate:
        c[...] = 0
    for k in range(left.shape[1]):
        c += np.multiply.outer(left[:, k], right[k, :])
