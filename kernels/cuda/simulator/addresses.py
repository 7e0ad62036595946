"""Which memory of the simulator lies at an address: for kernels that know arrays by their addresses alone."""
import weakref

import numpy as np

_memories = weakref.WeakValueDictionary()   # where a memory begins -> a numpy.ndarray of its bytes


def remember(memory):
    _memories[memory.ctypes.data] = memory


def floats(address, count):
    """The float32 array of this size at an address, which must be a multiple of its size in bytes."""
    address, size = int(address), 4 * count
    if address % size:
        raise IndexError(f"the address {address} is no multiple of {size}, so {count} floats cannot be moved at once")
    for begin, memory in list(_memories.items()):
        if begin <= address and address + size <= begin + memory.size:
            return memory[address - begin:address - begin + size].view(np.float32)
    raise IndexError(f"no array lies at the address {address}")
