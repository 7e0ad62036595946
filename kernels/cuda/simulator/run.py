"""Running a kernel: block by block, thread by thread; a second time where that tells more about a mistake."""
import functools
import itertools
import operator
import random
import weakref

import numpy as np

from ..array import DeviceArray
from . import storage
from .arrays import Memory, array_over, element_strides, values_over
from .errors import DataRace, KernelError, LaunchError, Uninitialised, WrongValue
from .local import NotAsExpected
from .names import Cuda
from .races import WARP, Now
from .sites import place_in
from .threads import Block, Dimensions, Thread, Warp
from .translate import python_function, translate
from .values import argument as number

_careful = weakref.WeakSet()   # functions that have to be run with care (local.py)
_THREADS, _BLOCK, _GRID = 1024, (1024, 1024, 64), (2**31 - 1, 65535, 65535)
_PERMUTATIONS = 8
_SHARED = 227 * 1024   # bytes that a block can have on an H100


class Launch:
    """One launch of a kernel: what all its blocks share.

    races      look for races?
    undo       list, to which pairs are added: an array, and what was in it before a write that went by its address
    recording  write down the line of every access, for the message about a race (races.Now)
    careful    convert what local arrays are given (local.py)
    """

    def __init__(self, kernel, grid, block, shared, order, races, undo, recording=False, careful=False):
        self.function, self.shared, self.order, self.undo = python_function(kernel), shared, order, undo
        self.grid, self.block = Dimensions(*grid), Dimensions(*block)
        self.careful, self.now = careful, Now(races, recording)
        self.positions = _positions(block)
        warps = [Warp() for _ in range(0, len(self.positions), WARP)]
        self.threads = [Thread(number, position, warps[number // WARP]) for number, position in enumerate(self.positions)]
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
        thread.locals = []

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
                    raise self._located(error, block) from error

    def _located(self, error, block):
        place = place_in(error.__traceback__)
        if isinstance(error, ZeroDivisionError):
            error = WrongValue("divides an integer by zero")
        elif not isinstance(error, KernelError):
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

    undo = []

    def attempt(**how):
        if turns is not None:
            order.setstate(turns)
        launch = Launch(kernel, grid, block, shared, order, races, undo, **how)
        names = function.__code__.co_varnames
        laid = storage.lay(spans, launch.now, [(one, name) for one, name in zip(arguments, names) if isinstance(one, DeviceArray)])
        try:
            launch.run([next(laid) if isinstance(one, DeviceArray) else number(one) for one in arguments])
        finally:
            for span in spans:
                span.keep_written()

    def again(**how):
        while undo:
            array, content = undo.pop()
            array[...] = content
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
    except KernelError as error:
        mistake = error
    else:
        return
    if isinstance(mistake, (DataRace, Uninitialised)) and races:   # what nobody had written may be what somebody writes too late
        try:
            again(careful=careful, recording=True)
        except DataRace as race:
            mistake = race
        except KernelError:
            pass
    raise mistake.with_traceback(None) from None


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
