"""Weights for the networks: published ones, with what they expect of an image, and those from a file.

The published ones are torchvision's (https://github.com/pytorch/vision, by the PyTorch team, BSD 3-Clause), trained on ImageNet's 1.28
million training images with a plain recipe, the "IMAGENET1K_V1" of its documentation, which also gives the accuracies: of one crop from the
centre of each of the 50,000 validation images. SqueezeNet's in its own form ship with the package.
"""
import json
import pathlib
from typing import NamedTuple

import numpy as np

from minicnn import state
from minicnn.errors import InputError
from minicnn.models.classifier import Preprocessing

_PLACES = ("https://download.pytorch.org/models/", "https://download-r2.pytorch.org/models/", "https://s3.amazonaws.com/pytorch/models/")


class Published(NamedTuple):
    """A file that torchvision's authors have published. Its name ends with the beginning of its SHA-256."""

    file: str
    top1: float   # per cent of the validation images that the network names right,
    top5: float   # and with one of five guesses
    mean: tuple = (0.485, 0.456, 0.406)
    std: tuple = (0.229, 0.224, 0.225)
    resize: int = 256

    @property
    def addresses(self):
        return [place + self.file for place in _PLACES]

    @property
    def checksum(self):
        return "sha256:" + pathlib.Path(self.file).stem.rpartition("-")[2]


# For the variants whose names begin with "torchvision". torchvision's GoogLeNet takes images normalised like those of the others and
# normalises them anew, because its weights come from TensorFlow: (p - mean) / std * (std / 0.5) + (mean - 0.5) / 0.5 = (p - 0.5) / 0.5.
PUBLISHED = {
    "alexnet": Published("alexnet-owt-7be5be79.pth", 56.522, 79.066),
    "googlenet": Published("googlenet-1378be20.pth", 69.778, 89.530, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    "resnet18": Published("resnet18-f37072fd.pth", 69.758, 89.078),
    "resnet34": Published("resnet34-b627a593.pth", 73.314, 91.420),
    "resnet50": Published("resnet50-0676ba61.pth", 76.130, 92.862),
    "resnet101": Published("resnet101-63fe2227.pth", 77.374, 93.546),
    "resnet152": Published("resnet152-394f9c45.pth", 78.312, 94.046),
    "squeezenet": Published("squeezenet1_1-b8a52dc0.pth", 58.178, 80.624),
    "vgg11": Published("vgg11-8a719046.pth", 69.020, 88.628),
    "vgg11_bn": Published("vgg11_bn-6002323d.pth", 70.370, 89.810),
    "vgg13": Published("vgg13-19584684.pth", 69.928, 89.246),
    "vgg13_bn": Published("vgg13_bn-abd245e5.pth", 71.586, 90.374),
    "vgg16": Published("vgg16-397923af.pth", 71.592, 90.382),
    "vgg16_bn": Published("vgg16_bn-6c64b313.pth", 73.360, 91.516),
    "vgg19": Published("vgg19-dcbb9e9d.pth", 72.376, 90.876),
    "vgg19_bn": Published("vgg19_bn-c79401a0.pth", 74.218, 91.842),
}


def load_into(model, weights):
    """Give a network of models.get weights, and `classes` and `preprocessing` if these come with them.

    weights  "imagenet": published ones, downloaded when they are first asked for. Or the path of a file: what minicnn.train wrote (or
             the folder of its run), or a state dict in a .safetensors or .pth file, which says nothing of classes and preprocessing

    InputError if the weights are for another network or number of classes, and RunError if they cannot be downloaded.
    """
    if weights == "imagenet":
        _load_published(model)
        return
    path = pathlib.Path(weights)
    if not path.exists():
        raise InputError(f"there are no weights {str(weights)!r}: they can be 'imagenet', or the path of a .safetensors or .pth file")
    _load_file(model, path / "model.safetensors" if path.is_dir() else path)


def _load_published(model):
    from minicnn.models import imagenet, squeezenet

    embedded = (model.name, model.variant) == ("squeezenet", "padded")
    if not embedded and model.name not in PUBLISHED:
        raise InputError(f"there are no published weights for {model.name}; there are some for {', '.join(PUBLISHED)}")
    if not embedded and not model.variant.startswith("torchvision"):
        raise InputError(f"the published weights of {model.name} are for its variant 'torchvision', not for {model.variant!r}")
    names = imagenet.names()
    if model.num_classes != len(names):
        raise InputError(f"the published weights of {model.name} tell the {len(names)} classes of ImageNet apart, so their last layer does "
                         f"not fit {model.num_classes} classes: take the network with {len(names)}, and replace its last layer afterwards")
    if embedded:
        _load_file(model, squeezenet.EMBEDDED)
        return
    published = PUBLISHED[model.name]
    path = fetch(published)
    try:
        _load_state(model, state.load(path), path)
    except InputError as problem:
        raise InputError(f"{problem}. It lies in the cache: if it is deleted, it is downloaded again") from None
    model.remember("imagenet", names, Preprocessing(model.input_shape[1:], published.mean, published.std, published.resize))


def fetch(published):
    """The path of a Published file, which is downloaded if it is not there."""
    from minicnn.data import download   # brings urllib and ssl

    return download.fetch(published.addresses, download.folder("weights") / published.file, published.checksum)


def _load_file(model, path):
    """As load_into, from a file."""
    about, contents = state.read(path)
    if "minicnn" not in about:
        _load_state(model, contents, path)
        return
    try:
        about = json.loads(about["minicnn"])
        name, variant, learned_from = about["name"], about["variant"] or model.variant, about["data"]
        classes = tuple(about["classes"])
        same = (name, variant.removesuffix("-trunk")) == (model.name, model.variant.removesuffix("-trunk"))   # GoogLeNet's
        preprocessing = Preprocessing.of(about["preprocessing"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InputError(f"what {path} says of itself makes no sense; name another, or get it again") from None
    if not same or len(classes) != model.num_classes:
        raise InputError(f"{path} holds the weights of {name} (variant {variant!r}, {len(classes)} classes), not of {model.name} (variant "
                         f"{model.variant!r}, {model.num_classes} classes): ask for that network")
    _load_state(model, contents, path)
    model.remember(learned_from, classes, preprocessing)


def _load_state(model, contents, path):
    """Load what a file holds: a state dict, as it is or as people wrap it."""
    for wrapping in ("state_dict", "model"):
        if isinstance(contents, dict) and isinstance(contents.get(wrapping), dict):
            contents = contents[wrapping]
    if not isinstance(contents, dict) or not all(isinstance(name, str) and isinstance(contents[name], np.ndarray) for name in contents):
        raise InputError(f"{path} holds no state dict, arrays by name, neither as it is nor as 'state_dict' or 'model'; see what it does "
                         "hold with mc.load")
    if all(name.startswith("module.") for name in contents):   # PyTorch's DataParallel has wrapped the network
        contents = {name.removeprefix("module."): array for name, array in contents.items()}
    counters = {name: tensor for name, tensor in model.state_dict().items() if name.endswith("num_batches_tracked")}
    try:
        model.load_state_dict(counters | contents)   # PyTorch did not count batches before 0.4.1; only training goes by their number
    except InputError as problem:
        raise InputError(f"{path} does not fit {model.name}: {problem}") from None
