"""Arrays on a device: a shape laid over device memory, as numpy.ndarray is one laid over the host's."""
import math

import numpy as np


class DeviceArray:
    """Numbers in the memory of a machine: a GPU, the simulator, or the rehearsal, which has none.

    machine         where the memory is, and what runs kernels on it
    memory          what keeps the memory alive; views share it
    address         of the first number, in bytes
    shape, strides  as NumPy has them: strides in bytes, 0 along an axis that is repeated
    dtype           numpy.dtype

    Nothing is copied between host and device behind one's back: `machine.to_device` and `to_host` say so.
    """

    __slots__ = ("__weakref__", "address", "dtype", "machine", "memory", "shape", "size", "strides")
    __array_ufunc__ = None   # NumPy has no arithmetic for it

    def __init__(self, machine, memory, address, shape, dtype, strides=None):
        self.machine, self.memory, self.address = machine, memory, address
        self.shape, self.dtype, self.size = shape, dtype, math.prod(shape)
        self.strides = contiguous_strides(shape, dtype.itemsize) if strides is None else strides

    ndim = property(lambda self: len(self.shape))
    itemsize = property(lambda self: self.dtype.itemsize)
    nbytes = property(lambda self: self.size * self.dtype.itemsize)

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"DeviceArray(shape={self.shape}, dtype={self.dtype}, machine={self.machine})"

    def __array__(self, *_, **__):
        raise TypeError("an array on a device is not copied to the host behind your back: use .to_host(), or .cpu() of its Tensor")

    @property
    def is_contiguous(self):
        """Do the numbers lie row by row, without gaps?"""
        return self.size == 0 or all(size == 1 or stride == expected for size, stride, expected in
                                     zip(self.shape, self.strides, contiguous_strides(self.shape, self.itemsize)))

    def reshape(self, *shape):
        """The same numbers in another shape; they must lie row by row. One size may be -1."""
        shape = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        if -1 in shape:
            known = math.prod(size for size in shape if size != -1)
            shape = tuple(self.size // max(1, known) if size == -1 else size for size in shape)
        if math.prod(shape) != self.size or not self.is_contiguous:
            raise ValueError(f"an array of shape {self.shape} cannot be seen as one of shape {shape} without a copy")
        return DeviceArray(self.machine, self.memory, self.address, shape, self.dtype)

    def to_host(self):
        """A copy, as a numpy.ndarray. Waits for the kernels before it."""
        return self.machine.to_host(self)


def contiguous_strides(shape, itemsize):
    """Row by row: the strides, in bytes, of an array without gaps."""
    strides = []
    for size in reversed(shape):
        strides.append(itemsize)
        itemsize *= max(1, size)
    return tuple(reversed(strides))


def empty_like(array, shape=None, dtype=None):
    """An uninitialised array on the same machine."""
    return array.machine.empty(array.shape if shape is None else shape, array.dtype if dtype is None else np.dtype(dtype))
