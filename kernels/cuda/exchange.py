"""Arrays of other libraries, CuPy's and PyTorch's, and ours in theirs, without a copy.

Two ways are in use. `__cuda_array_interface__` (version 3) is a dictionary: address, shape, strides, type, and the stream on which the
numbers come to be. DLPack is a structure in C, handed over in a capsule; whoever takes it calls its deleter when done. In both, the one
who gives lets the other's stream wait for its own.

https://numba.readthedocs.io/en/stable/cuda/cuda_array_interface.html, https://dmlc.github.io/dlpack/latest/
"""
import ctypes

import numpy as np

from .array import DeviceArray

CUDA = 2   # DLPack's number for a GPU's memory
_CODES = {"i": 0, "u": 1, "f": 2, "b": 6}


class _Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32),
                ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64)]


class _Managed(ctypes.Structure):
    pass


_Deleter = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Managed))
_Managed._fields_ = [("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", _Deleter)]



def _of_python(name, result, *arguments):
    return ctypes.PYFUNCTYPE(result, *arguments)((name, ctypes.pythonapi))


_new = _of_python("PyCapsule_New", ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_pointer = _of_python("PyCapsule_GetPointer", ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
_rename = _of_python("PyCapsule_SetName", ctypes.c_int, ctypes.py_object, ctypes.c_char_p)
# for a capsule that is going, of which there must be no new reference: by its address
_is_valid = _of_python("PyCapsule_IsValid", ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)
_last_pointer = _of_python("PyCapsule_GetPointer", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)
_FRESH, _TAKEN = b"dltensor", b"used_dltensor"

_given = {}   # address of a structure -> what must live as long as it


def interface(array):
    """The `__cuda_array_interface__` of an array on a GPU."""
    stream = array.machine.stream_handle
    return {"shape": array.shape, "strides": None if array.is_contiguous else array.strides, "typestr": array.dtype.str,
            "data": (array.address, False), "version": 3, "stream": stream}


def capsule(array, stream=None):
    """The array for `from_dlpack` of another library, whose stream (a handle; -1 for none) waits for ours."""
    if stream != -1:
        array.machine.let_wait(1 if stream is None else stream)
    shape = (ctypes.c_int64 * max(1, array.ndim))(*array.shape)
    strides = (ctypes.c_int64 * max(1, array.ndim))(*[stride // array.itemsize for stride in array.strides])
    managed = _Managed(_Tensor(array.address, CUDA, 0, array.ndim, _CODES[array.dtype.kind], 8 * array.itemsize, 1, shape, strides, 0),
                       None, _forget)
    _given[ctypes.addressof(managed)] = managed, shape, strides, array
    return _new(ctypes.addressof(managed), _FRESH, ctypes.cast(_drop, ctypes.c_void_p))


@_Deleter
def _forget(managed):
    _given.pop(ctypes.addressof(managed.contents), None)


@ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
def _drop(capsule):
    """The destructor of a capsule: if nobody has taken the array, it is ours again."""
    if _is_valid(capsule, _FRESH):
        _given.pop(_last_pointer(capsule, _FRESH), None)


class _Foreign:
    """Memory that another library lends us: the DLPack structure, until nobody needs it here."""

    def __init__(self, address):
        self.address = address

    def __del__(self):
        managed = ctypes.cast(self.address, ctypes.POINTER(_Managed))
        if managed.contents.deleter:
            managed.contents.deleter(managed)


def adopt(machine, other):
    """A DeviceArray over the memory of another library's array on this GPU: one that has `__dlpack__` or `__cuda_array_interface__`."""
    if hasattr(other, "__dlpack__"):
        return _from_dlpack(machine, other)
    facts = other.__cuda_array_interface__
    stream = facts.get("stream")
    machine.wait_for(1 if stream is None else stream)
    return DeviceArray(machine, other, facts["data"][0], tuple(facts["shape"]), np.dtype(facts["typestr"]), facts.get("strides"))


def _from_dlpack(machine, other):
    kind, _ = other.__dlpack_device__()
    if kind != CUDA:
        raise TypeError(f"from_dlpack: this {type(other).__name__} is not in the memory of a GPU")
    capsule = other.__dlpack__(stream=machine.stream_handle)
    address = _pointer(capsule, _FRESH)
    tensor = ctypes.cast(address, ctypes.POINTER(_Managed)).contents.tensor
    kinds = {number: kind for kind, number in _CODES.items()}
    if tensor.code not in kinds or tensor.lanes != 1:
        raise TypeError(f"from_dlpack: minicnn has no numbers of this type of {type(other).__name__}")
    dtype = np.dtype(f"{kinds[tensor.code]}{tensor.bits // 8}")
    shape = tuple(tensor.shape[axis] for axis in range(tensor.ndim))
    strides = tuple(tensor.strides[axis] * dtype.itemsize for axis in range(tensor.ndim)) if tensor.strides else None
    _rename(capsule, _TAKEN)
    return DeviceArray(machine, _Foreign(address), (tensor.data or 0) + tensor.byte_offset, shape, dtype, strides)
