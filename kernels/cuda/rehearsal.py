"""A machine without memory or processor, that only writes down what it is told to do.

What kernels a training step launches, with which types and sizes, can be asked of it at any size of network: the compiler's report on
every kernel is made from its record, and so is the count of launches.
"""
import typing

import numpy as np

from .array import DeviceArray, bounds
from .launch import Kernel, type_code


class Launch(typing.NamedTuple):
    kernel: Kernel
    grid: tuple
    block: tuple
    shared: int        # bytes of dynamic shared memory
    types: tuple       # launch.type_code of each argument


class Rehearsal:
    """As the GPU, but nothing happens, except that `launches` grows."""

    multiprocessors, compute_capability = 132, (9, 0)   # those of an H100 or H200

    def __init__(self):
        self.launches, self.remembered = [], {}

    def __str__(self):
        return "rehearsal"

    def empty(self, shape, dtype):
        return DeviceArray(self, object(), 0, tuple(shape), np.dtype(dtype))

    def to_device(self, array):
        result = self.empty(array.shape, array.dtype)
        self.write(result, array)
        return result

    def write(self, array, values):
        array.bounds = bounds(np.asarray(values, array.dtype))

    def to_host(self, array):
        return np.zeros(array.shape, array.dtype)

    def launch(self, kernel, grid, block, shared, arguments):
        self.launches.append(Launch(kernel, grid, block, shared, tuple(map(type_code, arguments))))
