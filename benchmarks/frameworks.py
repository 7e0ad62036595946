"""Those that are compared. They have the same functions under the same names, so that a benchmark is written once for all."""
import contextlib
import importlib.util
import types
from typing import NamedTuple


class Framework(NamedTuple):
    """What a benchmark is written with.

    library    minicnn or torch: tensor, no_grad, nn, optim
    F          its functions: conv2d, relu, ...
    kernels    the package of kernels below it; None for PyTorch
    """

    library: types.ModuleType
    F: types.ModuleType
    kernels: types.ModuleType = None


@contextlib.contextmanager
def minicnn():
    """minicnn, on the kernels of kernels.cpu."""
    import kernels.cpu
    import minicnn

    yield Framework(minicnn, minicnn.functional, kernels.cpu)


@contextlib.contextmanager
def numpy():
    """minicnn, on the kernels' definitions in kernels.reference."""
    import kernels.reference
    import minicnn
    from minicnn import device

    with device.use_kernels(kernels.reference):
        yield Framework(minicnn, minicnn.functional, kernels.reference)


@contextlib.contextmanager
def pytorch():
    """PyTorch in its default mode, each operation run when it is called."""
    import torch

    yield Framework(torch, torch.nn.functional)


OURS, DEFINITION = "minicnn", "NumPy"
FRAMEWORKS = {OURS: minicnn, "PyTorch": pytorch, DEFINITION: numpy}
_PACKAGES = {"PyTorch": "torch"}   # what must be installed


def available():
    """The names of those that can run here."""
    return [name for name in FRAMEWORKS if name not in _PACKAGES or importlib.util.find_spec(_PACKAGES[name])]
