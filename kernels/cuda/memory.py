"""Device memory that is used again: the driver takes its time, and stops all kernels, to hand out memory and to take it back."""
import functools
import heapq
import threading

_ALIGNMENT = 512           # bytes; sizes are multiples of it
_HARMLESS = 64 * 1024**2   # bytes; a pool of this size may lie idle
_MOST = 4                  # times the most that was in use at once; networks ask for 1.5 to 2.9 times as much, because of their many sizes


class Lease:
    """One use of a block of memory: `size` bytes from `address` on. When the last view of it is gone, the block goes back."""

    __slots__ = ("address", "pool", "size")

    def __init__(self, pool, address, size):
        self.pool, self.address, self.size = pool, address, size

    def __del__(self):
        if heapq is not None:   # else Python is ending, and has taken this module apart
            self.pool._give_back(self.address, self.size)


class Pool:
    """Blocks by size. What lies idle and what is in use together never exceed four times the most that was in use at once; and what
    lies idle is handed back when the device is full.

    A block may be used again as soon as Python drops its last view, though the GPU may not have come that far: all kernels
    run one after the other on one stream, so whoever gets the block next comes later. Of several blocks the one with the lowest address
    is next: so a training step finds its arrays where they were in the step before, and tables of their addresses hold.

    reserve   size -> address of new memory, or None if there is no more
    free      address -> None: that memory is not needed any more
    describe  -> words about the memory of the device, for the error when it is full
    fixed     keep every block until `close`: a recorded graph goes on using addresses that Python has dropped
    """

    def __init__(self, reserve, free, describe=lambda: "", fixed=False):
        self._reserve, self._free, self._describe, self._fixed = reserve, free, describe, fixed
        self._idle_blocks = {}           # size -> addresses
        self._lock = threading.RLock()   # a garbage collection inside the lock may give blocks back
        self._closed = False
        self.used = self.idle = self.peak = 0   # bytes

    def lease(self, size):
        """So many bytes, or a few more. MemoryError if there are none."""
        asked, size = size, rounded(size)
        with self._lock:
            addresses = self._idle_blocks.get(size)
            if addresses:
                address = heapq.heappop(addresses)
                self.idle -= size
            else:
                address = self._new(size, asked)
            self.used += size
            if self.used > self.peak:
                self.peak = self.used
        return Lease(self, address, size)

    def _new(self, size, asked):
        address = self._reserve(size)
        if address is None and not self._fixed:
            self.release()
            address = self._reserve(size)
        if address is None:
            raise MemoryError(f"the device has no {megabytes(asked)} left: {megabytes(self.used)} are in use here{self._describe()}; "
                              "a smaller batch, or --accumulate, needs less")
        return address

    def _give_back(self, address, size):
        with self._lock:
            self.used -= size
            if self._closed:
                self._free(address)
                return
            self.idle += size
            heapq.heappush(self._idle_blocks.setdefault(size, []), address)
            if self.used + self.idle > max(_MOST * self.peak, _HARMLESS) and not self._fixed:
                self._shrink(keep=size)

    def _shrink(self, keep):
        """Sizes have changed: free blocks of the sizes used longest ago, the one just given back last."""
        for size in sorted(self._idle_blocks, key=lambda size: size == keep):
            addresses = self._idle_blocks[size]
            while addresses and self.used + self.idle > self.peak:
                self._free(addresses.pop())   # what is left is a heap still
                self.idle -= size
            if not addresses:
                del self._idle_blocks[size]

    def release(self):
        """Hand all idle blocks back to the driver, and forget the peak."""
        with self._lock:
            for addresses in self._idle_blocks.values():
                for address in addresses:
                    self._free(address)
            self._idle_blocks.clear()
            self.idle, self.peak = 0, self.used

    def close(self):
        """No more leases: idle blocks go back to the driver now, the others when they are given back."""
        with self._lock:
            self._closed = True
            self.release()


@functools.lru_cache(maxsize=4096)
def rounded(size):
    """Sixteen sizes per power of two: nearly equal sizes share blocks, and at most 1/16 is lost."""
    step = max(_ALIGNMENT, 1 << max(0, size.bit_length() - 5))
    return max(1, -(-size // step)) * step


def megabytes(size):
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size:,} bytes"
