"""Running a kernel: block by block, thread by thread; a second time where that tells more about a mistake."""
import functools
import itertools
import operator
import random
import sys
import weakref

import numpy as np

from ..array import DeviceArray
from . import storage
from .arrays import Grid, Line, Memory, array_over, element_strides, values_over
from .errors import DataRace, KernelError, LaunchError
from .local import NotAsExpected
from .names import Cuda
from .races import Now
from .sites import caller, line_of, place_in
from .threads import Block, Dimensions
from .translate import python_function, translate
from .values import argument as number

_careful = weakref.WeakSet()   # functions that have to be run with care (local.py)
_THREADS, _BLOCK, _GRID = 1024, (1024, 1024, 64), (2**31 - 1, 65535, 65535)
_PERMUTATIONS = 8
_SHARED = 227 * 1024   # bytes that a block can have on an H100


class Launch:
    """One launch of a kernel: what all its blocks share.

    races      look for races?
    recording  write down the line of every access, for the message about a race
    careful    convert what local arrays are given (local.py)
    """

    def __init__(self, kernel, grid, block, shared, order, races, recording=False, careful=False):
        self.function, self.shared, self.order = python_function(kernel), shared, order
        self.grid, self.block = Dimensions(*grid), Dimensions(*block)
        self.careful, self.recording, self.now = careful, recording, Now(races)
        self.positions = _positions(block)
        self.cuda, self._permutations = Cuda(self), {}

    def enter(self, thread):
        """That thread runs now."""
        now, cuda = self.now, self.cuda
        now.thread, now.moment = thread, thread.moment
        cuda.threadIdx, cuda.laneid = thread.position, thread.lane

    def ended(self, thread):
        """The local arrays of that thread have served."""
        if not self.careful:
            for array in thread.locals:
                if not array.is_as_expected():
                    raise NotAsExpected
        thread.locals = ()

    def shuffled(self, threads):
        """Threads in the order in which they will be taken from the end of the list."""
        if self.order is None:
            return threads[::-1]
        if not isinstance(self.order, random.Random) or len(threads) < 2:
            return list(threads)
        permutations = self._permutations.get(len(threads))
        if permutations is None:   # a few for each number of threads: to shuffle every time would take longer than many a kernel
            numbers = range(len(threads))
            permutations = self._permutations[len(threads)] = [operator.itemgetter(*self.order.sample(numbers, len(threads)))
                                                               for _ in range(_PERMUTATIONS)]
        return list(self.order.choice(permutations)(threads))

    def constant(self, array, name):
        """An array of the host in the kernel's source."""
        array = np.ascontiguousarray(array)
        memory = Memory("global", self.now, values_over(array.reshape(-1)), array.size, array.dtype, 0, b"\x01" * array.size)
        return array_over(memory, name, array.shape, element_strides(array.shape))

    def run(self, arguments):
        function = translate(self.function, self)
        if self.recording:
            arguments = [_recorded(one) if isinstance(one, (Line, Grid)) else one for one in arguments]
        indices = list(itertools.product(*map(range, reversed(self.grid.triple))))
        if self.order == "reverse":
            indices.reverse()
        elif isinstance(self.order, random.Random):
            self.order.shuffle(indices)
        with np.errstate(all="ignore"):
            for z, y, x in indices:
                block = Block(self, (x, y, z))
                self.cuda.blockIdx = block.index
                try:
                    block.run(function, arguments)
                except NotAsExpected:
                    raise
                except Exception as error:
                    raise self._located(error, block)

    def _located(self, error, block):
        place = place_in(error.__traceback__)
        if not isinstance(error, KernelError):
            error = KernelError(f"{type(error).__name__}: {error}")
        thread = error.culprit or self.now.thread
        error.locate(self.function.__name__, block.index.triple, thread.position.triple if thread else None, place)
        return error


@functools.lru_cache(64)
def _positions(block):
    return [Dimensions(x, y, z) for z, y, x in itertools.product(*map(range, reversed(block)))]


def run(kernel, grid, block, shared, arguments, order=None, races=True):
    """kernel[grid, block, shared](*arguments): DeviceArrays of a Simulator, numbers, None."""
    function = python_function(kernel)
    _check_sizes(function, grid, block, shared, arguments)
    spans = storage.spans([one for one in arguments if isinstance(one, DeviceArray)])
    before, turns = [span.copy() for span in spans], order.getstate() if isinstance(order, random.Random) else None

    def attempt(**how):
        if turns is not None:
            order.setstate(turns)
        launch = Launch(kernel, grid, block, shared, order, races, **how)
        names = function.__code__.co_varnames
        laid = storage.lay(spans, launch.now, [(one, name) for one, name in zip(arguments, names) if isinstance(one, DeviceArray)])
        try:
            launch.run([next(laid) if isinstance(one, DeviceArray) else number(one) for one in arguments])
        finally:
            for span in spans:
                span.keep_written()

    def again(**how):
        for span, content in zip(spans, before):
            span.restore(content)
        attempt(**how)

    careful = function in _careful
    try:
        try:
            attempt(careful=careful)
        except NotAsExpected:
            careful = True
            _careful.add(function)
            again(careful=True)
    except DataRace as race:
        try:
            again(careful=careful, recording=True)
        except DataRace as found:
            race = found
        raise race.with_traceback(None) from None
    except KernelError as error:
        raise error.with_traceback(None) from None


def _check_sizes(function, grid, block, shared, arguments):
    name, problem = function.__name__, None
    threads = block[0] * block[1] * block[2]
    wanted = function.__code__.co_argcount
    if threads > _THREADS or any(size > most for size, most in zip(block, _BLOCK)):
        problem = f"a block of {block} threads: a GPU takes at most {_THREADS} in all, {_BLOCK} along the axes"
    elif min(block) < 1 or min(grid) < 1:
        problem = f"a grid of {grid} blocks of {block} threads: sizes begin at 1"
    elif any(size > most for size, most in zip(grid, _GRID)):
        problem = f"a grid of {grid} blocks: a GPU takes at most {_GRID}"
    elif shared > _SHARED:
        problem = f"{shared} bytes of dynamic shared memory: a block has at most {_SHARED}"
    elif not wanted - len(function.__defaults__ or ()) <= len(arguments) <= wanted:
        problem = f"{len(arguments)} arguments, and the kernel takes {wanted}"
    else:
        for one, parameter in zip(arguments, function.__code__.co_varnames):
            if isinstance(one, DeviceArray) and not one.is_contiguous:
                problem = f"{parameter} does not lie row by row, as kernels expect of their arrays"
    if problem is not None:
        error = LaunchError(problem)
        error.locate(name, None, None, (function.__code__.co_filename, function.__code__.co_firstlineno))
        raise error


def _recorded(array):
    """The array, with a new moment for each access, so that a race can name the line of the other one."""
    return (_RecordedLine if isinstance(array, Line) else _RecordedGrid)(array.memory, array.name, array.shape, array.strides,
                                                                         array.offset)


class _Recorded:
    __slots__ = ()

    def _record(self):
        now, frame = self.now, caller(sys._getframe(2))
        now.begin(now.thread, line_of((frame.f_code, frame.f_lasti)))
        now.moment = now.thread.moment

    def __getitem__(self, index):
        self._record()
        return super().__getitem__(index)

    def __setitem__(self, index, value):
        self._record()
        super().__setitem__(index, value)

    def aligned(self, *arguments):
        self._record()
        return super().aligned(*arguments)

    def place(self, index):
        self._record()
        return super().place(index)


class _RecordedLine(_Recorded, Line):
    __slots__ = ()


class _RecordedGrid(_Recorded, Grid):
    __slots__ = ()
