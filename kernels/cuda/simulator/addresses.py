"""Reads and writes of kernels that know arrays by their addresses alone. Races are not seen here; what is unwritten or misaligned is."""
import numpy as np

from .errors import Misaligned, OutOfRange, Uninitialised
from .storage import allocation_at


def _find(address, count):
    """The allocation, and the place in it, of so many float32."""
    address, size = int(address), 4 * count
    if address % size:
        raise Misaligned(f"moves {size} bytes at once from or to the address {address}, which is no multiple of {size}")
    allocation = allocation_at(address, size)
    if allocation is None:
        raise OutOfRange(f"goes to the address {address}, where no array lies")
    return allocation, slice(address - allocation.address, address - allocation.address + size)


def load(address, count):
    """`count` float32 from an address on."""
    allocation, place = _find(address, count)
    if not allocation.written[place].all():
        raise Uninitialised(f"reads from the address {int(address)}, where nobody has written")
    return list(allocation.bytes[place].view(np.float32))


def store(launch, address, values):
    """Some float32 from an address on; the launch learns how to undo it."""
    allocation, place = _find(address, len(values))
    numbers = allocation.bytes[place].view(np.float32)
    launch.undo.append((numbers, numbers.copy()))
    numbers[:] = values
    allocation.written[place] = 1
