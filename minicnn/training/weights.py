"""A trained network in one file: its weights, and what one must know to use them.

The file is one of safetensors (https://huggingface.co/docs/safetensors): arrays by name, and text by name as metadata.
"""
import json
import pathlib
from typing import NamedTuple

from minicnn import models
from minicnn.errors import InputError
from minicnn.files import replacing
from minicnn.models.classifier import Preprocessing
from minicnn.nn import Module

FILE = "model.safetensors"


class Trained(NamedTuple):
    """A network with what its data set told it."""

    model: Module
    name: str                      # as models.get takes it
    variant: str | None
    data: str                      # as data.get takes it
    classes: tuple                 # their names
    preprocessing: Preprocessing


def save(trained, path):
    """Write the network's state, with all else as the file's metadata."""
    about = {"name": trained.name, "variant": trained.variant, "data": trained.data, "classes": list(trained.classes),
             "preprocessing": trained.preprocessing._asdict()}
    write(path, {name: tensor.settle() for name, tensor in trained.model.state_dict().items()}, "minicnn", about)


def load(path):
    """Read what `save` wrote, from the file or from the folder of the run. InputError if it is something else."""
    path = pathlib.Path(path)
    advice = "name the folder of a run, which python -m minicnn.train makes"
    if (path / "config.json").exists():
        advice = f"this run did not get to its end; go on with: python -m minicnn.train --resume {path}"
    about, arrays = read(path / FILE if path.is_dir() else path, "minicnn", advice)
    model = models.get(about["name"], variant=about["variant"], num_classes=len(about["classes"]))
    model.load_state_dict(arrays)
    preprocessing = Preprocessing(**{name: tuple(value) if isinstance(value, list) else value
                                     for name, value in about["preprocessing"].items()})
    return Trained(model, about["name"], about["variant"], about["data"], tuple(about["classes"]), preprocessing)


def write(path, arrays, key, about):
    """A safetensors file with arrays by name, and with `about`, which JSON can hold, under `key` in its metadata."""
    from safetensors.numpy import save

    contents = save(arrays, {key: json.dumps(about)})
    with replacing(path) as partial:
        partial.write_bytes(contents)   # save_file of safetensors lets nobody else read the file, and its errors are no OSErrors


def read(path, key, advice):
    """The JSON under `key` in the file's metadata, and all its arrays by name. InputError if that is not to be had."""
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        raise InputError(f"{path} does not exist; {advice}")
    try:
        with safe_open(path, "numpy") as file:
            about = (file.metadata() or {}).get(key)
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} cannot be read as a safetensors file ({error}); {advice}") from None
    if about is None:
        raise InputError(f"{path} was not written by minicnn for this purpose; {advice}")
    return json.loads(about), arrays
