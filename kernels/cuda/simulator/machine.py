"""The simulator as a machine: memory, and launches."""
import numpy as np

from ..array import DeviceArray, bounds, contiguous_strides
from . import addresses
from .run import run

_ALIGNMENT = 256   # bytes, as those of a GPU's allocations


class Simulator:
    """As the GPU.

    order   in which the threads of a block take their turns: None, "reverse", or a random.Random
    races   look for races in shared memory?
    """

    multiprocessors = 4

    def __init__(self, order=None, races=True):
        self.order, self.races = order, races

    def __str__(self):
        return "cuda-simulator"

    def empty(self, shape, dtype):
        """Uninitialised: NaN, or a third of the largest number."""
        shape, dtype = tuple(shape), np.dtype(dtype)
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        memory = np.empty(size + _ALIGNMENT, np.uint8)
        addresses.remember(memory)
        address = -(-memory.ctypes.data // _ALIGNMENT) * _ALIGNMENT
        array = DeviceArray(self, memory, address, shape, dtype)
        view(array).fill(np.nan if dtype.kind == "f" else np.iinfo(dtype).max // 3 if dtype.kind in "iu" else True)
        return array

    def to_device(self, array):
        result = self.empty(array.shape, array.dtype)
        self.write(result, array)
        return result

    def write(self, array, values):
        """Copy a numpy.ndarray of the same shape into an array."""
        view(array)[...] = values
        array.bounds = bounds(view(array))

    def to_host(self, array):
        return view(array).copy()

    def launch(self, kernel, grid, block, shared, arguments):
        arguments = [view(argument) if isinstance(argument, DeviceArray) else argument for argument in arguments]
        run(kernel.function, grid, block, shared, arguments, order=self.order, races=self.races)


def view(array):
    """The memory of a DeviceArray as a numpy.ndarray."""
    strides = array.strides if array.strides else contiguous_strides(array.shape, array.dtype.itemsize)
    return np.ndarray(array.shape, array.dtype, array.memory, array.address - array.memory.ctypes.data, strides)
