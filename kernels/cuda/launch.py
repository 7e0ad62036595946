"""Kernels for a device: Python functions that many threads run at once, and how they are launched.

    @kernel
    def double(x, y):
        i = cuda.grid(1)
        if i < x.size:
            y[i] = 2 * x[i]

    double[blocks(x.size, 256), 256](x, y)

The machine that the arrays live on runs it: a GPU, the simulator, or the rehearsal. What a kernel is given decides its types:

    DeviceArray          its numbers row by row, in as many axes as it has (so what launches it makes sure of that)
    int, float, bool     int32, float32, boolean
    NumPy scalars        their own type
    None                 nothing: `if bias is not None` costs nothing at run time

For each combination of types it is compiled once.
"""
import functools
import typing

import numpy as np

from .array import DeviceArray


class Kernel:
    """A function for the device with its options; `kernel[grid, block](...)` launches it.

    function       the Python function
    launch_bounds  the most threads of a block, or a pair: these, and how many blocks at least should fit on a multiprocessor, which
                   limits the registers of a thread
    fastmath       may division and exponentials be approximated?
    specific       are there instructions in it that only this one compute capability has, none before and none after it?
    """

    def __init__(self, function, launch_bounds=None, fastmath=False, specific=False):
        functools.update_wrapper(self, function)
        self.function, self.launch_bounds, self.fastmath, self.specific = function, launch_bounds, fastmath, specific
        self.compiled = {}   # machine and types -> what the machine made of it

    def __getitem__(self, configuration):
        """grid, block or grid, block, shared: sizes as integers or tuples (x, y, z), and bytes of dynamic shared memory."""
        grid, block, shared = configuration if len(configuration) == 3 else (*configuration, 0)
        return functools.partial(self._launch, triple(grid), triple(block), shared)

    def _launch(self, grid, block, shared, *arguments):
        if 0 in grid:
            return   # nothing to do
        for argument in arguments:
            if type(argument) is DeviceArray:
                argument.machine.launch(self, grid, block, shared, arguments)
                return
        raise TypeError("a kernel takes at least one array, whose machine it runs on")


class Flat(typing.NamedTuple):
    """Among the arguments of `prepare`: an array of so many numbers, whatever its axes, which the kernel is to see as one line."""

    size: int
    dtype: np.dtype = np.dtype(np.float32)


def prepare(machine, kernel, grid, block, arguments):
    """The function that launches the kernel with the arrays that it is given in the places of those that are Flat.

    For a small product, Python takes longer to lay out a launch than the GPU to do it. This settles once what does not change from call
    to call; on a GPU, only the addresses of the arrays are left to be written down.
    """
    if 0 in triple(grid):
        return lambda *arrays: None   # nothing to do
    if hasattr(machine, "prepare"):
        return machine.prepare(kernel, triple(grid), triple(block), arguments)

    def launch(*arrays):
        given = iter(arrays)
        kernel[grid, block](*[next(given).reshape(-1) if type(argument) is Flat else argument for argument in arguments])
    return launch


def remembered(function):
    """Decorator: what function(machine, ...) answers is kept by the machine, and is its answer to the same arguments from then on."""
    @functools.wraps(function)
    def ask(machine, *arguments):
        known, question = machine.remembered, (function, arguments)
        answer = known.get(question)
        if answer is None:
            if len(known) == _MOST_REMEMBERED:
                known.clear()
            answer = known[question] = function(machine, *arguments)
        return answer
    return ask


_MOST_REMEMBERED = 10000


def triple(size):
    """A size as (x, y, z)."""
    if type(size) is int:
        return size, 1, 1
    size = (size,) if isinstance(size, np.integer) else tuple(size)
    return size + (1,) * (3 - len(size))


def type_code(argument):
    """What the type of an argument is: a pair (dtype, axes) for an array, a dtype for a number, None for None."""
    if type(argument) is DeviceArray:
        return argument.dtype, len(argument.shape)
    if type(argument) is Flat:
        return argument.dtype, 1
    if argument is None:
        return None
    if isinstance(argument, np.generic):
        return argument.dtype
    if isinstance(argument, bool):
        return _BOOL
    if isinstance(argument, int):
        if not -2**31 <= argument < 2**31:
            raise OverflowError(f"a kernel counts in 32 bits, and {argument} needs more")
        return _INT32
    if isinstance(argument, float):
        return _FLOAT32
    raise TypeError(f"a kernel takes device arrays, numbers and None, not {type(argument).__name__}")


_BOOL, _INT32, _FLOAT32 = map(np.dtype, ("bool", "int32", "float32"))


def kernel(function=None, **options):
    """Decorator: `@kernel`, or `@kernel(launch_bounds=(256, 2))`."""
    if function is None:
        return functools.partial(Kernel, **options)
    return Kernel(function)


def blocks(count, block):
    """How many blocks of that size cover `count`."""
    return -(-count // block)
