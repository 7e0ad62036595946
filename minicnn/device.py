"""Where arrays live, which kernels work on them, and where their memory comes from.

An array is a numpy.ndarray, or a kernels.cuda.DeviceArray in the memory of a machine: a GPU ("cuda"), or its simulator ("cuda-simulator").
What both can do is asked of the array itself (reshape, transpose, copy, fill, astype, slices); what they do differently is here.
"""
import contextlib
import functools
import importlib

import numpy as np

import kernels.precision
from minicnn.errors import InputError

NAMES = "cpu", "cuda", "cuda-simulator"

_chosen = None   # the package that `use_kernels` put in place of kernels.cpu


@functools.cache
def _cpu():
    """kernels.cpu, imported when the first kernel is called: it brings Numba, whose import takes half a second."""
    return importlib.import_module("kernels.cpu")


@functools.cache
def _cuda():
    return importlib.import_module("kernels.cuda")


@functools.cache
def _pool():
    return importlib.import_module("kernels.cpu.memory").pool


def kernels_for(*arrays):
    """The kernel package for these arrays, which live on one device; among them may be numbers (see is_number)."""
    if _chosen is not None:
        return _chosen
    for array in arrays:
        if hasattr(array, "machine"):
            return _cuda()
    return _cpu()


@contextlib.contextmanager
def use_kernels(package):
    """Inside the `with`, everything runs on the kernels of `package`, `kernels.reference` say."""
    global _chosen
    previous, _chosen = _chosen, package
    try:
        yield
    finally:
        _chosen = previous


def on_host(array):
    return not hasattr(array, "machine")


def is_number(array):
    """A numpy.ndarray without axes goes together with arrays on any device: kernels take it for a number."""
    return on_host(array) and not array.ndim


def name_of(array):
    """The device that an array lives on."""
    return "cpu" if on_host(array) else str(array.machine)


def check_together(function, arrays, name):
    """InputError unless all arrays live on one device. It names the function, and name(function, place) names an array."""
    if len({getattr(array, "machine", None) for array in arrays}) == 1:
        return
    placed = [(place, array) for place, array in enumerate(arrays) if not is_number(array)]
    for place, array in placed[1:]:
        first, other = placed[0]
        if getattr(array, "machine", None) is not getattr(other, "machine", None):
            raise InputError(f"{name(function, first)} is on {name_of(other)!r}, but {name(function, place)} is on {name_of(array)!r}; "
                             f"bring them to one device, with .to({name_of(other)!r}) or .to({name_of(array)!r})")


def empty(like, shape=None, dtype=None):
    """An uninitialised C-contiguous array where `like` lives, of its shape and type if nothing else is said, from memory that is used
    again."""
    shape, dtype = like.shape if shape is None else shape, like.dtype if dtype is None else dtype
    return like.machine.empty(shape, dtype) if hasattr(like, "machine") else _pool().empty(shape, dtype)


def full(like, value, shape=None, dtype=None):
    """As `empty`, but filled with a number."""
    array = empty(like, shape, dtype)
    array.fill(value)
    return array


def lasting(like, value):
    """As `full`, for what is there from step to step: in a recorded step it is made once, and not again at each replay."""
    return full(like, value) if recording(like) is None else like.machine.to_device(np.full(like.shape, value, like.dtype))


def contiguous(array):
    """The array itself if kernels can take it, else a copy: row by row in memory and, on the host, aligned and writable (for arrays
    that are not, Numba would compile every kernel again)."""
    if hasattr(array, "machine"):
        return array.contiguous()
    if array.flags.carray:
        return array
    copy = empty(array)
    copy[...] = array
    return copy


def is_contiguous(array):
    return array.flags.c_contiguous if on_host(array) else array.is_contiguous


def broadcast(array, shape):
    """A view in which the array is repeated."""
    return np.broadcast_to(array, shape) if on_host(array) else array.broadcast_to(shape)


def as_array(value):
    """What NumPy gives as a number of its own, as an array."""
    return np.asarray(value) if on_host(value) else value


def shares_memory(view, array):
    """Is the one a view of the other, or of what that is a view of?"""
    if not on_host(view):
        return not on_host(array) and view.memory is array.memory
    return view.base is not None and (view.base is array or view.base is array.base)


def recording(array):
    """The graph (kernels.cuda.graph.Graph) that what happens to the array is being recorded in, or None."""
    return getattr(getattr(array, "machine", None), "recording", None)


def varying(like, number, dtype=None):
    """What number() says: a number that is another one in each step. In a recorded step it is an array where `like` lives, in which
    each replay finds what number() says then. In the type of `like`, if nothing else is said."""
    dtype, graph = like.dtype if dtype is None else dtype, recording(like)
    if graph is not None:
        return graph.varying(number, dtype)
    if getattr(getattr(like, "machine", None), "before_recording", False):   # so that the kernels are compiled that will be recorded
        return like.machine.to_device(np.array(number()).astype(dtype))
    return number()


def to_host(array):
    """A numpy.ndarray: a copy if the array lives elsewhere."""
    return array if on_host(array) else array.to_host()


def assign(array, values):
    """array[...] = values, wherever the two live."""
    if getattr(values, "machine", None) is not getattr(array, "machine", None):
        values = to_host(values)
        if not on_host(array):
            array.machine.write(array, values)
            return
    array[...] = values


def move(array, like):
    """The numbers of an array, in the type of `like` and where that lives: a copy."""
    array = np.array(to_host(array), like.dtype, order="C")
    return array if on_host(like) else like.machine.to_device(array)


def is_name(target):
    """Is it the name of a device, and not that of a type?"""
    return isinstance(target, str) and target.partition(":")[0] in NAMES


def to_device(array, name):
    """The array on the device of that name: the same one if it is there already, else a copy."""
    if name == name_of(array):
        return array
    array = to_host(array)
    if name == "cpu":
        return array
    if getattr(machine(name), "recording", None) is not None:
        raise InputError("in a recorded step nothing can come from the host, as it would be the same at each replay: "
                         "make it before, or an argument of the step")
    return machine(name).to_device(array)


@functools.cache
def machine(name):
    """What runs kernels on the device "cuda" or "cuda-simulator". InputError if it is not here."""
    try:
        if name == "cuda-simulator":
            return importlib.import_module("kernels.cuda.simulator").Simulator()
        if name == "cuda":
            return importlib.import_module("kernels.cuda.gpu").GPU()
    except ImportError as error:
        raise InputError(f"device {name!r} needs the package {error.name}: pip install 'minicnn[cuda]' brings it") from None
    except RuntimeError as error:   # the driver's
        raise InputError(f"device {name!r} cannot be used: {error}") from None
    raise InputError(f"there is no device {name!r}: choose {', '.join(NAMES[:-1])} or {NAMES[-1]}")


def describe(name):
    """A device in words."""
    if name == "cpu":
        return describe_threads()
    return f"{name} ({machine(name).name})" if name == "cuda" else name


def set_num_threads(count):
    """Let the kernels use so many processor cores. The results do not depend on it."""
    import numba

    most = numba.config.NUMBA_NUM_THREADS
    if not 1 <= count <= most:
        raise InputError(f"{count} threads cannot be used: this machine offers 1 to {most} (NUMBA_NUM_THREADS can change that)")
    numba.set_num_threads(count)


def describe_threads():
    """How many threads the kernels use."""
    import numba

    count = numba.get_num_threads()
    return f"{count} thread{'s' * (count > 1)}"


def set_matmul_precision(precision):
    """How exactly matrix products and convolutions of float32 are computed on a GPU, as torch.set_float32_matmul_precision.

    "highest"   in single precision; so it is at first
    "high"      tensor cores multiply numbers rounded to tf32, which has 10 binary places, and add in single precision
    "medium"    they multiply numbers rounded to bfloat16, which has 7

    Where it does not pay, with fewer than 16 channels say, everything is still computed in single precision; so it is on a GPU before
    compute capability 8.0, whose tensor cores know neither format, and on the CPU.
    """
    if precision not in kernels.precision.PRECISIONS:
        raise InputError(f"the precision of matrix products is one of {', '.join(kernels.precision.PRECISIONS)}, not {precision!r}")
    kernels.precision.matmul_precision = precision


def get_matmul_precision():
    """What set_matmul_precision has set."""
    return kernels.precision.matmul_precision
