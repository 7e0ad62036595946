"""PyTorch's .pth files, read without PyTorch, and without doing what their pickles say: see pickles.py.

Such a file is a pickle, whose tensors say where in which storage they lie, and the storages, plain numbers. Since PyTorch 1.6 it is a
zip archive, in which `data.pkl` is the pickle and `data/KEY` a storage, not compressed. Before, it was five pickles one after the
other (a magic number, a version, sizes of C's types, the object, the keys of the storages) and then the storages in that order, each
after the number of its elements.
"""
import io
import mmap
import os
import struct
import zipfile

from minicnn.errors import InputError
from minicnn.state.pickles import Damaged, Refused, read as read_pickle
from minicnn.state.storages import NAMED, Storages

_MAGIC, _VERSION = 0x1950a86a20f9469cfc6c, 1001   # of the older format


def begins(beginning):
    """Can a file that begins with these bytes be a .pth file?"""
    return beginning.startswith((b"PK\x03\x04", b"\x80"))


def read(path):
    """The object that torch.save wrote: arrays in plain containers. InputError if it holds anything else, or is damaged.

    Tensors that shared a storage share memory.
    """
    try:
        with open(path, "rb") as file:
            read_format = _read_zip if file.read(2) == b"PK" else _read_older
            return read_format(file, os.fstat(file.fileno()).st_size)
    except Refused as problem:
        raise InputError(f"{path} is not read, because it asks for {problem}: of a .pth file minicnn takes arrays, numbers, text, and "
                         "lists, tuples and dictionaries of these, and executes nothing. Who has PyTorch and trusts the file can save "
                         "the weights alone: torch.save(model.state_dict(), ...)") from None
    except Damaged as problem:
        raise InputError(f"{path} is no .pth file, or a damaged one ({problem}); get it again, or name another") from None
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror or problem}); get it again, or name another") from None


def _read_zip(file, size):
    try:
        with zipfile.ZipFile(file) as archive:
            return _read_archive(archive, size)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OverflowError, struct.error) as problem:
        raise Damaged(f"its archive: {problem}") from None


def _read_archive(archive, size):
    names = archive.namelist()
    pickles = [name for name in names if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise Damaged("a zip archive without the one data.pkl that torch.save puts there")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
        raise Damaged("its archive is compressed, which torch.save's are not")
    if sum(entry.file_size for entry in archive.infolist()) > size:   # they lie in each other
        raise Damaged("its archive promises more than it holds")
    folder = pickles[0].removesuffix("data.pkl")
    storages = Storages(size)
    value = read_pickle(io.BytesIO(archive.read(pickles[0])), NAMED, storages.find)
    order = archive.read(folder + "byteorder") if folder + "byteorder" in names else b"little"
    if order not in (b"little", b"big"):
        raise Damaged("its byte order is neither little nor big")
    for key, storage in storages.known.items():
        name = f"{folder}data/{key}"
        if name not in names or archive.getinfo(name).file_size != storage.bytes:
            raise Damaged(f"its storage {key[:40]!r} is not there, or not of the size that its tensors say")
        with archive.open(name) as entry:
            storage.fill(entry, order.decode())
    return value


def _read_older(file, size):
    def nothing(_):
        raise Damaged("a tensor where none should be")

    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        for expected in (_MAGIC, _VERSION):
            if read_pickle(mapped, {}, nothing) != expected:
                raise Damaged("a pickle, but not one of torch.save's")
        read_pickle(mapped, {}, nothing)   # sizes of C's types, and a byte order, which is not that of the storages: it is little
        storages = Storages(size)
        value = read_pickle(mapped, NAMED, storages.find)
        keys = read_pickle(mapped, {}, nothing)
        if type(keys) is not list or any(type(key) is not str for key in keys) or sorted(keys) != sorted(storages.known):
            raise Damaged("its storages are not those of its tensors")
        for key in keys:
            storage = storages.known[key]
            if int.from_bytes(mapped.read(8), "little") != len(storage.numbers):
                raise Damaged("a storage is not of the size that its tensors say, or cut off")
            storage.fill(mapped, "little")
        return value
