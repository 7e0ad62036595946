"""CUDA graphs: launches recorded once and started again all together, for a fraction of what Python needs to ask for them one by one."""
import contextlib

from .array import DeviceArray


class Graph:
    """What a GPU was asked to do inside `with graph.recording():`, to be done again by `replay()`.

    The addresses are those of the recording, so whatever it reads and writes has to stay where it was: arrays from before are kept
    alive, and those made inside come from a pool of the graph's own, which nobody else is served from. So the result of a replay lies
    in the arrays that the recording made, and the next replay overwrites it.
    """

    def __init__(self, gpu):
        self.gpu, self.pool = gpu, gpu.new_pool()
        self._kept, self._executable = {}, None

    @contextlib.contextmanager
    def recording(self):
        """Nothing is computed inside, only written down. If it fails, there is no graph."""
        gpu, api = self.gpu, self.gpu.bindings
        if gpu.recording is not None:
            raise RuntimeError("a graph is being recorded already")
        gpu.main_pool.release()   # what idles there would be missing here
        gpu.pool, gpu.recording = self.pool, self
        gpu.call("a recording", api.cuStreamBeginCapture, gpu.stream, api.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED)
        try:
            yield self
        except BaseException:
            status, graph = api.cuStreamEndCapture(gpu.stream)   # whatever it says: the stream is to be of use again
            if not status:
                api.cuGraphDestroy(graph)
            self.pool.close()
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
            if type(argument) is DeviceArray and getattr(argument.memory, "pool", None) is not self.pool:
                self._kept[id(argument.memory)] = argument.memory

    def replay(self):
        """Do it again, after all that was asked for before."""
        self.gpu.call("a recorded graph", self.gpu.bindings.cuGraphLaunch, self._executable, self.gpu.stream)

    def __del__(self):
        self.pool.close()
        if self._executable is not None:
            self.gpu.bindings.cuGraphExecDestroy(self._executable)
