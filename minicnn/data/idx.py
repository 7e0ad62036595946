"""Reader of IDX, the format MNIST came in.

An IDX file is two zero bytes, a byte for the element type, a byte for the number of axes, one big-endian 32-bit size per
axis, and the elements, row by row, big-endian too. http://yann.lecun.com/exdb/mnist/ described it.
"""
import gzip
import hashlib
import math
import pathlib
import struct
import zlib

import numpy as np

from minicnn.errors import InputError

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read(path, sha256=None):
    """The array in an IDX file, compressed with gzip or not.

    sha256  digest that the file, unpacked, must have, in hexadecimal

    InputError, naming the file and what is wrong with it, if it is missing, of another kind, truncated or corrupted.
    """
    path = pathlib.Path(path)
    try:
        with _open(path) as file:
            return _read(file, sha256)
    except _Damage as problem:
        raise InputError(f"{path} {problem}") from None
    except EOFError:
        raise InputError(f"{path} is truncated: it ends before its compressed data do") from None
    except (gzip.BadGzipFile, zlib.error) as problem:
        raise InputError(f"{path} is corrupted: {problem}") from None
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from None


class _Damage(Exception):
    """What is wrong with a file, to be said after its name."""


def _open(path):
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if compressed else path.open("rb")


def _read(file, sha256):
    kind = file.read(4)
    if len(kind) < 4 or kind[:2] != b"\0\0" or kind[2] not in _TYPES:
        raise _Damage("is not an IDX file")
    type_code, axes = kind[2:]
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise _Damage("is truncated: it ends inside its header")
    shape = struct.unpack(f">{axes}I", sizes)
    dtype = np.dtype(_TYPES[type_code])
    expected = math.prod(shape) * dtype.itemsize
    try:
        array = np.empty(shape, dtype)
    except (MemoryError, ValueError):
        raise _Damage(f"is corrupted: its header promises {expected:,} bytes") from None
    # Straight into the array: the images are never in memory twice.
    found = file.readinto(array.reshape(-1).view(np.uint8).data)
    if found < expected:
        raise _Damage(f"is truncated: {found:,} of {expected:,} bytes are there")
    if file.read(1):   # gzip compares its checksum when it meets the end, so this reads up to it
        raise _Damage(f"is corrupted: more follows its {expected:,} bytes")
    if sha256:
        digest = hashlib.sha256(kind + sizes)
        digest.update(array)
        if digest.hexdigest() != sha256:
            raise _Damage(f"is not what it should be: the SHA-256 of its contents is not {sha256}")
    return array.astype(dtype.newbyteorder("="), copy=False)
