"""Concatenation on a device: a part is a view of the whole, into which it is copied, or out of which."""
from . import moving
from .array import DeviceArray


def concatenate(parts, whole, axis):
    """As kernels.reference.concatenation.concatenate: a launch for each part, 16 bytes a thread where sizes and addresses allow it."""
    first = 0
    for part in parts:
        moving.copy(part, _place(whole, part, first, axis))
        first += part.shape[axis]


def split(whole, parts, firsts, axis):
    """As kernels.reference.concatenation.split."""
    for part, first in zip(parts, firsts):
        moving.copy(_place(whole, part, first, axis), part)


def _place(whole, part, first, axis):
    address = whole.address + first * whole.strides[axis]
    return DeviceArray(whole.machine, whole.memory, address, part.shape, whole.dtype, whole.strides)
