"""Local arrays: the registers of one thread, so there is nobody to race with, and speed is what counts.

Such an array is a dictionary from index to number. What is not there has not been written, and is no place of the array; so a read
costs no more than in a dictionary, and is checked. A write to `QuickLocal` is not even looked at: when the thread ends, the
numbers in it must be of the array's type and at its places. If not, the launch is run once more with `CarefulLocal`, which converts
what it is given, as the GPU does, and finds the line where an index is wrong.
"""
import functools
import itertools

from .errors import NotSimulated, OutOfRange, Uninitialised
from .values import DType, Garbage, as_index, cast_to


class NotAsExpected(Exception):
    """Once more, with care."""


class QuickLocal(dict):
    __slots__ = ("dtype", "name", "shape")

    def __init__(self, name, shape, dtype):
        self.name, self.shape, self.dtype = name, shape, dtype

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: len(indices_of(self.shape)))

    def __len__(self):
        return self.shape[0]

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    def __missing__(self, index):
        self._check(index, "reads")
        raise Uninitialised(f"reads {self.name}[{_listed(index)}], which the thread has not written; its shape is {self.shape}")

    def _check(self, index, doing):
        """Is that an index of the array?"""
        indices = index if isinstance(index, tuple) else (index,)
        for one in indices:
            if isinstance(one, Garbage):
                one.use()
            try:
                as_index(one)
            except TypeError:
                raise OutOfRange(f"{doing} {self.name}[{_listed(index)}], and an index is a whole number") from None
        if len(indices) < len(self.shape):
            raise NotSimulated(f"takes a part of the local array {self.name}: use its numbers one by one")
        if index not in indices_of(self.shape):
            raise OutOfRange(f"{doing} {self.name}[{_listed(index)}], but the shape of {self.name} is {self.shape}")

    def is_as_expected(self):
        """Has only been written what would have been accepted?"""
        if self.__class__ is CarefulLocal:
            return True
        return set(map(type, self.values())) <= {self.dtype.dtype.type, Garbage} and self.keys() <= indices_of(self.shape)


class CarefulLocal(QuickLocal):
    __slots__ = ("cast",)

    def __init__(self, name, shape, dtype):
        super().__init__(name, shape, dtype)
        self.cast = cast_to(dtype.dtype)

    def __setitem__(self, index, value):
        if index not in self:
            self._check(index, "writes")
        super().__setitem__(index, value if value.__class__ is Garbage else self.cast(value))


@functools.lru_cache(256)
def indices_of(shape):
    """All indices of an array of that shape."""
    return frozenset(range(shape[0]) if len(shape) == 1 else itertools.product(*map(range, shape)))


def local_array(name, shape, dtype, careful):
    quick = dtype.kind == "f" and not careful
    return (QuickLocal if quick else CarefulLocal)(name, shape, DType(dtype))


def _listed(index):
    return ", ".join(map(str, index if isinstance(index, tuple) else (index,)))
