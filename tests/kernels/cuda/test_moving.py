import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from kernels.cuda import DeviceArray, moving
from tests.kernels.agreement import SEEDS, numbers
from tests.kernels.cuda.agreement import machine

TYPES = [bool, np.uint8, np.int16, np.int32, np.int64, np.float32, np.float64]


def some(seed, shape, dtype):
    return np.asarray(10 * numbers(seed, shape, np.float64)).astype(dtype)


def seen(whole, array, of):
    """The view of `whole`, on the device, that `array` is of the numpy.ndarray `of`."""
    address = whole.address + array.__array_interface__["data"][0] - of.__array_interface__["data"][0]
    return DeviceArray(whole.machine, whole.memory, address, array.shape, array.dtype, array.strides)


@st.composite
def views(draw):
    """A function from an array of a drawn shape to a view of it."""
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=6)))
    axes = draw(st.permutations(range(len(shape))))
    cuts = tuple([slice(draw(st.integers(0, 1)), None, draw(st.sampled_from([1, 1, 2, -1]))) for _ in shape])
    cuts = tuple([slice(None, None, cut.step) if cut.step < 0 else cut for cut in cuts])
    return shape, lambda array: array[cuts].transpose(axes)


@settings(max_examples=60)
@given(views(), st.sampled_from(TYPES), SEEDS)
def test_views_are_copied_and_written(case, dtype, seed):
    shape, view = case
    on, source = machine(), some(seed, shape, dtype)
    there = on.to_device(source)
    copied = on.empty(view(source).shape, dtype)
    moving.copy(seen(there, view(source), source), copied)
    np.testing.assert_array_equal(copied.to_host(), view(source))
    expected, target = some(seed + 1, shape, dtype), on.to_device(some(seed + 1, shape, dtype))
    values = some(seed + 2, view(expected).shape, dtype)
    view(expected)[...] = values
    moving.copy(on.to_device(values), seen(target, view(expected), expected))
    np.testing.assert_array_equal(target.to_host(), expected)
    view(expected)[...] = 1
    moving.fill(seen(target, view(expected), expected), 1)
    np.testing.assert_array_equal(target.to_host(), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.int64])
@pytest.mark.parametrize("shape, axes", [((64, 33), (1, 0)), ((40, 33), (1, 0)), ((2, 20, 35), (0, 2, 1)), ((2, 17, 3, 18), (0, 2, 3, 1)),
                                         ((2, 16, 2, 2, 2, 16), (2, 5, 0, 4, 1, 3)), ((16, 40), (0, 1))])
def test_transpositions(dtype, shape, axes):
    on, source = machine(), some(0, shape, dtype)
    target = on.empty([shape[axis] for axis in axes], dtype)
    moving.copy(seen(on.to_device(source), source.transpose(axes), source), target)
    np.testing.assert_array_equal(target.to_host(), source.transpose(axes))


def test_a_source_is_broadcast():
    on, row = machine(), some(0, (7,), np.float32)
    target = on.empty((3, 2, 7), np.float32)
    moving.copy(on.to_device(row), target)
    np.testing.assert_array_equal(target.to_host(), np.broadcast_to(row, (3, 2, 7)))
    moving.copy(on.to_device(row[:1].reshape(())), target)
    assert (target.to_host() == row[0]).all()
    empty = on.empty((0, 3), np.float32)
    moving.copy(empty, empty)
    moving.fill(empty, 1)


@pytest.mark.parametrize("count, beside", [(1000, 0), (1000, 1), (1000, 2), (1001, 0)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_rows_of_any_alignment_are_copied_and_filled(count, beside, dtype):
    on, source = machine(), some(0, (count,), dtype)
    whole = on.to_device(np.full(count + 8, 99, dtype))
    middle = DeviceArray(on, whole.memory, whole.address + beside * np.dtype(dtype).itemsize, (count,), np.dtype(dtype))
    expected = np.full(count + 8, 99, dtype)
    for write, values in ((lambda: moving.copy(on.to_device(source), middle), source), (lambda: moving.fill(middle, 3), 3)):
        write()
        expected[beside:beside + count] = values
        np.testing.assert_array_equal(whole.to_host(), expected)


@pytest.mark.parametrize("before, after", list(itertools.product(TYPES, TYPES)))
def test_types_are_converted(before, after):
    on, x = machine(), np.abs(some(0, (3, 100), before))   # what negative numbers become without a sign is undefined
    y = on.empty(x.shape, after)
    moving.cast(on.to_device(x), y)
    np.testing.assert_array_equal(y.to_host(), x.astype(after))


def test_not_a_number_is_true():
    on, y = machine(), machine().empty((3,), bool)
    moving.cast(on.to_device(np.array([np.nan, 0, -0.0], np.float32)), y)
    np.testing.assert_array_equal(y.to_host(), [True, False, False])


@pytest.mark.parametrize("row", [(), (3,), (4, 2), (2,)])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("positions", [np.int32, np.int64])
def test_rows_are_gathered_and_put_back(row, dtype, positions):
    on, x = machine(), some(0, (11, *row), dtype)
    chosen = np.random.default_rng(0).integers(0, 11, 20).astype(positions)
    y = on.empty((20, *row), dtype)
    moving.take(on.to_device(x), on.to_device(chosen), y)
    np.testing.assert_array_equal(y.to_host(), x[chosen])
    mixed = np.random.default_rng(1).permutation(11).astype(positions)[:7]
    target = on.to_device(x)
    moving.put(target, on.to_device(mixed), on.to_device(some(1, (7, *row), dtype)))
    x[mixed] = some(1, (7, *row), dtype)
    np.testing.assert_array_equal(target.to_host(), x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("count, size", [(0, 5), (1, 1), (300, 20), (50, 400), (70, 1)])
def test_values_are_added_at_positions(count, size, dtype):
    on, y, values = machine(), some(0, (size,), dtype), some(1, (count,), dtype)
    positions = np.random.default_rng(0).integers(0, size, count)
    target = on.to_device(y)
    moving.add_at(target, positions, on.to_device(values))
    np.add.at(y, positions, values)
    np.testing.assert_allclose(target.to_host(), y, rtol=1e-5, atol=1e-4)
