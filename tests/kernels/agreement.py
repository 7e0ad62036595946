"""Questions that every kernel must answer, each asked once for all of them.

    agree("add", a, b, output(a.shape, a.dtype))

calls the kernel of this name in kernels.cpu and in kernels.reference, and asks: do they agree? Are the results the same to the
bit on one thread and on all? Is all of the output written, and nothing beside it? Does nothing that lies beside the inputs
matter, and do they stay as they are? Where a kernel takes a list of arrays, so does `agree`.
"""
import math
import types

import numba
import numpy as np
from hypothesis import strategies as st

import kernels.cpu
import kernels.reference

DTYPES = st.sampled_from([np.float32, np.float64])
SEEDS = st.integers(0, 2**32 - 1)
CHUNK = kernels.cpu.chunks.CHUNK
SHAPES = st.sampled_from([(0,), (1,), (), (3, 5, 7), (2, 0, 3), (CHUNK,), (CHUNK + 1,), (2, 3, 5, 1000)])   # one chunk or more
_BESIDE = 67   # numbers on either side of every array, so that none begins where a register would like it to


class Output(types.SimpleNamespace):
    """An array that the kernel writes; `array` is what it holds before."""


def output(shape, dtype):
    """Still to be written: NaN, or 77 in whole numbers, all over."""
    return Output(array=np.full(shape, np.nan if np.dtype(dtype).kind == "f" else 77, dtype))


def changed(array):
    """To be changed in place."""
    return Output(array=np.asarray(array))


def numbers(seed, shape, dtype, special=False, ties=False):
    """Normally distributed. `special`: NaN, infinities and zeros among them. `ties`: halves, so that many are equal."""
    chance = np.random.default_rng(seed)
    array = np.asarray(chance.standard_normal(shape), dtype)
    if ties:
        array = np.round(2 * array) / 2
    if special:
        values = chance.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], shape)
        array = np.where(chance.random(shape) < 0.1, values, array).astype(dtype)
    return array


def agree(name, *arguments, units=4, each=False, terms=0):
    """Ask all questions; returns the outputs.

    The reference works in float64 on the same numbers. A result may be off by `units` units in the last place of the largest
    number in the output, or of `each` number itself; or of `terms`, if the output is made of terms which are larger than it.
    With units=0 both work in the same type, and must agree to the bit.
    """
    found = _run(kernels.cpu, name, arguments)
    numba.set_num_threads(1)
    for all_threads, one in zip(found, _run(kernels.cpu, name, arguments)):
        assert one.tobytes() == all_threads.tobytes(), f"{name} depends on the number of threads"
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    expected = _run(kernels.reference, name, [_widen(argument) for argument in arguments] if units else arguments)
    for ours, reference in zip(found, expected):
        close(name, ours, reference, units, each, terms)
    return found


def close(name, found, expected, units=4, each=False, terms=0):
    """Are these the same but for rounding, as `agree` has it? Whole numbers must be equal, and NaN and infinities in place."""
    assert found.shape == expected.shape
    if units == 0 or found.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected, name)
        return
    with np.errstate(over="ignore"):
        expected = expected.astype(found.dtype)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite], name)
    off, size = np.abs(found[finite] - expected[finite]), np.abs(expected[finite])
    unit = np.finfo(found.dtype)
    allowed = units * (unit.eps * np.maximum(size if each else size.max(initial=0), terms) + unit.smallest_subnormal)
    assert (off <= allowed).all(), f"{name} is off by {off.max()}, and {np.max(allowed)} is allowed at most"


def _run(package, name, arguments):
    """The outputs of one call, on copies of the arguments that lie in the middle of larger arrays."""
    single = [one for argument in arguments for one in (argument if isinstance(argument, list) else [argument])]
    arrays = [argument.array if isinstance(argument, Output) else argument for argument in single]
    placed = [_place(array) if isinstance(array, np.ndarray) else (None, array) for array in arrays]
    middles = iter([middle for _, middle in placed])
    passed = [[next(middles) for _ in argument] if isinstance(argument, list) else next(middles) for argument in arguments]
    with np.errstate(all="ignore"):
        getattr(package, name)(*passed)
    outputs = []
    for argument, array, (whole, middle) in zip(single, arrays, placed):
        if isinstance(argument, Output):
            outputs.append(middle)
        elif whole is not None:
            assert middle.tobytes() == array.tobytes(), f"{name} has changed an input"
        if whole is not None:
            around = np.concatenate([whole[:_BESIDE], whole[-_BESIDE:]])
            assert (around == whole[0]).all() or np.isnan(around).all(), f"{name} has written beside an array"
    return outputs


def _place(array):
    """A copy in the middle of a larger array whose other numbers are NaN, or 99 in whole numbers: both arrays."""
    whole = np.full(array.size + 2 * _BESIDE, np.nan if array.dtype.kind == "f" else 99, array.dtype)
    middle = whole[_BESIDE:_BESIDE + math.prod(array.shape)].reshape(array.shape)
    middle[...] = array
    return whole, middle


def _widen(argument):
    """Single as double precision."""
    if isinstance(argument, list):
        return [_widen(one) for one in argument]
    if isinstance(argument, Output):
        return Output(array=_widen(argument.array))
    if isinstance(argument, np.ndarray) and argument.dtype == np.float32:
        return argument.astype(np.float64)
    return argument
