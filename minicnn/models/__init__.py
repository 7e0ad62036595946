"""The lecture's networks, one file per paper: models.get("lenet"), models.names()."""
from minicnn.models import lenet
from minicnn.models.summary import summary
from minicnn.registry import Registry

__all__ = ["get", "names", "summary"]

_registry = Registry("model")
_registry.register("lenet")(lenet.build)

names = _registry.names


def get(name, *, variant=None, num_classes=10):
    """A network by its name, freshly initialised from minicnn.random.

    variant      which form of it; None for the default. The model's file says which there are and how they differ
    num_classes  how many scores it gives for an image
    """
    build = _registry.get(name)
    return build(num_classes) if variant is None else build(num_classes, variant)
