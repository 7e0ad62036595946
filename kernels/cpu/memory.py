"""Arrays from memory that is used again.

A fresh large array costs more than most kernels: the system hands out its pages zeroed, one fault at a time. So large
blocks go back to a pool when the last view of them is dropped, and a training step after the first allocates next to nothing.
"""
import functools
import math
import threading

import numpy as np

_SMALL = 32 * 1024         # bytes; below this NumPy's own allocator is as quick
_HARMLESS = 64 * 1024**2   # bytes; a pool of this size may lie idle
_ALIGNMENT = 64            # bytes: a cache line, and the widest vector register


class _Block:
    """Memory that outlives its uses: `size` bytes from `address` on."""

    __slots__ = ("memory", "address", "size")

    def __init__(self, size):
        self.memory = np.empty(size + _ALIGNMENT, np.uint8)
        self.address = -(-self.memory.ctypes.data // _ALIGNMENT) * _ALIGNMENT
        self.size = size


class _Lease:
    """One use of a block. NumPy keeps the lease as the base of every view; when the last view is gone, the block goes back."""

    __slots__ = ("block", "give_back", "__array_interface__")

    def __init__(self, block, give_back, shape, dtype):
        self.block, self.give_back = block, give_back
        self.__array_interface__ = {"data": (block.address, False), "shape": shape, "typestr": dtype.str, "version": 3}

    def __del__(self):
        self.give_back(self.block)


class Pool:
    """Blocks by size. What lies idle and what is in use together never exceed twice the most that was in use at once.

    A training step uses its sizes at different times, so it needs more blocks than are in use at once: 2.1 times as much memory
    for LeNet, whose few megabytes may stay, 1.9 for VGG-11. With less, every step would ask the system for blocks again.
    """

    def __init__(self):
        self._idle_blocks = {}   # size in bytes -> blocks of that size
        self._lock = threading.RLock()   # a garbage collection inside the lock may give blocks back
        self.used = self.idle = self.peak = 0   # bytes

    def empty(self, shape, dtype=np.float32):
        """An uninitialised C-contiguous array of this shape, aligned to cache lines when it is large."""
        dtype = np.dtype(dtype)
        size = math.prod(shape) * dtype.itemsize
        if size < _SMALL:
            return np.empty(shape, dtype)
        # Sixteen sizes per power of two: nearly equal sizes share blocks, and at most 1/16 is lost.
        step = 1 << max(12, size.bit_length() - 5)
        size = (size + step - 1) // step * step
        with self._lock:
            idle = self._idle_blocks.get(size)
            if idle:
                block = idle.pop()
                self.idle -= size
            else:
                block = _Block(size)
            self.used += size
            if self.used > self.peak:
                self.peak = self.used
        return np.asarray(_Lease(block, self._give_back, tuple(shape), dtype))

    def _give_back(self, block):
        with self._lock:
            self.used -= block.size
            self.idle += block.size
            self._idle_blocks.setdefault(block.size, []).append(block)
            if self.used + self.idle > max(2 * self.peak, _HARMLESS):
                self._shrink(keep=block.size)

    def _shrink(self, keep):
        """Sizes have changed: free blocks of the sizes used longest ago, the one just given back last."""
        for size in sorted(self._idle_blocks, key=lambda size: size == keep):
            blocks = self._idle_blocks[size]
            while blocks and self.used + self.idle > self.peak:
                blocks.pop()
                self.idle -= size
            if not blocks:
                del self._idle_blocks[size]

    def release(self):
        """Hand all idle blocks back to the system, and forget the peak."""
        with self._lock:
            self._idle_blocks.clear()
            self.idle, self.peak = 0, self.used


pool = Pool()
empty = pool.empty


@functools.lru_cache(maxsize=64)
def zeros(size, dtype):
    """So many zeros; always the same ones, not to be written."""
    return np.zeros(size, dtype)
