"""From a kernel and the types of its arguments to PTX, the assembly language of NVIDIA's GPUs; no GPU is needed for that.

numba-cuda does it, with NVIDIA's NVVM; the driver, or ptxas, makes machine code of it.
"""
import contextlib
import re
from types import SimpleNamespace

from numba import cuda, from_dtype, types
from numba.cuda import dispatcher


def numba_type(code):
    """The Numba type of an argument, from its launch.type_code."""
    if code is None:
        return types.none
    if isinstance(code, tuple):
        dtype, axes = code
        return types.Array(from_dtype(dtype), axes, "C")
    return from_dtype(code)


def ptx(kernel, codes, compute_capability):
    """The pair (PTX, name of the kernel in it) for arguments of these types, for a GPU such as (9, 0)."""
    signature = types.void(*map(numba_type, codes))
    if kernel.specific:
        compute_capability = (*compute_capability, "a")
    options = {} if kernel.launch_bounds is None else {"launch_bounds": kernel.launch_bounds}
    with _as_on(compute_capability):
        text, _ = cuda.compile(kernel.function, signature, device=False, abi="numba", fastmath=kernel.fastmath, lineinfo=True,
                               cc=compute_capability, **options)
    return text, re.search(r"\.entry\s+(\S+?)\s*\(", text).group(1)


@contextlib.contextmanager
def _as_on(compute_capability):
    """Functions that a kernel calls are compiled for the GPU that is there; here it is said which one that is."""
    asked = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=compute_capability)
    try:
        yield
    finally:
        dispatcher.get_current_device = asked
