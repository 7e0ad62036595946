"""Arrays on a device: a shape laid over device memory, as numpy.ndarray is one laid over the host's."""
import functools
import importlib
import math

import numpy as np


_FEW = 2**16   # truth values that one block counts as quickly as many blocks


class DeviceArray:
    """Numbers in the memory of a machine: a GPU, the simulator, or the rehearsal, which has none.

    machine         where the memory is, and what runs kernels on it
    memory          what keeps the memory alive; views share it
    address         of the first number, in bytes
    shape, strides  as NumPy has them: strides in bytes, 0 along an axis that is repeated
    dtype           numpy.dtype
    bounds          [smallest, largest] of whole numbers that came from the host as they are, or None; views share it

    Nothing is copied between host and device behind one's back: `machine.to_device` and `to_host` say so.
    """

    __slots__ = ("__weakref__", "_cells", "_strides", "address", "bounds", "dtype", "machine", "memory", "shape", "size")
    __array_ufunc__ = None   # NumPy has no arithmetic for it

    def __init__(self, machine, memory, address, shape, dtype, strides=None):
        self.machine, self.memory, self.address = machine, memory, address
        self.shape, self.dtype, self.size = shape, dtype, math.prod(shape)
        self._strides = None if strides is None or self._is_contiguous(strides) else tuple(strides)   # None: row by row, without gaps
        self._cells = self.bounds = None

    ndim = property(lambda self: len(self.shape))
    itemsize = property(lambda self: self.dtype.itemsize)
    nbytes = property(lambda self: self.size * self.dtype.itemsize)
    T = property(lambda self: self.transpose())

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"DeviceArray(shape={self.shape}, dtype={self.dtype}, machine={self.machine})"

    def __array__(self, *_, **__):
        raise TypeError("an array on a device is not copied to the host behind your back: use .to_host(), or .cpu() of its Tensor")

    def _is_contiguous(self, strides):
        return self.size == 0 or all(size == 1 or stride == expected for size, stride, expected in
                                     zip(self.shape, strides, contiguous_strides(self.shape, self.dtype.itemsize)))

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
            size, itemsize, shape = self.size, self.dtype.itemsize, self.shape
            if len(shape) == 1:   # most are
                self._cells = 0, 0, size, itemsize, self.address, size, itemsize
            else:
                self._cells = (0, 0, size, itemsize, self.address, *shape, *contiguous_strides(shape, itemsize))
        return self._cells

    # Views

    def reshape(self, *shape):
        """The same numbers in another shape: a view if they lie row by row, else a copy. One size may be -1."""
        if len(shape) == 1 and not isinstance(shape[0], int):
            shape = tuple(shape[0])
        if shape == (-1,):
            shape = (self.size,)
        else:
            if -1 in shape:
                known = -math.prod(shape)
                shape = tuple([self.size // max(1, known) if size == -1 else size for size in shape])
            if math.prod(shape) != self.size:
                raise ValueError(f"{self.size} numbers do not fit into shape {shape}")
        if shape == self.shape:
            return self
        if self._strides is not None:
            return self.copy().reshape(shape)
        return DeviceArray(self.machine, self.memory, self.address, shape, self.dtype)

    def transpose(self, *axes):
        """Axis i of the view is axis axes[i]; all of them in reverse if none is named."""
        axes = tuple(axes[0]) if len(axes) == 1 and not isinstance(axes[0], int) else axes or tuple(reversed(range(self.ndim)))
        strides = self.strides
        return DeviceArray(self.machine, self.memory, self.address, tuple([self.shape[axis] for axis in axes]), self.dtype,
                           tuple([strides[axis] for axis in axes]))

    def broadcast_to(self, shape):
        """A view in which numbers are repeated along axes that are missing or of size 1."""
        shape = tuple(shape)
        if shape == self.shape:
            return self
        added = len(shape) - self.ndim
        if added < 0 or any(mine not in (1, size) for mine, size in zip(self.shape, shape[added:])):
            raise ValueError(f"shape {self.shape} cannot be repeated to {shape}")
        repeated = zip(self.shape, shape[added:], self.strides)
        strides = (0,) * added + tuple([stride if mine == size else 0 for mine, size, stride in repeated])
        return DeviceArray(self.machine, self.memory, self.address, shape, self.dtype, strides)

    def __getitem__(self, index):
        """A view for integers, slices, None and ...; a copy for arrays of positions or a mask, which lie on the host."""
        if is_basic(index):
            return self._view(index)
        places, shape = positions(self, index)
        picked = self.machine.empty(shape, self.dtype)
        _part("moving").take(self.reshape(-1), _on(self.machine, places), picked.reshape(-1))
        return picked

    def _view(self, index):
        index = index if isinstance(index, tuple) else (index,)
        rest = self.ndim - sum(part is not None and part is not Ellipsis for part in index)
        if rest < 0:
            raise IndexError(f"too many indices for an array with {self.ndim} axes: {index}")
        if Ellipsis not in index:
            index = (*index, Ellipsis)
        whole = index.index(Ellipsis)
        index = (*index[:whole], *[slice(None)] * rest, *index[whole + 1:])
        address, own_strides, shape, strides, axis = self.address, self.strides, [], [], 0
        for part in index:
            if part is None:
                shape.append(1)
                strides.append(0)
                continue
            size, stride = self.shape[axis], own_strides[axis]
            if isinstance(part, slice):
                first, end, step = part.indices(size)
                count = len(range(first, end, step))
                address += first * stride if count else 0
                shape.append(count)
                strides.append(stride * step)
            else:
                if not -size <= part < size:
                    raise IndexError(f"index {part} is out of range for axis {axis} of size {size}")
                address += (part % size) * stride
            axis += 1
        view = DeviceArray(self.machine, self.memory, address, tuple(shape), self.dtype, tuple(strides))
        view.bounds = self.bounds
        return view

    # Numbers

    def __setitem__(self, index, values):
        target = self._view(index)
        if hasattr(values, "machine"):
            _part("moving").copy(values if values.dtype == self.dtype else values.astype(self.dtype), target)
        elif not np.ndim(values):
            _part("moving").fill(target, values)
        else:
            raise TypeError("numbers are not brought to the device behind your back: use .to_device(), or .to(...) of a Tensor")
        self.bounds = getattr(values, "bounds", None) if target.shape == self.shape else None

    def fill(self, value):
        self[...] = value

    def copy(self):
        result = self.machine.empty(self.shape, self.dtype)
        _part("moving").copy(self, result)
        result.bounds = self.bounds
        return result

    def astype(self, dtype):
        """A copy, of this type."""
        if dtype == self.dtype:
            return self.copy()
        result = self.machine.empty(self.shape, dtype)
        _part("moving").cast(self.contiguous(), result)
        return result

    def contiguous(self):
        """The array itself if its numbers lie row by row, else a copy of which that is true."""
        return self if self._strides is None else self.copy()

    def argmax(self, axis=None, keepdims=False):
        """Where along the axis the largest number is, the first one; without an axis, where row by row."""
        if axis is None:
            return self.reshape(-1).argmax(0).reshape((1,) * self.ndim if keepdims else ())
        places = self.machine.empty((*self.shape[:axis], *(1,) * keepdims, *self.shape[axis + 1:]), np.int64)
        _part("searching").argmax(self.contiguous(), places, axis)
        return places

    def add_at(self, index, values):
        """self[index] += values, where positions may occur several times."""
        if is_basic(index):
            part = self._view(index)
            total = self.machine.empty(part.shape, self.dtype)
            _part("elementwise").add(part.contiguous(), values.broadcast_to(part.shape), total)
            _part("moving").copy(total, part)
        else:
            places, shape = positions(self, index)
            _part("moving").add_at(self.reshape(-1), np.frombuffer(places, np.int64), values.broadcast_to(shape).reshape(-1))

    def __add__(self, number):
        total = self.machine.empty(self.shape, self.dtype)
        _part("elementwise").add(self.contiguous(), self.dtype.type(number), total)
        return total

    def _compare(self, comparison, other):
        y = self.machine.empty(np.broadcast_shapes(self.shape, np.shape(other)), bool)
        getattr(_part("comparison"), comparison)(self, other if hasattr(other, "machine") else self.dtype.type(other), y)
        return y

    def __eq__(self, other):
        return self._compare("equal", other)

    def __ne__(self, other):
        return self._compare("not_equal", other)

    def __lt__(self, other):
        return self._compare("less", other)

    def __le__(self, other):
        return self._compare("less_equal", other)

    def __gt__(self, other):
        return self._compare("greater", other)

    def __ge__(self, other):
        return self._compare("greater_equal", other)

    __hash__ = object.__hash__

    def __bool__(self):
        return bool(self.item())

    def sum(self, axes, keepdims=False, dtype=np.float64):
        """Of whole numbers or truth values, in float64, which holds sums up to 2^53; a few truth values, as of a batch, are counted."""
        if self.dtype == bool and dtype == np.int64 and len(axes) == self.ndim and self.size <= _FEW:
            count = self.machine.empty((1,) * self.ndim if keepdims else (), np.int64)
            _part("searching").count(self.contiguous(), count)
            return count
        total = self.machine.empty([1 if axis in axes else size for axis, size in enumerate(self.shape)], np.float64)
        _part("reduction").sum(self.astype(np.float64), total, axes)
        shape = total.shape if keepdims else [size for axis, size in enumerate(self.shape) if axis not in axes]
        return total.astype(dtype).reshape(shape)

    def to_host(self):
        """A copy, as a numpy.ndarray. Waits for the kernels before it."""
        return self.machine.to_host(self)

    def item(self):
        """The only number, as Python has it. Waits for the kernels before it."""
        return self.to_host().item()

    def tolist(self):
        return self.to_host().tolist()

    # Other libraries

    @property
    def __cuda_array_interface__(self):
        return _part("exchange").interface(self)

    def __dlpack_device__(self):
        return _part("exchange").CUDA, 0

    def __dlpack__(self, *, stream=None, **_):
        return _part("exchange").capsule(self, stream)

    def within(self, count):
        """Are these whole numbers known to be 0 ... count - 1, without a look at them?"""
        if self.bounds is None or self.bounds[0] < 0 or self.bounds[1] >= count:
            return False
        self.bounds[:] = 0, count - 1   # what a graph may be given in their place
        return True


def contiguous_strides(shape, itemsize):
    """Row by row: the strides, in bytes, of an array without gaps."""
    strides = []
    for size in reversed(shape):
        strides.append(itemsize)
        itemsize *= max(1, size)
    return tuple(reversed(strides))


def is_basic(index):
    """Integers, slices, None and ...: what gives a view."""
    return all(isinstance(part, (int, np.integer, slice, type(None), type(...))) and not isinstance(part, bool)
               for part in (index if isinstance(index, tuple) else (index,)))


def positions(array, index):
    """Which of array.reshape(-1) are array[index]: as the bytes of flat int64 numbers, and the shape of array[index]."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, DeviceArray) for part in parts):
        raise TypeError("positions are looked up on the host: make the index a NumPy array or a tensor on 'cpu'")
    return _positions(array.shape, tuple(map(_described, parts)))


def _described(part):
    """A part of an index as a value that a dictionary can be asked for."""
    if isinstance(part, slice):
        return slice, (part.start, part.stop, part.step)
    if part is None or part is Ellipsis or isinstance(part, (int, np.integer)) and not isinstance(part, bool):
        return None, part
    part = np.asarray(part)
    return np.ndarray, (part.shape, part.dtype.str, part.tobytes())


@functools.lru_cache(maxsize=64)
def _positions(shape, described):
    index = []
    for kind, part in described:
        if kind is slice:
            part = slice(*part)
        elif kind is np.ndarray:
            part = np.frombuffer(part[2], part[1]).reshape(part[0])
        index.append(part)
    places = np.arange(math.prod(shape)).reshape(shape)[tuple(index)]
    return places.tobytes(), places.shape


@functools.lru_cache(maxsize=64)   # a network that picks the same in every step brings them to the device once
def _on(machine, places):
    return machine.to_device(np.frombuffer(places, np.int64))


@functools.cache
def _part(name):
    """A file of kernels, at its first use: all of them know DeviceArray."""
    return importlib.import_module(f".{name}", __package__)


def bounds(values):
    """The smallest and the largest of whole numbers; None for others."""
    if values.dtype.kind not in "iu":
        return None
    return [int(values.min()), int(values.max())] if values.size else [0, -1]


def empty_like(array, shape=None, dtype=None):
    """An uninitialised array on the same machine."""
    return array.machine.empty(array.shape if shape is None else shape, array.dtype if dtype is None else np.dtype(dtype))
