"""Those that are compared on a GPU, each in single precision and with matrix products rounded to tf32 on tensor cores.

They have the same functions under the same names, so that a benchmark is written once for all. Time is the GPU's own, between two
events on the stream that everything happens on.
"""
import contextlib
import gc
import types
from typing import Callable, NamedTuple

import numpy as np

from minicnn.errors import RunError

OURS, PYTORCH = "minicnn", "PyTorch"
SINGLE, TF32 = "float32", "tf32"
PRECISIONS = SINGLE, TF32


def available_precisions():
    import minicnn

    return PRECISIONS if hasattr(minicnn, "set_matmul_precision") else (SINGLE,)


class Contender(NamedTuple):
    """What a benchmark on a GPU is written with. The names shared with benchmarks.frameworks.Framework mean the same.

    array, empty   array(numbers) and empty(shape, dtype) as kernels take them
    tensor         tensor(numbers) as layers take them, whole numbers too
    sample         sample(result, choose): the numbers of it at the places choose(how many there are), as a NumPy array
    seconds        seconds(work): how long the GPU is busy with what work() asks of it
    record         record(function): a function that replays all that function() asks of the GPU, and the result it writes each time
    capture        capture(step): the same for a step(*tensors), which takes new tensors at each replay
    release        release(): hand back what memory is idle
    kernels        the package of kernels; None for PyTorch
    machine        what they run on; None for PyTorch
    """

    library: types.ModuleType
    F: types.ModuleType
    array: Callable
    empty: Callable
    tensor: Callable
    network: Callable
    sample: Callable
    seconds: Callable
    record: Callable
    capture: Callable
    release: Callable
    kernels: types.ModuleType = None
    machine: object = None


def _itself(step):
    return step


@contextlib.contextmanager
def minicnn(precision, machine=None):
    """minicnn on the kernels of kernels.cuda. `machine` takes the place of the GPU: a rehearsal, say."""
    import kernels.cuda
    import minicnn
    from kernels.cuda.graph import Graph
    from minicnn import device

    found = device.machine
    if machine is not None:
        device.machine = lambda name: machine
    on = device.machine("cuda")
    if precision == TF32:
        minicnn.set_matmul_precision("high")

    def sample(result, choose):
        array = result.settle() if hasattr(result, "settle") else result
        return array.reshape(-1)[choose(array.size)].to_host()

    def record(function):
        graph = Graph(on)
        with graph.recording():
            result = function()
        return graph.replay, result

    def release():
        gc.collect()
        if hasattr(on, "main_pool"):
            on.main_pool.release()

    capture = minicnn.cuda.capture if hasattr(on, "stream") else _itself   # elsewhere than on a GPU there are no graphs
    try:
        yield Contender(minicnn, minicnn.functional, on.to_device, on.empty, lambda numbers: minicnn.tensor(numbers).to("cuda"),
                        lambda model: model.to("cuda"), sample, getattr(on, "seconds", None), record, capture, release, kernels.cuda, on)
    finally:
        device.machine = found
        if precision == TF32:
            minicnn.set_matmul_precision("highest")


@contextlib.contextmanager
def pytorch(precision, device="cuda"):
    """PyTorch with what its users set for speed: cuDNN tries its algorithms out. tf32 is off or on for all, as the precision says."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise RunError("this PyTorch finds no GPU")
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == TF32

    def tensor(numbers):
        return torch.from_numpy(np.ascontiguousarray(numbers)).to(device, copy=True)

    def empty(shape, dtype):
        return torch.empty(tuple(shape), dtype=getattr(torch, np.dtype(dtype).name), device=device)

    def network(model):
        for module in model.modules():
            if type(module).__name__ == "ReLU":
                module.inplace = True   # as in torchvision's networks
        return model.to(device)

    def sample(result, choose):
        return result.detach().reshape(-1)[torch.from_numpy(choose(result.numel())).to(device)].cpu().numpy()

    def seconds(work):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1000

    def record(function):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            function()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = function()
        return graph.replay, result

    def capture(step):
        recorded = []

        def replay(*tensors):
            if not recorded:
                inputs = [tensor.clone() for tensor in tensors]
                recorded.extend([inputs, *record(lambda: step(*inputs))])
            inputs, again, result = recorded
            for own, given in zip(inputs, tensors):
                own.copy_(given)
            again()
            return result
        return replay

    def release():
        gc.collect()
        if device == "cuda":
            torch.cuda.empty_cache()

    yield Contender(torch, torch.nn.functional, tensor, empty, tensor, network, sample, seconds, record, capture, release)


CONTENDERS = {OURS: minicnn, PYTORCH: pytorch}
