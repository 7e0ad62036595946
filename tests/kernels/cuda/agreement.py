"""As tests.kernels.agreement, asked of the kernels of kernels.cuda: in the simulator, or on a GPU with MINICNN_TEST_DEVICE=cuda.

The simulator shuffles the threads of every block, and stops at a race, a barrier that not all reach, an index that is out of range,
a read of what nobody wrote.
"""
import functools
import math
import os
import random

import numpy as np

import kernels.cuda
import kernels.reference
from kernels.cuda.simulator import Simulator
from tests.kernels.agreement import Output, _widen, close

ON_GPU = os.environ.get("MINICNN_TEST_DEVICE") == "cuda"


@functools.cache
def gpu():
    from kernels.cuda.gpu import GPU

    return GPU()


def machine():
    """What the tests run on. It has forgotten how it did a product: a test may ask for it in another way."""
    on = gpu() if ON_GPU else Simulator(order=random.Random(0))
    on.remembered.clear()
    return on


def agree(name, *arguments, units=4, each=False, terms=0, package=kernels.cuda):
    """Does kernels.cuda agree with kernels.reference, write all of the output and nothing beside it, and leave inputs alone?

    Arguments as in tests.kernels.agreement.agree. Arrays lie in the middle of larger ones, at multiples of 16 bytes or not. `package`
    may be a module of kernels.cuda: one of several ways to compute it.
    """
    found = run(name, arguments, package)
    expected = _reference(name, [_widen(argument) for argument in arguments] if units else arguments)
    for ours, reference in zip(found, expected):
        close(name, ours, reference, units, each, terms)
    return found


def _flat(arguments):
    return [one for argument in arguments for one in (argument if isinstance(argument, list) else [argument])]


def _array(argument):
    return argument.array if isinstance(argument, Output) else argument


def _call(package, name, arguments, arrays):
    """The kernel with the arrays in place of the arguments; lists stay lists."""
    arrays = iter(arrays)
    passed = [[next(arrays) for _ in argument] if isinstance(argument, list) else next(arrays) for argument in arguments]
    with np.errstate(all="ignore"):
        getattr(package, name)(*passed)


def _reference(name, arguments):
    single = _flat(arguments)
    arrays = [_array(one).copy() if isinstance(_array(one), np.ndarray) else one for one in single]
    _call(kernels.reference, name, arguments, arrays)
    return [array for one, array in zip(single, arrays) if isinstance(one, Output)]


def run(name, arguments, package=kernels.cuda):
    """The outputs of one call."""
    on, single = machine(), _flat(arguments)
    beside = 64 + 3 * (sum(_array(one).size for one in single if isinstance(_array(one), np.ndarray)) % 2)
    placed = [_place(on, _array(one), beside) if isinstance(_array(one), np.ndarray) else (None, one) for one in single]
    _call(package, name, arguments, [middle for _, middle in placed])
    outputs = []
    for one, (whole, middle) in zip(single, placed):
        if whole is None:
            continue
        if isinstance(one, Output):
            outputs.append(middle.to_host())
        else:
            assert middle.to_host().tobytes() == one.tobytes(), f"{name} has changed an input"
        around = whole.to_host()
        around = np.concatenate([around[:beside], around[-beside:]])
        assert (around == around[0]).all() or np.isnan(around).all(), f"{name} has written beside an array"
    return outputs


def _place(on, array, beside):
    """A copy in the middle of a larger array whose other numbers are NaN, or 99 in whole numbers: both, on the device."""
    whole = np.full(array.size + 2 * beside, np.nan if array.dtype.kind == "f" else 99, array.dtype)
    whole[beside:beside + array.size] = array.reshape(-1)
    whole = on.to_device(whole)
    middle = kernels.cuda.DeviceArray(on, whole.memory, whole.address + beside * array.dtype.itemsize, array.shape, array.dtype)
    assert math.prod(array.shape) == middle.size
    return whole, middle
