import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import kernels.cuda
from kernels.cuda import DeviceArray
from kernels.cuda.strides import AXES, merged
from tests.kernels.agreement import DTYPES, SEEDS, close, numbers, output
from tests.kernels.cuda.agreement import agree, machine

SHAPES = st.sampled_from([(0,), (1,), (), (3, 5, 7), (2, 0, 3), (300,), (64, 16)])
PAIRS = st.one_of(
    mutually_broadcastable_shapes(num_shapes=2, max_dims=5, min_side=0, max_side=4),
    mutually_broadcastable_shapes(num_shapes=2, min_dims=2, max_dims=3, min_side=5, max_side=7),
).map(lambda drawn: drawn.input_shapes)
BINARY = pytest.mark.parametrize("operation", ["add", "subtract", "multiply", "divide", "power"])
UNARY = pytest.mark.parametrize("operation", ["negative", "exp", "log", "sqrt", "absolute", "sign"])
REGULAR = [((1030,), ()), ((), (2, 515)), ((2, 6, 7, 7), (6, 1, 1)), ((6, 1, 1), (2, 6, 4, 7)), ((50, 10), (10,)), ((5, 40), (5, 1))]
IRREGULAR = [((10, 1, 7), (1, 8, 1)), ((2, 1, 3, 1, 2, 1, 2), (1, 2, 1, 3, 1, 3, 2))]


@pytest.mark.parametrize("operation", ["subtract", "power"])   # the two that know their operands apart
@pytest.mark.parametrize("shapes", REGULAR + IRREGULAR)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_kernel_agrees_with_reference(operation, shapes, dtype):
    a, b = (numbers(seed, shape, dtype, special=True) for seed, shape in enumerate(shapes))
    agree(operation, a, b, output(np.broadcast_shapes(*shapes), dtype), each=True)


@BINARY
@settings(max_examples=20)
@given(PAIRS, DTYPES, SEEDS, st.booleans())
@example(((3, 5, 7), (3, 5, 7)), np.float32, 0, True)
def test_agrees_with_reference(operation, shapes, dtype, seed, special):
    a, b = numbers(seed, shapes[0], dtype, special), numbers(seed + 1, shapes[1], dtype, special)
    agree(operation, a, b, output(np.broadcast_shapes(*shapes), dtype), each=True)


@UNARY
@settings(max_examples=10)
@given(SHAPES, DTYPES, SEEDS, st.sampled_from([1e-42, 1, 40]), st.booleans())
def test_agrees_with_reference_on_one_operand(operation, shape, dtype, seed, spread, special):
    x = np.asarray(numbers(seed, shape, np.float64, special) * spread).astype(dtype)
    agree(operation, x, output(shape, dtype), each=True)


@pytest.mark.parametrize("operation, span", [
    ("exp", (-104, 89)), ("log", (-104, 88.7)), ("tanh", (-12, 12)), ("sigmoid", (-104, 89)),
])
def test_single_precision_is_exact_everywhere(operation, span):
    x = np.linspace(*span, 2001).astype(np.float32)
    if operation == "log":
        x = np.exp(x.astype(np.float64)).astype(np.float32)   # every order of magnitude, down to the smallest
    agree(operation, x, output(x.shape, np.float32), each=True, terms=1e-31)


def test_a_square_is_a_product():
    a = numbers(0, (100,), np.float32)
    for two in (np.array(2, np.float32), 2):
        y, = _with_numbers("power", a, two)
        np.testing.assert_array_equal(y, a * a)
    y, = agree("power", a, np.array(2, np.float32), output(a.shape, np.float32), each=True)
    np.testing.assert_array_equal(y, a * a)


@BINARY
def test_a_number_of_the_host_may_be_an_operand(operation):
    for dtype in (np.float32, np.float64):
        a = np.abs(numbers(0, (3, 7), dtype)) + 0.1
        for number in (1.5, np.array(1.5, dtype)):
            for operands in ((a, number), (number, a)):
                y, = _with_numbers(operation, *operands)
                with np.errstate(all="ignore"):
                    close(operation, y, getattr(np, operation)(*(np.asarray(one, np.float64) for one in operands)), each=True)


def test_operands_may_have_any_strides():
    on, a, b = machine(), numbers(0, (4, 5, 6), np.float32), numbers(1, (6, 5), np.float32)
    there = on.to_device(a), on.to_device(b)
    transposed = DeviceArray(on, there[1].memory, there[1].address, (5, 6), b.dtype, (4, 20))
    backwards = DeviceArray(on, there[0].memory, there[0].address + 3 * 120, (4, 5, 6), a.dtype, (-120, 24, 4))
    y = on.empty((4, 5, 6), np.float32)
    kernels.cuda.subtract(backwards, transposed, y)
    np.testing.assert_array_equal(y.to_host(), a[::-1] - b.T)


def test_axes_are_merged():
    assert merged((2, 3, 4), (12, 4, 1), (0, 0, 0)) == ((24,), [(1,), (0,)])
    assert merged((2, 1, 3, 4, 4), (48, 48, 16, 4, 1), (0, 0, 1, 0, 0)) == ((2, 3, 16), [(48, 16, 1), (0, 1, 0)])
    assert merged((1, 1)) == ((), [])
    assert AXES < len(IRREGULAR[1][0])   # so that the outer ones are walked through on the host


def _with_numbers(operation, *operands):
    """Arrays on the device, numbers where they are."""
    on = machine()
    operands = [on.to_device(one) if isinstance(one, np.ndarray) and one.ndim else one for one in operands]
    array = next(one for one in operands if isinstance(one, DeviceArray))
    y = on.empty(array.shape, array.dtype)
    getattr(kernels.cuda, operation)(*operands, y)
    return [y.to_host()]
