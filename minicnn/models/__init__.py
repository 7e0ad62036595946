"""The lecture's networks, one file per paper: models.get("resnet50"), models.names()."""
import contextlib

from minicnn.errors import InputError
from minicnn.models import alexnet, googlenet, lenet, resnet, resnet_cifar, squeezenet, vgg, zfnet
from minicnn.models.summary import summary
from minicnn.nn import init
from minicnn.registry import Registry

__all__ = ["get", "names", "summary"]

_registry = Registry("model")
for _family in (lenet, alexnet, zfnet, vgg, googlenet, resnet, resnet_cifar, squeezenet):
    for _name, _network in _family.NETWORKS.items():
        _registry.register(_name)(_network)

names = _registry.names


def get(name, *, variant=None, num_classes=None, weights=None):
    """A network by its name, freshly initialised from minicnn.random unless it gets weights.

    variant      which form of it; None for the default. The model's file says which there are and how they differ
    num_classes  how many scores it gives for an image; None for as many as in its paper
    weights      "imagenet" for published ones, or the path of a file with some (see published.py); the model's `classes` and
                 `preprocessing` come with them
    """
    network = _registry.get(name)
    variant = variant or network.variants[0]
    if variant not in network.variants:
        known = " and ".join(filter(None, [", ".join(map(repr, network.variants[:-1])), repr(network.variants[-1])]))
        raise InputError(f"{name} has no variant {variant!r}; it has {known}")
    num_classes = network.num_classes if num_classes is None else num_classes
    if num_classes < 1:
        raise InputError(f"{name} cannot have {num_classes} classes: choose 1 or more")
    with contextlib.nullcontext() if weights is None else init.skipped():
        model = network.build(variant, num_classes)
    model.name, model.variant, model.num_classes = name, variant, num_classes
    if weights is not None:
        from minicnn.models import published

        published.load_into(model, weights)
    return model
