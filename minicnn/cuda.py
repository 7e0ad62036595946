"""NVIDIA's GPUs: is there one, how full is it, and training steps that are recorded once and replayed.

    model.to("cuda")
    step = mc.cuda.capture(one_step)
    for images, labels in loader:
        loss = step(images, labels)
"""
import contextlib
import ctypes
import importlib.util
import sys

from minicnn import device
from minicnn.errors import InputError
from minicnn.tensor import Tensor


def is_available():
    """Can tensors go to "cuda"? `why_not` says what is missing."""
    return why_not() is None


def why_not():
    """What is missing for the device "cuda", in a sentence; None if nothing is."""
    if importlib.util.find_spec("numba_cuda") is None:
        return "the package numba-cuda is missing: pip install 'minicnn[cuda]' brings it"
    try:   # before anything is imported, which takes a second
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return "there is no NVIDIA driver (libcuda) on this machine; device 'cuda-simulator' runs the same kernels without a GPU, slowly"
    try:
        device.machine("cuda")
    except InputError as error:
        return str(error)
    return None


def synchronize():
    """Wait until the GPU has done all that it was asked for."""
    device.machine("cuda").synchronize()


def empty_cache():
    """Hand memory back that lies idle here, for other programs."""
    device.machine("cuda").main_pool.release()


def memory():
    """Bytes: {"used": by tensors, "idle": kept for the next ones, "free": of the GPU, "total": of the GPU}."""
    gpu = device.machine("cuda")
    free, total = gpu.memory()
    return {"used": gpu.main_pool.used, "idle": gpu.main_pool.idle, "free": free, "total": total}


def capture(step, where="cuda"):
    """A function that does what step(*tensors) does, and is quicker on a GPU.

    step   a function of tensors that computes on the device only: it returns tensors there, and reads no values (no .item())
    where  the device; elsewhere than on "cuda" it is simply called each time

    The first call runs the step. The second one, if the tensors have the same shapes, records it as a CUDA graph: all its launches
    with their arguments, which later calls replay at once, with the numbers of new tensors in place of the old, the optimiser's
    learning rate as it is then, and new random numbers for dropout. Tensors of other shapes get a call of `step`. What else Python
    does in the step happens only when it is run and recorded. The returned tensors are the same at each replay, with new values; so
    are the gradients.

    Replays read and write where the recording did. What changes tensors in place goes well with them: an optimiser's or a model's
    load_state_dict, copy_, steps that are not replayed, other recorded steps. If a tensor that the step changes has got another array
    (model.to, tensor.array = ...), the step is recorded anew. Other settings than the learning rate (momentum, model.train or eval)
    stay what they were: capture the step again if one changes. The step must begin with optimizer.zero_grad(), for what it adds to
    would be the same gradient at each replay.

        def one_step(images, labels):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            return loss
    """
    return Captured(step, where)


class Captured:
    """See `capture`."""

    def __init__(self, step, where):
        self.step, self.where = step, where
        self._last = None        # the shapes of the last call
        self._recorded = None    # those of the graph
        self._graph = self._inputs = self._result = None
        self._gradients = []     # pairs of a tensor that the graph changes, and its gradient there
        self._allowed = None     # between which whole numbers each input may be

    def __call__(self, *tensors):
        shapes = [(tensor.shape, tensor.dtype) for tensor in tensors]
        if self._graph is not None and any(tensor.memory is not memory for tensor, memory in self._graph.changed):
            self._graph = self._result = self._last = None
            self._gradients = []
        if self._graph is None and self.where == "cuda" and shapes == self._last:
            self._record(tensors, shapes)
        if self._graph is None or shapes != self._recorded:
            self._last = shapes
            with self._before_recording():
                return self.step(*[tensor.to(self.where) for tensor in tensors])
        for own, given, allowed in zip(self._inputs, tensors, self._allowed):
            _write(own.settle(), given.settle(), allowed)
        for _, memory in self._graph.changed:
            memory.change()
        self._graph.replay()
        for tensor, gradient in self._gradients:   # a step in between that was run may have left others
            tensor.grad = gradient
        return self._result

    @contextlib.contextmanager
    def _before_recording(self):
        if self.where == "cuda" and self._graph is None:
            device.machine("cuda").before_recording = True
        try:
            yield
        finally:
            if self.where == "cuda":
                device.machine("cuda").before_recording = False

    def _record(self, tensors, shapes):
        from kernels.cuda.graph import Graph

        graph = Graph(device.machine("cuda"))
        self._inputs = [Tensor(graph.gpu.empty(tensor.shape, tensor.dtype)) for tensor in tensors]
        for own, given in zip(self._inputs, tensors):
            device.assign(own.settle(), given.settle())
        with graph.recording():
            self._result = self.step(*self._inputs)
        self._allowed = [own.settle().bounds for own in self._inputs]
        self._gradients = [(tensor, tensor.grad) for tensor, _ in graph.changed]
        self._graph, self._recorded = graph, shapes


def _write(own, given, allowed):
    """New numbers for a graph. Labels have been checked when it was recorded, and are held to what was found right."""
    device.assign(own, given)
    found = own.bounds
    if allowed is not None and found is not None and (found[0] < allowed[0] or found[1] > allowed[1]):
        raise IndexError(f"the recorded step takes whole numbers from {allowed[0]} to {allowed[1]}, and was given {found[0]} to {found[1]}")
