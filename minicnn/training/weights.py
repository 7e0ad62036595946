"""A trained network in one file: its weights, and what one must know to use them.

A safetensors file: the weights are its arrays, all else is in its metadata.
"""
import pathlib

from minicnn import models
from minicnn.device import to_host
from minicnn.models.classifier import Preprocessing
from minicnn.nn import init
from minicnn.state import safetensors

FILE = "model.safetensors"


def save(model, path):
    """Write the state of a Classifier that has learned something, with what it says of itself as the file's metadata."""
    about = {"name": model.name, "variant": model.variant, "data": model.learned_from, "classes": list(model.classes),
             "preprocessing": model.preprocessing._asdict()}
    safetensors.write(path, {name: to_host(tensor.settle()) for name, tensor in model.state_dict().items()}, minicnn=about)


def load(path):
    """The Classifier that `save` wrote, from the file or from the folder of the run. InputError if it is something else."""
    path = pathlib.Path(path)
    advice = "name the folder of a run, which python -m minicnn.train makes"
    if (path / "config.json").exists():
        advice = f"this run did not get to its end; go on with: python -m minicnn.train --resume {path}"
    about, arrays = safetensors.read_about(path / FILE if path.is_dir() else path, "minicnn", advice)
    with init.skipped():
        model = models.get(about["name"], variant=about["variant"], num_classes=len(about["classes"]))
    model.load_state_dict(arrays)
    return model.remember(about["data"], about["classes"], Preprocessing.of(about["preprocessing"]))
