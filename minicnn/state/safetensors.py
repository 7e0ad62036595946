"""Files of safetensors (https://huggingface.co/docs/safetensors): arrays by name, and text by name as metadata.

Eight bytes say how long the header is; the header is JSON and says of each array its type, its shape and where in the rest it lies.
"""
import json

import numpy as np

from minicnn.errors import InputError
from minicnn.files import replacing

_KINDS = ("F64", "F32", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL")   # that come as they are
_DAMAGED = "it is damaged or something else: name another, or get it again"


def begins(beginning, size):
    """Can a file of `size` bytes that begins with these be one of safetensors?"""
    return beginning[8:9] == b"{" and int.from_bytes(beginning[:8], "little") <= size - 8


def write(path, arrays, **about):
    """A file with arrays by name, and what JSON can hold by name in its metadata. InputError if something is no array."""
    from safetensors.numpy import save

    for name, array in arrays.items():
        if not isinstance(name, str) or not isinstance(array, np.ndarray):
            raise InputError(f"only arrays with names can be saved, and {name!r} is a {type(array).__name__}: save model.state_dict(), "
                             "or a dictionary of that form")
    contents = save({name: np.require(array, requirements="C") for name, array in arrays.items()},
                    {key: json.dumps(value) for key, value in about.items()} or None)
    with replacing(path) as partial:
        partial.write_bytes(contents)   # save_file of safetensors lets nobody else read the file, and its errors are no OSErrors


def read(path, advice=_DAMAGED):
    """The file's metadata, text by name, and its arrays by name; halves (float16, bfloat16) as float32.

    advice  what the InputError tells somebody to do whose file cannot be read
    """
    from safetensors import SafetensorError, safe_open

    arrays = {}
    try:
        with safe_open(path, "numpy") as file:
            about = file.metadata() or {}
            for name in file.keys():
                kind = file.get_slice(name).get_dtype()
                if kind == "BF16":
                    arrays[name] = _bfloat16(path, name)
                elif kind == "F16":
                    arrays[name] = file.get_tensor(name).astype(np.float32)
                elif kind in _KINDS:
                    arrays[name] = file.get_tensor(name)
                else:
                    raise InputError(f"{path} keeps {name} in numbers of a kind ({kind}) that minicnn does not know; save it in float32")
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} cannot be read as a safetensors file ({error}); {advice}") from None
    return about, arrays


def read_about(path, key, advice):
    """What `write` was given under `key`, and the arrays by name. InputError with `advice` if the file is not one of these."""
    if not path.exists():
        raise InputError(f"{path} does not exist; {advice}")
    about, arrays = read(path, advice)
    try:
        return json.loads(about[key]), arrays
    except (KeyError, ValueError):
        raise InputError(f"{path} was not written by minicnn for this purpose; {advice}") from None


def _bfloat16(path, name):
    """One array of bfloat16, the upper halves of float32, which NumPy does not have. safe_open has found the header right."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(length))[name]
        first, end = entry["data_offsets"]
        file.seek(8 + length + first)
        halves = np.frombuffer(file.read(end - first), "<u2")
    return from_bfloat16(halves).reshape(entry["shape"])


def from_bfloat16(halves):
    """Bit patterns (N,) of bfloat16 -> float32 (N,)."""
    return (halves.astype(np.uint32) << 16).view(np.float32)
