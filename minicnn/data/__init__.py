"""Data sets, what is done to their images, and the loader that hands them out in batches."""
from minicnn.data import photographs, transforms
from minicnn.data.dataset import Dataset
from minicnn.data.loader import DataLoader
from minicnn.data.mnist import MNIST, FashionMNIST
from minicnn.registry import Registry

__all__ = ["DataLoader", "Dataset", "FashionMNIST", "MNIST", "get", "names", "photographs", "transforms"]

_registry = Registry("data set")
for _dataset in (MNIST, FashionMNIST):
    _registry.register(_dataset.name)(_dataset)

names = _registry.names


def get(name, train=True):
    """The training or the test images of a data set, by its name: get("mnist", train=False)."""
    return _registry.get(name)(train)
