"""What a kernel finds under the name `cuda`."""
import math
import sys

import numpy as np

from . import arithmetic
from .arrays import Memory, array_over, element_strides, values_over
from .atomics import Atomic
from .errors import LaunchError, NotSimulated
from .local import local_array
from .races import WARP
from .sites import name_at
from .threads import FULL
from .values import Garbage, dtype_of

_STATIC, _DYNAMIC_ALIGNMENT = 48 * 1024, 16   # bytes


class Cuda:
    """numba.cuda inside a kernel. `threadIdx` and `laneid` are set whenever a thread begins to run, `blockIdx` with the block."""

    warpsize = WARP
    fma = staticmethod(arithmetic.fma)
    rsqrt = staticmethod(arithmetic.rsqrt)
    cbrt = staticmethod(arithmetic.cbrt)

    def __init__(self, launch):
        self._launch, self._now = launch, launch.now
        self.threadIdx = self.blockIdx = self.laneid = None
        self.blockDim, self.gridDim = launch.block, launch.grid
        self.shared, self.local, self.const = Shared(launch), Local(launch), Constant(launch)
        self.atomic = Atomic(launch.now)

    def __getattr__(self, name):
        raise NotSimulated(f"uses cuda.{name}, which the simulator does not know")

    # where

    def grid(self, axes):
        thread, block, size = self.threadIdx, self.blockIdx, self.blockDim
        if axes == 1:
            return block.x * size.x + thread.x
        return (block.x * size.x + thread.x, block.y * size.y + thread.y, block.z * size.z + thread.z)[:axes]

    def gridsize(self, axes):
        grid, size = self.gridDim, self.blockDim
        sizes = grid.x * size.x, grid.y * size.y, grid.z * size.z
        return sizes[0] if axes == 1 else sizes[:axes]

    # waiting

    def syncthreads(self):
        self._now.block.barrier(sys._getframe(1))

    def syncthreads_count(self, vote):
        return sum(map(bool, self._now.block.barrier(sys._getframe(1), vote)))

    def syncthreads_and(self, vote):
        return int(all(self._now.block.barrier(sys._getframe(1), vote)))

    def syncthreads_or(self, vote):
        return int(any(self._now.block.barrier(sys._getframe(1), vote)))

    def syncwarp(self, mask=FULL):
        self._now.block.exchange(None, mask, "syncwarp", sys._getframe(1))

    def threadfence(self):
        """What the block has written may be read by other blocks that learn of it by an atomic operation."""
        now = self._now
        now.begin(now.thread)
        now.moment = now.block.fenced = now.thread.moment

    threadfence_system = threadfence

    def threadfence_block(self):
        """Orders what one thread writes; it does not make others wait."""

    def nanosleep(self, nanoseconds):
        """Time does not pass here."""

    # lanes of a warp

    def shfl_sync(self, mask, value, source, width=WARP):
        values = self._now.block.exchange(value, mask, "shfl_sync", sys._getframe(1))
        return self._from(values, (self.laneid & -width) + int(source) % width)

    def shfl_down_sync(self, mask, value, distance, width=WARP):
        values, lane = self._now.block.exchange(value, mask, "shfl_down_sync", sys._getframe(1)), self.laneid
        source = lane + int(distance)
        return value if source > (lane | width - 1) else self._from(values, source)   # nothing there: each keeps its own

    def shfl_up_sync(self, mask, value, distance, width=WARP):
        values, lane = self._now.block.exchange(value, mask, "shfl_up_sync", sys._getframe(1)), self.laneid
        source = lane - int(distance)
        return value if source < (lane & -width) else self._from(values, source)

    def shfl_xor_sync(self, mask, value, pattern, width=WARP):
        values, lane = self._now.block.exchange(value, mask, "shfl_xor_sync", sys._getframe(1)), self.laneid
        source = lane ^ int(pattern)
        return value if source > (lane | width - 1) else self._from(values, source)

    def _from(self, values, lane):
        if lane in values:
            return values[lane]
        return Garbage(f"what a shuffle has brought from lane {lane} of the warp, which took no part in it")

    def ballot_sync(self, mask, vote):
        return sum(1 << lane for lane, value in self._now.block.exchange(vote, mask, "ballot_sync", sys._getframe(1)).items() if value)

    def all_sync(self, mask, vote):
        return int(all(self._now.block.exchange(vote, mask, "all_sync", sys._getframe(1)).values()))

    def any_sync(self, mask, vote):
        return int(any(self._now.block.exchange(vote, mask, "any_sync", sys._getframe(1)).values()))

    def eq_sync(self, mask, vote):
        return int(len({bool(value) for value in self._now.block.exchange(vote, mask, "eq_sync", sys._getframe(1)).values()}) == 1)

    def match_any_sync(self, mask, value):
        values = self._now.block.exchange(value, mask, "match_any_sync", sys._getframe(1))
        return sum(1 << lane for lane, other in values.items() if other == value)

    def match_all_sync(self, mask, value):
        values = self._now.block.exchange(value, mask, "match_all_sync", sys._getframe(1))
        alike = all(other == value for other in values.values())
        return (sum(1 << lane for lane in values) if alike else 0), alike

    def activemask(self):
        raise NotSimulated("uses cuda.activemask: which lanes happen to run together is not defined; name those that take part in a mask")

    def lanemask_lt(self):
        return (1 << self.laneid) - 1

    # bits: of 32-bit numbers, or of 64-bit ones where the argument is a NumPy scalar of that size

    def popc(self, value):
        return (int(value) & _ones(value)).bit_count()

    def clz(self, value):
        return _width(value) - (int(value) & _ones(value)).bit_length()

    def ffs(self, value):
        value = int(value)
        return (value & -value).bit_length()

    def brev(self, value):
        return int(f"{int(value) & _ones(value):0{_width(value)}b}"[::-1], 2)

    def selp(self, condition, one, other):
        return one if condition else other


def _width(value):
    return 64 if isinstance(value, (np.int64, np.uint64)) else 32


def _ones(value):
    return (1 << _width(value)) - 1


def _shape(shape):
    return tuple(map(int, shape)) if isinstance(shape, tuple) else (int(shape),)


class Shared:
    """cuda.shared: one array for the block, at each place of the source that makes one."""

    def __init__(self, launch):
        self._launch, self._now = launch, launch.now

    def array(self, shape, dtype, alignment=None):
        block, frame = self._now.block, sys._getframe(1)
        key = frame.f_code, frame.f_lasti
        array = block.shared.get(key)
        if array is None:
            dtype, shape = dtype_of(dtype), _shape(shape)
            make = self._dynamic if shape == (0,) else self._static
            array = block.shared[key] = make(name_at(frame, "the shared array"), shape, dtype, alignment)
        return array

    def _static(self, name, shape, dtype, alignment):
        block, count = self._now.block, math.prod(shape)
        block.static_bytes += count * dtype.itemsize
        if block.static_bytes > _STATIC:
            raise LaunchError(f"has {block.static_bytes} bytes of shared memory with {name}, and there are {_STATIC}, except if their "
                              "size is given at the launch: kernel[grid, block, bytes], cuda.shared.array(0, dtype)")
        # nothing promises more than the alignment that was asked for, so it lies at no better address
        memory = Memory("shared", self._now, [None] * count, count, dtype, alignment or dtype.itemsize, bytes(count))
        return array_over(memory, name, shape, element_strides(shape))

    def _dynamic(self, name, shape, dtype, alignment):
        """All of them are the same bytes; those of one size of number watch each other."""
        block, size = self._now.block, self._launch.shared
        if block.dynamic is None:
            block.dynamic = np.zeros(size, np.uint8), {}
        numbers, memories = block.dynamic
        count = size // dtype.itemsize
        memory = Memory("shared", self._now, values_over(numbers[:count * dtype.itemsize].view(dtype)), count, dtype,
                        alignment or _DYNAMIC_ALIGNMENT, bytes(count))
        watched = memories.setdefault(dtype.itemsize, memory)
        memory.writers, memory.readers, memory.others = watched.writers, watched.readers, watched.others
        return array_over(memory, name, (count,), (1,))


class Local:
    """cuda.local: an array for each thread."""

    def __init__(self, launch):
        self._launch, self._now, self._sites = launch, launch.now, {}

    def array(self, shape, dtype, alignment=None):
        frame = sys._getframe(1)
        site = frame.f_code, frame.f_lasti
        known = self._sites.get(site)
        if known is None:
            known = self._sites[site] = name_at(frame, "the local array"), _shape(shape), dtype_of(dtype)
        array = local_array(*known, self._launch.careful)
        self._now.thread.locals.append(array)
        return array


class Constant:
    """cuda.const: a copy of an array of the host that nobody writes."""

    def __init__(self, launch):
        self._launch, self._copies = launch, {}

    def array_like(self, array):
        frame = sys._getframe(1)
        key = frame.f_code, frame.f_lasti
        if key not in self._copies:
            self._copies[key] = self._launch.constant(array, name_at(frame, "the constant array"))
        return self._copies[key]
