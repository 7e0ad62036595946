"""A checkpoint: all that a run needs to go on to the same bits, in one file that is replaced whole."""
import pathlib

import numpy as np

from minicnn import random
from minicnn.device import to_host
from minicnn.errors import InputError, RunError
from minicnn.state import safetensors

FILE = "checkpoint.safetensors"


def save(path, model, optimizer, schedule, average, progress):
    """Write the state of everything that changes while training.

    average   the optim.WeightAverage of the model, or None
    progress  a dictionary that JSON can hold: how far the run is and what it has measured

    Weights that are not finite are not written: the last checkpoint stays the last good one, and RunError says so.
    """
    state = {f"model.{name}": to_host(tensor.settle()) for name, tensor in model.state_dict().items()}
    for name, array in state.items():
        if not np.isfinite(array).all():
            raise RunError(f"training has diverged: after batch {progress['batch']} of epoch {progress['epoch'] + 1}, "
                           f"{name.removeprefix('model.')} holds numbers that are not finite, so this is not saved; "
                           f"{path} holds the last good state. Try a smaller --lr")
    about = {"schedule": schedule.state_dict(), "random": random.get_state(), "progress": progress}
    for part, values in ("optimizer", optimizer.state_dict()), ("average", average.state_dict() if average else {}):
        state |= {f"{part}.{name}": to_host(value) for name, value in values.items() if hasattr(value, "shape")}
        about[part] = {name: value for name, value in values.items() if not hasattr(value, "shape")}
    safetensors.write(path, state, checkpoint=about)


def load(path, model, optimizer, schedule, average):
    """Bring everything to where `save` found it; returns `progress`. InputError if the checkpoint is of something else."""
    path = pathlib.Path(path)
    about, arrays = safetensors.read_about(path, "checkpoint", "--resume takes the folder of a run that was started before")
    parts = {"model": {}, "optimizer": dict(about["optimizer"]), "average": dict(about["average"])}
    for name, array in arrays.items():
        part, _, key = name.partition(".")
        parts[part][key] = array
    try:
        model.load_state_dict(parts["model"])
        optimizer.load_state_dict(parts["optimizer"])
        if average:
            average.load_state_dict(parts["average"])
    except InputError as error:
        raise InputError(f"{path} is the checkpoint of another network: {error}") from None
    schedule.load_state_dict(about["schedule"])
    random.set_state(about["random"])
    return about["progress"]
