"""Running a kernel thread by thread: each thread is a greenlet, which hands over where threads wait for each other."""
import contextvars
import math
import random
import sys
import types

import greenlet
import numba
import numpy as np
from numba import cuda

from . import instructions

WARP = 32


class KernelError(RuntimeError):
    """What a kernel does wrong, and where."""


class Dimensions:
    __slots__ = ("x", "y", "z")

    def __init__(self, x=1, y=1, z=1):
        self.x, self.y, self.z = x, y, z


class GlobalArray:
    """Device memory: every index is checked."""

    def __init__(self, array, name):
        self.array, self.name = array, name
        self.shape, self.size, self.ndim, self.dtype = array.shape, array.size, array.ndim, array.dtype
        self.flat = array.reshape(-1)

    def __len__(self):
        return self.shape[0]

    def place(self, index):
        """Where array[index] lies, counted row by row."""
        if type(index) is tuple:
            if len(index) != self.ndim:
                raise KernelError(f"{len(index)} indices for {self.name}, which has {self.ndim} axes")
            place = 0
            for one, size in zip(index, self.shape):
                if not 0 <= one < size:
                    raise KernelError(f"index {tuple(map(int, index))} is outside {self.name}, whose shape is {self.shape}")
                place = place * size + int(one)
            return place
        if self.ndim != 1 or not 0 <= index < self.size:
            raise KernelError(f"index {index} is outside {self.name}, whose shape is {self.shape}")
        return int(index)

    def __getitem__(self, index):
        return self.read(self.place(index))

    def __setitem__(self, index, value):
        self.write(self.place(index), value)

    def read(self, place):
        return self.flat[place]

    def write(self, place, value):
        self.flat[place] = value

    def aligned(self, index, count):
        """The place of a vector of `count` numbers."""
        place = self.place(index)
        if (self.flat.ctypes.data + place * self.dtype.itemsize) % (count * self.dtype.itemsize):
            raise KernelError(f"{self.name}[{index}] is not at a multiple of {count * self.dtype.itemsize} bytes, "
                              f"so {count} numbers cannot be moved at once")
        if place + count > self.size:
            raise KernelError(f"{count} numbers from {self.name}[{index}] on reach beyond its end")
        return place


class SharedArray(GlobalArray):
    """Shared memory of a block: uninitialised at first, and watched for races."""

    def __init__(self, shape, dtype, name, block):
        super().__init__(np.zeros(shape, dtype), name)
        self.block, self.written, self.seen = block, {}, {}

    def _before(self, stamp):
        """Is that access ordered before what the running thread does now?"""
        thread, block_epoch, warp_epoch = stamp
        now = self.block.running
        return thread is now or block_epoch < self.block.epoch or (thread.warp == now.warp and warp_epoch < now.warp_state.epoch)

    def _stamp(self):
        thread = self.block.running
        return thread, self.block.epoch, thread.warp_state.epoch

    def read(self, place):
        stamp = self.written.get(place)
        if stamp is None:
            raise KernelError(f"{self.name}[{self._index(place)}] is read before anybody wrote it")
        if self.block.races:
            if not self._before(stamp):
                raise KernelError(f"race: {self.name}[{self._index(place)}] is read, and thread {stamp[0].position} writes it; "
                                  "there is no barrier between the two")
            self.seen.setdefault(place, {})[self.block.running] = self._stamp()
        return self.flat[place]

    def write(self, place, value):
        if self.block.races:
            self.check_write(place)
        self.written[place] = self._stamp()
        self.flat[place] = value

    def check_write(self, place):
        for doing, stamps in (("writes", [self.written.get(place)]), ("reads", self.seen.pop(place, {}).values())):
            for stamp in stamps:
                if stamp is not None and not self._before(stamp):
                    raise KernelError(f"race: {self.name}[{self._index(place)}] is written, and thread {stamp[0].position} {doing} it; "
                                      "there is no barrier between the two")

    def _index(self, place):
        return ", ".join(map(str, map(int, np.unravel_index(place, self.shape))))


class Thread:
    __slots__ = ("copies", "groups", "lane", "linear", "position", "steps", "waits_for", "where", "warp", "warp_state")


class WarpState:
    def __init__(self):
        self.epoch, self.exchange = 0, {}


class Block:
    """The threads of one block, and what they share."""

    def __init__(self, launch, index):
        self.launch, self.index, self.races = launch, Dimensions(*index), launch.races
        self.epoch, self.shared, self.running = 0, {}, None

    def wait(self, kind, where=None):
        self.running.waits_for, self.running.where = kind, where
        self.hub.switch()

    def exchange(self, value):
        """All threads of the warp give a value: {lane: value}."""
        state = self.running.warp_state
        box = state.exchange.setdefault(state.epoch, {})
        box[self.running.lane] = value
        self.wait("warp")
        return box

    def run(self, function, arguments):
        size = self.launch.block
        threads, warps = [], {}
        self.hub = greenlet.getcurrent()
        for z in range(size.z):
            for y in range(size.y):
                for x in range(size.x):
                    thread = Thread()
                    thread.position, thread.linear = Dimensions(x, y, z), len(threads)
                    thread.warp, thread.lane = divmod(thread.linear, WARP)
                    thread.warp_state = warps.setdefault(thread.warp, WarpState())
                    thread.waits_for, thread.copies, thread.groups = None, [], []
                    thread.steps = greenlet.greenlet(function)
                    thread.steps.gr_context = contextvars.copy_context()
                    threads.append(thread)
        live = list(threads)
        if self.launch.order == "reverse":
            live.reverse()
        while live:
            if isinstance(self.launch.order, random.Random):
                self.launch.order.shuffle(live)
            for thread in live:
                if thread.waits_for is None:
                    self.running = thread
                    if thread.steps:
                        thread.steps.switch()
                    else:
                        thread.steps.switch(*arguments)
            live = [thread for thread in live if not thread.steps.dead]
            if live:
                self.release(live)

    def release(self, live):
        """Let go those who wait for nobody any more."""
        progress = False
        for warp in {thread.warp for thread in live if thread.waits_for == "warp"}:
            lanes = [thread for thread in live if thread.warp == warp]
            if all(thread.waits_for == "warp" for thread in lanes):
                state = lanes[0].warp_state
                state.exchange.pop(state.epoch - 1, None)
                state.epoch += 1
                progress = True
                for thread in lanes:
                    thread.waits_for = None
        if all(thread.waits_for == "block" for thread in live):
            lines = {thread.where for thread in live}
            if len(lines) > 1:
                raise KernelError(f"threads of a block wait at different barriers, in lines {sorted(lines)}")
            self.epoch += 1
            progress = True
            for thread in live:
                thread.waits_for = None
        if not progress:
            raise KernelError("some threads of a block wait at a barrier that others never reach: "
                              f"{sorted({str(thread.where) for thread in live})}")


class Launch:
    def __init__(self, grid, block, shared, order, races):
        self.grid, self.block, self.shared, self.order, self.races = Dimensions(*grid), Dimensions(*block), shared, order, races
        self.current = None


class Cuda:
    """What a kernel finds under the name `cuda`."""

    def __init__(self, launch):
        self._launch = launch
        self.blockDim, self.gridDim = launch.block, launch.grid
        self.shared, self.local, self.atomic = Shared(launch), Local(), Atomic()
        self.warpsize = WARP

    threadIdx = property(lambda self: self._launch.current.running.position)
    blockIdx = property(lambda self: self._launch.current.index)
    laneid = property(lambda self: self._launch.current.running.lane)

    def grid(self, axes):
        thread, block, size = self.threadIdx, self.blockIdx, self.blockDim
        places = block.x * size.x + thread.x, block.y * size.y + thread.y, block.z * size.z + thread.z
        return places[0] if axes == 1 else places[:axes]

    def gridsize(self, axes):
        grid, size = self.gridDim, self.blockDim
        sizes = grid.x * size.x, grid.y * size.y, grid.z * size.z
        return sizes[0] if axes == 1 else sizes[:axes]

    def syncthreads(self):
        self._launch.current.wait("block", sys._getframe(1).f_lineno)

    def syncwarp(self, mask=0xffffffff):
        self._launch.current.exchange(None)

    def threadfence(self):
        pass

    def shfl_sync(self, mask, value, source):
        return self._launch.current.exchange(value).get(int(source) & 31, value)

    def shfl_down_sync(self, mask, value, distance):
        return self._launch.current.exchange(value).get(self.laneid + int(distance), value)

    def shfl_up_sync(self, mask, value, distance):
        return self._launch.current.exchange(value).get(self.laneid - int(distance), value)

    def shfl_xor_sync(self, mask, value, other):
        return self._launch.current.exchange(value).get(self.laneid ^ int(other), value)

    def ballot_sync(self, mask, vote):
        return sum(1 << lane for lane, value in self._launch.current.exchange(bool(vote)).items() if value)

    def all_sync(self, mask, vote):
        return all(self._launch.current.exchange(bool(vote)).values())

    def any_sync(self, mask, vote):
        return any(self._launch.current.exchange(bool(vote)).values())

    def fma(self, a, b, c):
        return type(a)(float(a) * float(b) + float(c))


def _dtype(kind):
    from numba.np.numpy_support import as_dtype
    return np.dtype(as_dtype(kind)) if isinstance(kind, numba.types.Type) else np.dtype(kind)


class Shared:
    def __init__(self, launch):
        self.launch = launch

    def array(self, shape, dtype, alignment=None):
        block, frame = self.launch.current, sys._getframe(1)
        dtype = _dtype(dtype)
        key = frame.f_code, frame.f_lasti
        if shape == 0:
            key, shape = dtype, self.launch.shared // dtype.itemsize
        if key not in block.shared:
            block.shared[key] = SharedArray(shape, dtype, "shared array", block)
        return block.shared[key]


class Local:
    def array(self, shape, dtype, alignment=None):
        dtype = _dtype(dtype)
        array = np.empty(shape, dtype)
        array.fill(np.nan if dtype.kind == "f" else np.iinfo(dtype).max // 3)
        return array


class Atomic:
    def _change(self, array, index, change):
        place = array.place(index)
        old = array.flat[place]
        array.flat[place] = change(old)
        return old

    def add(self, array, index, value):
        return self._change(array, index, lambda old: old + value)

    def max(self, array, index, value):
        return self._change(array, index, lambda old: max(old, value))

    def min(self, array, index, value):
        return self._change(array, index, lambda old: min(old, value))

    def exch(self, array, index, value):
        return self._change(array, index, lambda old: value)

    def cas(self, array, index, expected, value):
        return self._change(array, index, lambda old: value if old == expected else old)


def _whole(bits):
    half, full = 1 << bits - 1, 1 << bits

    def cast(value):
        value = int(value)
        return value if -half <= value < half else (value + half) % full - half
    return cast


def _natural(kind, bits):
    mask = (1 << bits) - 1
    return lambda value: kind(int(value) & mask)


CASTS = {
    numba.int32: _whole(32), numba.int64: _whole(64), numba.uint32: _natural(np.uint32, 32), numba.uint64: _natural(np.uint64, 64),
    numba.uint8: _natural(np.uint8, 8), numba.float32: np.float32, numba.float64: np.float64,
}


class _Cast:
    """A type of Numba's in a kernel: a conversion, and what arrays are made of."""

    def __init__(self, kind):
        self.kind, self.cast = kind, CASTS[kind]

    def __call__(self, value):
        return self.cast(value)


class _Math:
    """math, in the precision of the argument."""

    def __getattr__(self, name):
        if name in ("inf", "nan", "pi", "e"):
            return getattr(math, name)

        def compute(*values):
            kind = np.result_type(*values).type
            kind = kind if issubclass(kind, np.floating) else np.float64
            try:
                return kind(getattr(math, name)(*map(float, values)))
            except OverflowError:
                return kind(np.inf)
            except ValueError:   # log(0) and the like
                with np.errstate(all="ignore"):
                    return kind(getattr(np, name)(*values))
        return compute


def translate(function, launch, done=None):
    """The function with names as the simulator has them, and those that it calls, too."""
    done = {} if done is None else done
    if function in done:
        return done[function]
    meanings = {}
    cells = None
    if function.__closure__:
        cells = tuple(types.CellType(cell.cell_contents) for cell in function.__closure__)
    result = done[function] = types.FunctionType(function.__code__, meanings, function.__name__, function.__defaults__, cells)

    def meaning(value):
        if value is cuda:
            return launch.cuda
        if value is math:
            return _Math()
        if type(value).__name__ == "CUDADispatcher":
            return translate(value.py_func, launch, done)
        try:
            if value in CASTS and isinstance(value, numba.types.Type):
                return CASTS[value]
            instruction = instructions.MEANING.get(value)
        except TypeError:
            return value
        if instruction is not None:
            return lambda *arguments: instruction(launch.current, *arguments)
        return value

    for name in function.__code__.co_names:
        if name in function.__globals__:
            meanings[name] = meaning(function.__globals__[name])
    meanings["__builtins__"] = __builtins__
    for cell in result.__closure__ or ():
        cell.cell_contents = meaning(cell.cell_contents)
    return result


def run(function, grid, block, shared, arguments, order=None, races=True):
    """Run function[grid, block] on NumPy arrays and numbers."""
    launch = Launch(grid, block, shared, order, races)
    launch.cuda = Cuda(launch)
    names = function.__code__.co_varnames
    arguments = [GlobalArray(argument, name) if isinstance(argument, np.ndarray) else argument
                 for argument, name in zip(arguments, names)]
    simulated = translate(function, launch)
    with np.errstate(all="ignore"):
        for z in range(grid[2]):
            for y in range(grid[1]):
                for x in range(grid[0]):
                    launch.current = Block(launch, (x, y, z))
                    try:
                        launch.current.run(simulated, arguments)
                    except KernelError as error:
                        thread = launch.current.running.position
                        raise KernelError(f"block ({x}, {y}, {z}), thread ({thread.x}, {thread.y}, {thread.z}): {error}") from None
