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

    __slots__ = ("__weakref__", "_cells", "_strides", "address", "dtype", "machine", "memory", "shape", "size")
    __array_ufunc__ = None   # NumPy has no arithmetic for it

    def __init__(self, machine, memory, address, shape, dtype, strides=None):
        self.machine, self.memory, self.address = machine, memory, address
        self.shape, self.dtype, self.size = shape, dtype, math.prod(shape)
        self._strides = None if strides is None or self._is_contiguous(strides) else tuple(strides)   # None: row by row, without gaps
        self._cells = None

    def _is_contiguous(self, strides):
        return self.size == 0 or all(size == 1 or stride == expected for size, stride, expected in
                                     zip(self.shape, strides, contiguous_strides(self.shape, self.dtype.itemsize)))

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
    def strides(self):
        return self._strides or contiguous_strides(self.shape, self.dtype.itemsize)

    @property
    def is_contiguous(self):
        """Do the numbers lie row by row, without gaps?"""
        return self._strides is None

    @property
    def cells(self):
        """What a kernel is given for it, as Numba lays it out: two null pointers, count, bytes of a number, address, shape, strides."""
        if self._cells is None:
            if self._strides is not None:
                raise ValueError(f"a kernel takes arrays whose numbers lie row by row, not {self} with strides {self._strides}")
            itemsize = self.dtype.itemsize
            self._cells = (0, 0, self.size, itemsize, self.address, *self.shape, *contiguous_strides(self.shape, itemsize))
        return self._cells

    def contiguous(self):
        """The array itself if its numbers lie row by row, else a copy of which that is true."""
        if self._strides is None:
            return self
        raise NotImplementedError

    def reshape(self, *shape):
        """The same numbers in another shape; they must lie row by row. One size may be -1."""
        if len(shape) == 1 and not isinstance(shape[0], int):
            shape = tuple(shape[0])
        if shape == (-1,):
            shape = (self.size,)
        elif -1 in shape:
            known = -math.prod(shape)
            shape = tuple([self.size // max(1, known) if size == -1 else size for size in shape])
        if self._strides is not None or math.prod(shape) != self.size:
            raise ValueError(f"an array of shape {self.shape} cannot be seen as one of shape {shape} without a copy")
        if shape == self.shape:
            return self
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
