"""Numbers as a kernel sees them, and what an array makes of those that it is given.

    float32, float64   NumPy's scalars, so arithmetic rounds as it does on the GPU
    integers           Python's: Numba computes with 64 bits, whatever the width of the operands, and so does the kernel on the GPU;
                       widths matter where a number is converted or stored, and there the bits are cut off, as on the GPU
    uint64             NumPy's scalars, which wrap around
    bool               Python's

`Garbage` stands for what a register holds that nobody has set.
"""
import functools
import math
import operator

import numba
import numpy as np

from .errors import Uninitialised, WrongValue


def dtype_of(kind):
    """numpy.dtype of a type as it is named in a kernel: one of Numba's, of NumPy's, or what stands for one (type_in_kernel)."""
    if isinstance(kind, DType):
        return kind.dtype
    if isinstance(kind, numba.types.Type):
        from numba.np.numpy_support import as_dtype
        return np.dtype(as_dtype(kind))
    return np.dtype(getattr(kind, "cast_to", kind))


def integer_cast(dtype):
    """To an integer of that width: what is too large loses its upper bits."""
    full = 1 << 8 * dtype.itemsize
    low, high = (-(full >> 1), full >> 1) if dtype.kind == "i" else (0, full)

    def cast(value):
        if value.__class__ is not int:
            value = _whole(value, dtype)
        return value if low <= value < high else (value - low) % full + low

    def cast_64(value):
        return np.uint64(cast(value))
    return cast_64 if dtype == np.uint64 else cast


def type_in_kernel(dtype):
    """What the name of a type means in a kernel: called, it converts."""
    if dtype.kind == "f":
        return dtype.type
    cast = cast_to(dtype)
    cast.cast_to = dtype
    return cast


def _whole(value, dtype):
    """A number without its fraction, as an integer."""
    if isinstance(value, Garbage):
        return value.use()
    if isinstance(value, (float, np.floating)) and not math.isfinite(value):
        raise WrongValue(f"{value} has no value as {dtype}")
    if isinstance(value, (bool, int, float, np.generic)):
        return int(value)
    raise WrongValue(f"{_described(value)} is no number of type {dtype}")


def float_cast(dtype):
    """To a floating-point number of that precision."""
    kind = dtype.type

    def cast(value):
        if isinstance(value, (bool, int, float, np.generic)):
            return kind(value)
        if isinstance(value, Garbage):
            return value.use()
        raise WrongValue(f"{_described(value)} is no number of type {dtype}")
    return cast


def _bool_cast(value):
    return bool(value)


@functools.cache
def cast_to(dtype):
    """The function that converts a number to that type."""
    return _bool_cast if dtype.kind == "b" else float_cast(dtype) if dtype.kind == "f" else integer_cast(dtype)


def _described(value):
    return "None" if value is None else f"a value of type {type(value).__name__}"


class DType:
    """`x.dtype` in a kernel: `x.dtype.type(0)` is a zero of the array's type."""

    def __init__(self, dtype):
        self.dtype, self.type, self.itemsize, self.kind = dtype, type_in_kernel(dtype), dtype.itemsize, dtype.kind

    def __eq__(self, other):
        return self.dtype == dtype_of(other)

    def __hash__(self):
        return hash(self.dtype)

    def __str__(self):
        return str(self.dtype)


class Garbage:
    """What nobody has set: one may compute with it, but not store it, decide by it, or use it as an index."""

    __slots__ = ("origin",)
    __array_ufunc__ = None   # NumPy's scalars leave arithmetic with it to the methods here

    def __init__(self, origin):
        self.origin = origin

    def use(self, *_):
        raise Uninitialised(f"uses {self.origin}")

    __bool__ = __int__ = __float__ = __index__ = use
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = use
    __hash__ = None

    def _computed(self, *_):
        return self

    for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift"):
        locals()[f"__{_name}__"] = locals()[f"__r{_name}__"] = _computed
    __neg__ = __pos__ = __abs__ = __invert__ = _computed
    del _name


def as_index(value):
    """An index as a Python integer; a TypeError where it is none."""
    return operator.index(value)


def argument(value):
    """What a kernel gets of a number it is launched with."""
    if isinstance(value, float) and not isinstance(value, np.generic):
        return np.float32(value)
    if isinstance(value, np.uint64) or not isinstance(value, np.generic):
        return value
    return value if value.dtype.kind == "f" else value.item()
