"""What is measured: a Case for each thing, a file for each kind."""
from benchmarks.cases import convolution, depthwise, matmul, moving, networks, normalization, optimizer, pointwise, pooling, visualize
from benchmarks.cases.case import Case, key_of

__all__ = ["ALL", "Case", "get"]

ALL = [*networks.CASES, *convolution.CASES, *depthwise.CASES, *matmul.CASES, *pooling.CASES, *normalization.CASES, *pointwise.CASES,
       *moving.CASES, *optimizer.CASES, *visualize.CASES]

_by_key = {key_of(case): case for case in ALL}


def get(key):
    return _by_key[key]
