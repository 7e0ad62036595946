import numpy as np
import pytest

import kernels.reference
from kernels.cuda import simple_reduction
from tests.kernels.agreement import close, numbers
from tests.kernels.cuda.agreement import machine

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def outputs_of(function, inputs, shapes, *settings):
    on = machine()
    outputs = [on.empty(shape, inputs[0].dtype) for shape in shapes]
    function(*map(on.to_device, inputs), *outputs, *settings)
    return [output.to_host() for output in outputs]


@DTYPES
@pytest.mark.parametrize("name", ["naive_sum", "tree_sum"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 300), (0, 3), (2, 0)])
def test_sum(name, shape, dtype):
    x = numbers(0, shape, dtype)
    y, = outputs_of(getattr(simple_reduction, name), [x], [shape[:1]])
    close(name, y, x.astype(np.float64).sum(axis=1), terms=20)


@DTYPES
def test_softmax(dtype):
    x = numbers(0, (3, 20), dtype)
    y, = outputs_of(simple_reduction.naive_softmax, [x], [x.shape])
    expected = np.empty(x.shape)
    kernels.reference.softmax(x.astype(np.float64), expected)
    close("naive_softmax", y, expected, units=8)


@DTYPES
def test_batch_norm_training(dtype):
    x, weight, bias = numbers(0, (3, 4, 5, 2), dtype), numbers(1, (4,), dtype), numbers(2, (4,), dtype)
    found = outputs_of(simple_reduction.naive_batch_norm_training, [x, weight, bias], [(4,), (4,), x.shape], 1e-5)
    expected = np.empty(4), np.empty(4), np.empty(x.shape)
    wide = [array.astype(np.float64) for array in (x, weight, bias)]
    kernels.reference.batch_norm_training(*wide, None, *expected, 1e-5, False)
    for ours, reference in zip(found, expected):
        close("naive_batch_norm_training", ours, reference, units=20)
