"""What the pickles of PyTorch's .pth files may name: storages, plain runs of numbers, and tensors, which are views of them."""
import math
from typing import NamedTuple

import numpy as np

from minicnn.state.pickles import Blank, Damaged, Named, Refused
from minicnn.state.safetensors import from_bfloat16

_PIECE = 1 << 20      # numbers that are read at a time
_REPEATED = 1 << 24   # a tensor may have more numbers than its storage, up to so many: torch.expand makes such tensors, bombs would be


class Kind(NamedTuple):
    """Of numbers: as they lie in the file, and as they are given out, since NumPy or minicnn do not know all."""

    name: str
    stored: str
    given: str


_KINDS = (Kind("Float", "f4", "f4"), Kind("Double", "f8", "f8"), Kind("Half", "f2", "f4"), Kind("BFloat16", "u2", "f4"),
          Kind("Long", "i8", "i8"), Kind("Int", "i4", "i4"), Kind("Short", "i2", "i2"), Kind("Char", "i1", "i1"),
          Kind("Byte", "u1", "u1"), Kind("Bool", "u1", "?"))


class Storage:
    """`count` numbers: allocated when a tensor first names them, so that tensors can be made as views, and filled after the pickle."""

    def __init__(self, kind, numbers):
        self.kind, self.numbers = kind, numbers

    @property
    def bytes(self):
        """How many there are in the file."""
        return len(self.numbers) * np.dtype(self.kind.stored).itemsize

    def fill(self, file, order):
        """Read the numbers from where `file` stands; order is "little" or "big"."""
        stored = np.dtype(self.kind.stored).newbyteorder(order)
        for first in range(0, len(self.numbers), _PIECE):
            piece = self.numbers[first:first + _PIECE]
            contents = file.read(len(piece) * stored.itemsize)
            if len(contents) < len(piece) * stored.itemsize:
                raise Damaged("it ends in the middle of a tensor")
            found = np.frombuffer(contents, stored)
            piece[...] = from_bfloat16(found) if self.kind.name == "BFloat16" else found


class Storages:
    """Those of one file, by key.

    room  bytes of the file: they cannot have more
    """

    def __init__(self, room):
        self.room = room
        self.known = {}

    def find(self, identity):
        """The Storage of the persistent id ("storage", kind, key, device, count), or of one with a view (key, offset, count) at its end."""
        if type(identity) is not tuple or len(identity) not in (5, 6) or identity[0] != "storage":
            if type(identity) is tuple and identity[:1] == ("module",):
                raise Refused("a network as a whole, whose program is not in the file")
            raise Damaged("what is kept outside its pickle is no storage")
        _, kind, key, _, count, *view = identity
        if type(kind) is not Kind or type(key) is not str or not _whole(count):
            raise Damaged("what it says of a storage makes no sense")
        if key not in self.known:
            self.room -= count * np.dtype(kind.stored).itemsize
            if self.room < 0:
                raise Damaged("its tensors claim more than the file holds")
            self.known[key] = Storage(kind, np.empty(count, kind.given))
        storage = self.known[key]
        if storage.kind != kind or len(storage.numbers) != count:
            raise Damaged(f"it says different things of its storage {key[:40]!r}")
        if view and view[0] is not None:
            _, offset, count = view[0]
            if not (_whole(offset) and _whole(count) and offset + count <= len(storage.numbers)):
                raise Damaged(f"it sees more in its storage {key[:40]!r} than there is")
            storage = Storage(kind, storage.numbers[offset:offset + count])
        return storage


def _whole(*numbers):
    """Are these counts of something?"""
    return all(type(number) is int and number >= 0 for number in numbers)


def _tensor(storage, offset, size, stride, requires_grad=False, hooks=None, metadata=None):
    """The numbers storage[offset + sum of index[i] * stride[i]] at each index, as an array of `size` that shares their memory."""
    if (type(storage) is not Storage or type(size) is not tuple or type(stride) is not tuple or len(size) != len(stride)
            or not _whole(offset, *size, *stride)):
        raise Damaged("what it says of a tensor makes no sense")
    if metadata:
        raise Refused("a tensor that is to be conjugated or negated")
    numbers, count = storage.numbers, math.prod(size)
    if not count:
        offset, stride = 0, (0,) * len(size)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride))
    if count and last >= len(numbers):
        raise Damaged("a tensor reaches beyond its storage")
    if count > max(len(numbers), _REPEATED):
        raise Damaged("a tensor claims more numbers than the file holds")
    step_bytes = [step * numbers.itemsize if n > 1 else 0 for n, step in zip(size, stride)]
    return np.ndarray(size, numbers.dtype, numbers, offset * numbers.itemsize, step_bytes)


def _parameter(data, requires_grad=True, hooks=None):
    if type(data) is not np.ndarray:
        raise Damaged("a parameter is no tensor")
    return data


def _early_tensor():
    """A tensor of PyTorch 0.1, which was made empty, and then given (storage, offset, size, stride)."""
    return Blank(lambda state: _tensor(*state))


def _dictionary(pairs=()):
    """collections.OrderedDict: empty, or as Python 2 wrote it, with a list of its pairs."""
    if pairs and type(pairs) is not list:
        raise Damaged("a dictionary of what are no pairs")
    result = dict(pairs)
    if pairs:
        pairs.clear()   # nobody else has it; if somebody had, a small file could make the same large dictionary again and again
    return result


def _size(numbers=()):
    if type(numbers) is not tuple or not _whole(*numbers):
        raise Damaged("a size is no tuple of numbers")
    return numbers


NAMED = {
    "collections.OrderedDict": Named(_dictionary),
    "torch.Size": Named(_size),
    "torch._utils._rebuild_tensor": Named(_tensor),
    "torch._utils._rebuild_tensor_v2": Named(_tensor),
    "torch._utils._rebuild_parameter": Named(_parameter),
    "torch.nn.parameter.Parameter": Named(_parameter),
    # What people do save; here the names would say little.
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor",
    "torch._utils._rebuild_qtensor": "a quantized tensor",
    "torch._utils._rebuild_tensor_v3": "a tensor of a kind of numbers that minicnn does not know",
    "torch.ComplexFloatStorage": "a tensor of complex numbers",
    "torch.ComplexDoubleStorage": "a tensor of complex numbers",
}
for _kind in _KINDS:
    for _package in ("torch", "torch.cuda"):
        NAMED[f"{_package}.{_kind.name}Storage"] = _kind
        NAMED[f"{_package}.{_kind.name}Tensor"] = Named(_early_tensor)
