"""The device memory of the simulator, which knows what has been written, and the parts of it that a launch uses."""
import weakref

import numpy as np

from .arrays import Memory, array_over, element_strides, values_over
from .races import NEVER

ALIGNMENT = 256   # bytes, as those of a GPU's allocations
_FILL = 0x7f      # what memory holds at first, in every byte: large numbers
_allocations = weakref.WeakSet()


class Allocation:
    """Bytes, and for each whether it has been written."""

    def __init__(self, size):
        whole = np.full(size + ALIGNMENT, _FILL, np.uint8)
        first = -whole.ctypes.data % ALIGNMENT
        self.bytes, self.written = whole[first:first + size], np.zeros(size, np.uint8)
        self.address = whole.ctypes.data + first
        _allocations.add(self)

    def view(self, array):
        """The numbers of a DeviceArray here, as a numpy.ndarray."""
        return np.ndarray(array.shape, array.dtype, self.bytes, array.address - self.address, array.strides)

    def mark(self, array):
        """Somebody has written all of that array."""
        if array.is_contiguous:
            first = array.address - self.address
            self.written[first:first + array.nbytes] = 1
        else:
            self.written[:] = 1


def allocation_at(address, size):
    """The allocation that has that many bytes from the address on; None if there is none."""
    for allocation in _allocations:
        if allocation.address <= address and address + size <= allocation.address + allocation.bytes.size:
            return allocation
    return None


class Span:
    """A stretch of an allocation on which one or more arrays of a launch lie."""

    def __init__(self, allocation, dtype, first, end):
        self.allocation, self.dtype, self.first, self.end = allocation, dtype, first, end
        self.memory = None

    @property
    def count(self):
        return (self.end - self.first) // self.dtype.itemsize

    def numbers(self):
        return np.ndarray((self.count,), self.dtype, self.allocation.bytes, self.first - self.allocation.address)

    def _written(self):
        first = self.first - self.allocation.address
        return self.allocation.written[first:first + self.count * self.dtype.itemsize].reshape(self.count, self.dtype.itemsize)

    def begin(self, now):
        """Memory for one launch."""
        written = self._written()
        before = b"\x01" * self.count if written.all() else memoryview(written.min(axis=1))
        self.memory = Memory("global", now, values_over(self.numbers()), self.count, self.dtype, self.first, before)

    def keep_written(self):
        """After the launch: what it has written is written."""
        if not isinstance(self.memory.before, bytes):
            self._written()[np.array(self.memory.writers) != NEVER] = 1

    def copy(self):
        return self.numbers().copy(), self._written().copy()

    def restore(self, content):
        self.numbers()[...], self._written()[...] = content


def spans(arrays):
    """Those of some arrays; arrays of one type that overlap are on one."""
    found = []
    for array in sorted(arrays, key=lambda array: array.address):
        if not array.size:
            continue
        end = array.address + array.nbytes
        for span in found:
            if span.dtype == array.dtype and array.address < span.end and (array.address - span.first) % array.itemsize == 0:
                span.end = max(span.end, end)
                break
        else:
            found.append(Span(array.memory, array.dtype, array.address, end))
    return found


def lay(spans, now, named):
    """The arrays of a launch, for the pairs (DeviceArray, name), laid over the spans."""
    for span in spans:
        span.begin(now)
    for array, name in named:
        strides = element_strides(array.shape)
        if not array.size:
            yield array_over(Memory("global", now, (), 0, array.dtype, array.address, b""), name, array.shape, strides)
            continue
        span = next(span for span in spans if span.dtype == array.dtype and span.first <= array.address < span.end)
        yield array_over(span.memory, name, array.shape, strides, (array.address - span.first) // span.dtype.itemsize)
