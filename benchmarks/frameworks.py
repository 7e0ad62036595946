"""Those that are compared. They have the same functions under the same names, so that a benchmark is written once for all."""
import contextlib
import importlib.util
import os
import types
from typing import Callable, NamedTuple

import numpy as np

from minicnn.errors import RunError


def _itself(network):
    return network


def _detached(tensor):
    return tensor.detach().numpy()


class Framework(NamedTuple):
    """What a benchmark is written with.

    library    minicnn or torch: tensor, no_grad, nn, optim
    F          its functions: conv2d, relu, ...
    tensor     tensor(array): floating-point numbers the way this contender keeps them
    kernels    the package of kernels below it; None for PyTorch
    network    network(model): a network the way this contender runs it
    numpy      numpy(tensor): a result as an array
    """

    library: types.ModuleType
    F: types.ModuleType
    tensor: Callable
    kernels: types.ModuleType = None
    network: Callable = _itself
    numpy: Callable = _detached


@contextlib.contextmanager
def minicnn():
    """minicnn, on the kernels of kernels.cpu."""
    import kernels.cpu
    import minicnn

    yield Framework(minicnn, minicnn.functional, minicnn.tensor, kernels.cpu)


@contextlib.contextmanager
def numpy():
    """minicnn, on the kernels' definitions in kernels.reference."""
    import kernels.reference
    import minicnn
    from minicnn import device

    with device.use_kernels(kernels.reference):
        yield Framework(minicnn, minicnn.functional, minicnn.tensor, kernels.reference)


@contextlib.contextmanager
def pytorch():
    """PyTorch in its default mode, each operation run when it is called."""
    import torch

    yield Framework(torch, torch.nn.functional, torch.tensor, network=_relu_in_place)


@contextlib.contextmanager
def channels_last():
    """The same, with images and filters the way PyTorch likes them better: all channels of a pixel side by side."""
    import torch

    def tensor(array):
        made = torch.tensor(array)
        return made.to(memory_format=torch.channels_last) if made.ndim == 4 else made

    def network(model):
        return _relu_in_place(model).to(memory_format=torch.channels_last)

    yield Framework(torch, torch.nn.functional, tensor, network=network)


@contextlib.contextmanager
def torch_compile():
    """Networks that PyTorch compiles, to C++ and from there to machine code, for the shapes they are called with."""
    import torch

    try:
        torch.compile(lambda x: x.relu() + 1)(torch.ones(2))
    except Exception as error:   # of many kinds: no C++ compiler, a Python that is too new for it, ...
        raise RunError(f"it does not work here: {_first_line(error)}") from error

    def network(model):
        torch.compiler.reset()   # else it tries to write one program for the shapes of all cases
        return torch.compile(_relu_in_place(model))

    yield Framework(torch, torch.nn.functional, torch.tensor, network=network)


def _first_line(error):
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _relu_in_place(model):
    """ReLU writes over its input, as in torchvision's networks."""
    for module in model.modules():
        if type(module).__name__ == "ReLU":
            module.inplace = True
    return model


@contextlib.contextmanager
def float64():
    """PyTorch in double precision: what the others' rounding errors are measured against."""
    import torch

    def tensor(array):
        return torch.tensor(array, dtype=torch.float64)

    yield Framework(torch, torch.nn.functional, tensor, network=lambda model: model.double())


@contextlib.contextmanager
def onnxruntime():
    """Whole networks in evaluation, which onnxruntime gets as graphs."""
    from benchmarks import graph
    from benchmarks.onnx_model import Session
    from benchmarks.worker import available_threads

    threads = int(os.environ.get("OMP_NUM_THREADS", available_threads()))
    yield Framework(graph, None, np.asarray, network=lambda model: Session(model, threads), numpy=_itself)


OURS, PYTORCH, CHANNELS_LAST, COMPILED = "minicnn", "PyTorch", "PyTorch channels_last", "torch.compile"
ONNXRUNTIME, DEFINITION, EXACT = "onnxruntime", "NumPy", "float64"
FRAMEWORKS = {OURS: minicnn, PYTORCH: pytorch, CHANNELS_LAST: channels_last, COMPILED: torch_compile, ONNXRUNTIME: onnxruntime,
              DEFINITION: numpy, EXACT: float64}
RIVALS = PYTORCH, CHANNELS_LAST, COMPILED, ONNXRUNTIME   # what else a user could take

# What must be installed.
PACKAGES = {PYTORCH: ["torch"], CHANNELS_LAST: ["torch"], COMPILED: ["torch"], EXACT: ["torch"], ONNXRUNTIME: ["onnxruntime", "onnx"]}


def missing():
    """{name: the sentence that says why} for those that cannot run here, for want of a package."""
    reasons = {}
    for name in FRAMEWORKS:
        absent = [package for package in PACKAGES.get(name, ()) if not importlib.util.find_spec(package)]
        if absent:
            reasons[name] = f"there is no package {' and no package '.join(absent)}: pip install -e '.[reference]'"
    return reasons


def available():
    """The names of the others."""
    return [name for name in FRAMEWORKS if name not in missing()]
