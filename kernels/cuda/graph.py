"""CUDA graphs: launches recorded once and started again all together, for a fraction of what Python needs to ask for them one by one."""
import contextlib

import numpy as np

from .array import DeviceArray

_MOST_NUMBERS = 512   # that may change from replay to replay
_CELL = 8             # bytes of each


class Graph:
    """What a GPU was asked to do inside `with graph.recording():`, to be done again by `replay()`.

    The addresses are those of the recording, so whatever it reads and writes has to stay where it was: arrays from before are kept
    alive, and those made inside come from a pool of the graph's own, which nobody else is served from. So the result of a replay lies
    in the arrays that the recording made, and the next replay overwrites it.
    """

    def __init__(self, gpu):
        self.gpu, self.pool = gpu, gpu.new_pool(fixed=True)
        self.changed = []    # what was changed in place, noted by whoever did it, for whoever replays it
        self._numbers = []   # (function that gives it, its dtype), in their order on the device
        self._cells = gpu.empty((_MOST_NUMBERS * _CELL,), np.uint8)
        self._kept, self._executable = {}, None

    @contextlib.contextmanager
    def recording(self):
        """Nothing is computed inside, only written down. If it fails, there is no graph."""
        gpu, api = self.gpu, self.gpu.bindings
        if gpu.recording is not None:
            raise RuntimeError("a graph is being recorded already")
        gpu.synchronize()
        gpu.main_pool.release()   # what idles there would be missing here
        gpu.call("a recording", api.cuStreamBeginCapture, gpu.stream, api.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED)
        gpu.pool, gpu.recording = self.pool, self
        try:
            yield self
        except BaseException:
            status, graph = api.cuStreamEndCapture(gpu.stream)   # whatever it says: the stream is to be of use again
            if not status:
                api.cuGraphDestroy(graph)
            raise
        else:
            graph = gpu.call("the recording", api.cuStreamEndCapture, gpu.stream)
            self._executable = gpu.call("the recording", api.cuGraphInstantiate, graph, 0)
            gpu.call("the recording", api.cuGraphDestroy, graph)
        finally:
            gpu.pool, gpu.recording = gpu.main_pool, None

    def keep(self, arguments):
        """Arrays that a recorded kernel works on: those that are not of the graph's own pool must not go before it."""
        for argument in arguments:
            if type(argument) is DeviceArray and not self.made(argument):
                self.hold(argument.memory)

    def made(self, array):
        """Was the array made in the recording?"""
        return getattr(array.memory, "pool", None) is self.pool

    def hold(self, memory):
        """Keep it as long as the graph."""
        self._kept[id(memory)] = memory

    def varying(self, number, dtype):
        """A number that is another one at each replay: an array without axes, for which number() is asked before."""
        if len(self._numbers) == _MOST_NUMBERS:
            raise RuntimeError(f"a graph has at most {_MOST_NUMBERS} numbers that change")
        place = self._cells.address + _CELL * len(self._numbers)
        self._numbers.append((number, np.dtype(dtype)))
        return DeviceArray(self.gpu, self._cells.memory, place, (), np.dtype(dtype))

    def replay(self):
        """Do it again, after all that was asked for before."""
        if self._numbers:
            cells = np.zeros(self._cells.shape, np.uint8)
            for place, (number, dtype) in enumerate(self._numbers):
                cells[_CELL * place:_CELL * place + dtype.itemsize] = np.array([number()]).astype(dtype).view(np.uint8)
            self.gpu.write(self._cells, cells)
        self.gpu.call("a recorded graph", self.gpu.bindings.cuGraphLaunch, self._executable, self.gpu.stream)

    def __del__(self):
        self.pool.close()
        if self._executable is not None:
            self.gpu.bindings.cuGraphExecDestroy(self._executable)
