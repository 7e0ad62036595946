"""Files that a network's state is kept in: .safetensors, which is ours, and PyTorch's .pth, which is only read."""
import pathlib

from minicnn.device import to_host
from minicnn.errors import InputError
from minicnn.tensor import Tensor

__all__ = ["load", "save"]


def load(path):
    """What a .safetensors or .pth file holds, told apart by its contents: as a rule a dictionary of NumPy arrays by name.

    A .pth file may hold other plain containers, and numbers and text in them; they come as they are. Nothing in a file is executed.
    Numbers of 16 bits come as float32, which holds them exactly. InputError if the file is none of these, or is damaged.
    """
    return read(path)[1]


def read(path):
    """As `load`, with what a .safetensors file says of itself, text by name, before it: (metadata, contents)."""
    from minicnn.state import pth, safetensors

    path = pathlib.Path(path)
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            beginning = file.read(64)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; name a .safetensors or .pth file") from None
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); name a .safetensors or .pth file") from None
    if safetensors.begins(beginning, size):
        return safetensors.read(path)
    if pth.begins(beginning):
        return {}, pth.read(path)
    if not size:
        what = "is empty"
    elif beginning.lstrip().lower().startswith((b"<!doctype", b"<html")):
        what = "is a web page, which a download sometimes gives instead of the file"
    else:
        what = "is neither a .safetensors nor a .pth file, or is cut off at its beginning"
    raise InputError(f"{path} {what}; get it again, or name another")


def save(state_dict, path):
    """Write a state dict, Tensors or arrays by name, as a .safetensors file, which PyTorch's users read with safetensors.torch.

    RunError if it cannot be written.
    """
    from minicnn.state import safetensors

    path = pathlib.Path(path)
    if path.suffix in (".pth", ".pt"):
        raise InputError(f"{path}: minicnn writes .safetensors files; call it {path.with_suffix('.safetensors').name}")
    arrays = {name: to_host(value.settle() if isinstance(value, Tensor) else value) for name, value in state_dict.items()}
    safetensors.write(path, arrays)
