"""The simulator as a machine: memory, and launches."""
import math

import numpy as np

from ..array import DeviceArray, bounds
from ..launch import Kernel
from .errors import LaunchError
from .run import run
from .storage import Allocation
from .translate import python_function


class Simulator:
    """As the GPU.

    order   in which threads, and blocks, take their turns: None, "reverse", or a random.Random
    races   look for races?
    """

    multiprocessors, compute_capability = 4, (9, 0)

    def __init__(self, order=None, races=True):
        self.order, self.races, self.remembered = order, races, {}

    def __str__(self):
        return "cuda-simulator"

    def empty(self, shape, dtype):
        """Uninitialised: a kernel that reads it before it is written is stopped."""
        shape, dtype = tuple(shape), np.dtype(dtype)
        memory = Allocation(math.prod(shape) * dtype.itemsize)
        return DeviceArray(self, memory, memory.address, shape, dtype)

    def to_device(self, array):
        result = self.empty(array.shape, array.dtype)
        self.write(result, array)
        return result

    def write(self, array, values):
        """Copy a numpy.ndarray of the same shape into an array."""
        view(array)[...] = values
        array.bounds = bounds(view(array))

    def to_host(self, array):
        return array.memory.view(array).copy()

    def launch(self, kernel, grid, block, shared, arguments):
        run(kernel, grid, block, shared, arguments, order=self.order, races=self.races)


def view(array):
    """The memory of a DeviceArray as a numpy.ndarray, which may be written."""
    array.memory.mark(array)
    return array.memory.view(array)


def simulate(kernel, grid, block, *arguments, shared=0, order=None, races=True):
    """Run kernel[grid, block, shared](*arguments) with numpy.ndarrays, which it changes in place.

    kernel    a function, or what @cuda.jit or our @kernel have made of one
    grid      blocks, and `block`, the threads of each: integers or tuples
    shared    bytes of dynamic shared memory
    order     of the turns, as for Simulator
    """
    machine = Simulator(order, races)
    arrays = {id(one): (one, machine.to_device(one)) for one in arguments if isinstance(one, np.ndarray)}
    if not arrays:
        raise LaunchError("no argument is a numpy.ndarray, so the kernel has nowhere to write to")
    try:
        Kernel(python_function(kernel))[grid, block, shared](*[arrays[id(one)][1] if id(one) in arrays else one for one in arguments])
    finally:
        for host, device in arrays.values():
            if host.flags.writeable:
                host[...] = machine.to_host(device)
