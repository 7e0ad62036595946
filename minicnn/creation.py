"""Where tensors come from: numbers, NumPy arrays, patterns, chance."""
import numpy as np

from minicnn import device, random
from minicnn.tensor import Tensor


def tensor(data, dtype=None, requires_grad=False):
    """A copy of `data`: a number, nested lists, an array or a Tensor.

    Arrays and tensors keep their type unless `dtype` says otherwise; Python's floats become float32, integers int64.
    """
    if isinstance(data, Tensor):
        data = data.settle()
        if not device.on_host(data):
            return Tensor(data.copy() if dtype is None else data.astype(np.dtype(dtype)), requires_grad)
    array = np.array(data, dtype, order="C")
    if dtype is None and not isinstance(data, (np.ndarray, np.generic)) and array.dtype == np.float64:
        array = array.astype(np.float32)
    return Tensor(array, requires_grad)


def from_numpy(array):
    """A tensor that shares the array's memory."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: expected a numpy.ndarray, not {type(array).__name__}")
    tensor = Tensor(array)
    tensor.memory.lent = True
    return tensor


def from_dlpack(other):
    """A tensor that shares the memory of another library's array, CuPy's or PyTorch's, on the GPU or on the host. On the GPU an array
    that has only `__cuda_array_interface__` will do, too."""
    if not hasattr(other, "__dlpack__") and not hasattr(other, "__cuda_array_interface__"):
        raise TypeError(f"from_dlpack: expected an array of a library that knows DLPack, not {type(other).__name__}")
    if hasattr(other, "__dlpack__") and other.__dlpack_device__()[0] == _HOST:
        array = np.from_dlpack(other)
    else:
        from kernels.cuda import exchange

        array = exchange.adopt(device.machine("cuda"), other)
    tensor = Tensor(array)
    tensor.memory.lent = True
    return tensor


_HOST = 1   # DLPack's number for the host's memory


def zeros(*shape, dtype=np.float32, requires_grad=False):
    """zeros(2, 3) or zeros((2, 3))."""
    return Tensor(np.zeros(_shape(shape), dtype), requires_grad)


def ones(*shape, dtype=np.float32, requires_grad=False):
    return Tensor(np.ones(_shape(shape), dtype), requires_grad)


def full(shape, value, dtype=np.float32, requires_grad=False):
    return Tensor(np.full(shape, value, dtype), requires_grad)


def arange(start, stop=None, step=1, dtype=None):
    """start, start + step, ... up to but without `stop`; arange(n) counts from 0. int64 for integers, else float32."""
    if stop is None:
        start, stop = 0, start
    if dtype is None:
        dtype = np.float32 if any(isinstance(number, float) for number in (start, stop, step)) else np.int64
    return Tensor(np.arange(start, stop, step).astype(dtype))


def rand(*shape, dtype=np.float32, requires_grad=False):
    """Uniform in [0, 1)."""
    return Tensor(np.asarray(random.generator().random(_shape(shape), np.dtype(dtype))), requires_grad)


def randn(*shape, dtype=np.float32, requires_grad=False):
    """Normal with mean 0 and standard deviation 1."""
    return Tensor(np.asarray(random.generator().standard_normal(_shape(shape), np.dtype(dtype))), requires_grad)


def _shape(shape):
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
