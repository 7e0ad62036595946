"""A trained network in one file: its weights, and what one must know to use them.

A safetensors file: the weights are its arrays, all else is in its metadata.
"""
import pathlib
from typing import NamedTuple

from minicnn import models
from minicnn.models.classifier import Preprocessing
from minicnn.nn import Module, init
from minicnn.state import safetensors

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
    safetensors.write(path, {name: tensor.settle() for name, tensor in trained.model.state_dict().items()}, minicnn=about)


def load(path):
    """Read what `save` wrote, from the file or from the folder of the run. InputError if it is something else."""
    path = pathlib.Path(path)
    advice = "name the folder of a run, which python -m minicnn.train makes"
    if (path / "config.json").exists():
        advice = f"this run did not get to its end; go on with: python -m minicnn.train --resume {path}"
    about, arrays = safetensors.read_about(path / FILE if path.is_dir() else path, "minicnn", advice)
    with init.skipped():
        model = models.get(about["name"], variant=about["variant"], num_classes=len(about["classes"]))
    model.load_state_dict(arrays)
    model.classes, model.preprocessing = tuple(about["classes"]), Preprocessing.of(about["preprocessing"])
    return Trained(model, about["name"], about["variant"], about["data"], model.classes, model.preprocessing)


def published(name):
    """A network that others have trained on ImageNet, by its name: the one that ships, or one that is downloaded."""
    model = models.get(name, weights="imagenet")
    return Trained(model, name, model.variant, "imagenet", model.classes, model.preprocessing)

