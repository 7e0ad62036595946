"""Data sets, what is done to their images, and the loader that hands them out in batches."""
from minicnn.data import folder, photographs, transforms
from minicnn.data.cifar import CIFAR10, CIFAR100
from minicnn.data.dataset import Dataset
from minicnn.data.folder import Folder
from minicnn.data.loader import DataLoader
from minicnn.data.mnist import MNIST, FashionMNIST
from minicnn.data.shapes import Shapes
from minicnn.registry import Registry

__all__ = ["CIFAR10", "CIFAR100", "DataLoader", "Dataset", "FashionMNIST", "Folder", "MNIST", "Shapes", "get", "names", "photographs",
           "transforms"]

_registry = Registry("data set")
for _dataset in (MNIST, FashionMNIST, CIFAR10, CIFAR100, Shapes):
    _registry.register(_dataset.name)(_dataset)
_registry.register("folder:PATH")(folder.get)   # so that it is listed: `get` itself knows what begins so

names = _registry.names


def get(spec, train=True, classes=None):
    """The training or the test images of a data set.

    spec     its name, for example "mnist", or "folder:PATH" for photographs in a folder for each class (see minicnn.data.folder)
    classes  names of the classes to have; None for all
    """
    if spec.startswith("folder:"):
        return folder.get(spec.removeprefix("folder:"), train, classes)
    dataset = _registry.get(spec)(train)
    return dataset if classes is None else dataset.only(classes)
