import numpy as np
import pytest
from hypothesis import example, given, strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from kernels import reference
from tests.kernels.agreement import CHUNK, DTYPES, SEEDS, SHAPES, agree, close, numbers, output

PAIRS = st.one_of(
    mutually_broadcastable_shapes(num_shapes=2, max_dims=5, min_side=0, max_side=4),
    mutually_broadcastable_shapes(num_shapes=2, min_dims=2, max_dims=4, min_side=5, max_side=9),
).map(lambda drawn: drawn.input_shapes)
BINARY = pytest.mark.parametrize("operation", ["add", "subtract", "multiply", "divide", "power"])
UNARY = pytest.mark.parametrize("operation", ["negative", "exp", "log", "sqrt", "absolute", "sign"])


@BINARY
@given(PAIRS, DTYPES, SEEDS, st.booleans())
@example(((2 * CHUNK + 3,), ()), np.float32, 1, False)              # long rows, cut into strips
@example(((), (2, CHUNK + 3)), np.float32, 1, False)
@example(((16, 6, 14, 14), (6, 1, 1)), np.float32, 1, False)        # channels
@example(((1000, 10), (10,)), np.float32, 1, False)                 # short rows, in blocks
@example(((30, 1, 40), (1, 20, 1)), np.float64, 1, True)
def test_cpu_agrees_with_reference(operation, shapes, dtype, seed, special):
    a, b = numbers(seed, shapes[0], dtype, special), numbers(seed + 1, shapes[1], dtype, special)
    agree(operation, a, b, output(np.broadcast_shapes(*shapes), dtype), each=True)


@UNARY
@given(SHAPES, DTYPES, SEEDS, st.sampled_from([1e-42, 1, 40]), st.booleans())
def test_cpu_agrees_with_reference_on_one_operand(operation, shape, dtype, seed, spread, special):
    x = (numbers(seed, shape, np.float64, special) * spread).astype(dtype)
    agree(operation, x, output(shape, dtype), each=True)


@pytest.mark.parametrize("operation, span", [
    ("exp", (-104, 89)), ("log", (-104, 88.7)), ("tanh", (-12, 12)), ("sigmoid", (-104, 89)),
])
def test_single_precision_is_exact_to_two_units_everywhere(operation, span):
    x = np.linspace(*span, 200_001).astype(np.float32)
    if operation == "log":
        x = np.exp(x.astype(np.float64)).astype(np.float32)   # every order of magnitude, down to the smallest
    agree(operation, x, output(x.shape, np.float32), each=True, units=2, terms=1e-31)


def test_a_square_is_a_product():
    a = numbers(0, (100,), np.float32)
    y, = agree("power", a, np.array(2, np.float32), output(a.shape, np.float32), each=True)
    np.testing.assert_array_equal(y, a * a)


@BINARY
def test_reference_is_torch(operation, torch):
    a, b = numbers(0, (50, 1), np.float64, special=True), numbers(1, (40,), np.float64, special=True)
    y = np.empty((50, 40))
    with np.errstate(all="ignore"):
        getattr(reference, operation)(a, b, y)
    function = torch.pow if operation == "power" else getattr(torch, operation)
    close(operation, y, function(torch.tensor(a), torch.tensor(b)).numpy(), each=True)


@UNARY
def test_reference_is_torch_on_one_operand(operation, torch):
    x = numbers(0, (1000,), np.float64, special=True)
    y = np.empty_like(x)
    with np.errstate(all="ignore"):
        getattr(reference, operation)(x, y)
    close(operation, y, getattr(torch, operation)(torch.tensor(x)).numpy(), each=True)
