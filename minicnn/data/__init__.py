"""Data sets, what is done to their images, and the loader that hands them out in batches."""
from minicnn.data import photographs, transforms
from minicnn.data.cifar import CIFAR10, CIFAR100
from minicnn.data.dataset import Dataset
from minicnn.data.loader import DataLoader
from minicnn.data.mnist import MNIST, FashionMNIST
from minicnn.registry import Registry

__all__ = ["CIFAR10", "CIFAR100", "DataLoader", "Dataset", "FashionMNIST", "MNIST", "get", "names", "photographs", "transforms"]

_registry = Registry("data set")
for _dataset in (MNIST, FashionMNIST, CIFAR10, CIFAR100):
    _registry.register(_dataset.name)(_dataset)

names = _registry.names


def get(spec, train=True, classes=None):
    """The training or the test images of a data set.

    spec     its name, for example "mnist"
    classes  names of the classes to have; None for all
    """
    dataset = _registry.get(spec)(train)
    return dataset if classes is None else dataset.only(classes)
