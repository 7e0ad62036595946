import numpy as np
from hypothesis import example, given, settings, strategies as st

from tests.kernels.agreement import SEEDS, numbers, output
from tests.kernels.cuda.agreement import agree

TYPES = st.sampled_from([np.float32, np.float64, np.int64, np.int32, np.uint8, bool])


@st.composite
def joints(draw):
    """The sizes before the axis and behind it, and those of the parts along it."""
    before, behind = [tuple(draw(st.lists(st.integers(0, 4), max_size=2))) for _ in range(2)]
    return before, draw(st.lists(st.integers(0, 5), min_size=1, max_size=4)), behind


@example(((2,), [3, 1, 8], (5, 8)), np.float32, 0)
@example(((300,), [1, 0, 3], ()), np.uint8, 0)
@settings(max_examples=25)
@given(joints(), TYPES, SEEDS)
def test_agrees_with_reference(case, dtype, seed):
    before, sizes, behind = case
    shapes, axis = [(*before, size, *behind) for size in sizes], len(before)
    parts = [np.asarray(10 * numbers(seed + i, shape, np.float64, special=np.dtype(dtype).kind == "f")).astype(dtype)
             for i, shape in enumerate(shapes)]
    whole, = agree("concatenate", parts, output((*before, sum(sizes), *behind), dtype), axis, units=0)
    firsts = [sum(sizes[:i]) for i in range(len(sizes))]
    found = agree("split", whole, [output(shape, dtype) for shape in shapes], firsts, axis, units=0)
    for part, original in zip(found, parts):
        np.testing.assert_array_equal(part, original)


def test_a_part_may_be_taken_alone():
    whole = np.arange(24.0).reshape(2, 6, 2)
    found, = agree("split", whole, [output((2, 3, 2), np.float64)], [2], 1, units=0)
    np.testing.assert_array_equal(found, whole[:, 2:5])
