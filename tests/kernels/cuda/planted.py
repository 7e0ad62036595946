"""Mistakes planted in small kernels: what the simulator calls them, and where it says they are.

The line of a mistake is the one with the comment "here", that of the other thread the one with "there".
"""
import inspect
import random
import re

import numpy as np
import pytest

from kernels.cuda.simulator import errors, simulate

ORDERS = [None, "reverse", random.Random(0), random.Random(1)]
X = np.arange(64, dtype=np.float32)


def line_of(kernel, comment):
    lines, first = inspect.getsourcelines(kernel)
    return next(first + number for number, line in enumerate(lines) if comment in line)


def mistake(kernel, kind, *words, grid=1, block=64, arrays=None, order=None, shared=0):
    """The kernel is stopped by that kind of error, whose sentence has the words, at the line marked "here"."""
    arrays = [X.copy(), np.zeros_like(X)] if arrays is None else arrays
    with pytest.raises(errors.KernelError) as caught:
        simulate(kernel, grid, block, *arrays, shared=shared, order=order)
    error = caught.value
    assert type(error) is kind, error
    for word in (kernel.__name__, *words):
        assert word in str(error), error
    if error.thread is not None:
        assert error.line == line_of(kernel, "# here"), error
        assert "# here" in str(error)
    if "# there" in inspect.getsource(kernel):
        there = line_of(kernel, "# there")
        assert re.search(rf"line {there}\b", error.problem), error
    return error
