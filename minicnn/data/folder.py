"""Photographs of one's own, in folders: one for each class, as ILSVRC is laid out."""
import copy
import os
import pathlib

import numpy as np

from minicnn.data import photographs
from minicnn.data.dataset import Dataset, choose
from minicnn.errors import InputError

EXTENSIONS = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}   # in small or capital letters
_HELD_OUT = 10   # one image in so many is for testing where no folder says which


class Folder(Dataset):
    """Labelled photographs that are read when they are asked for.

    files   their paths (N,), str
    labels  int64 (N,)
    name    "folder:PATH", as data.get takes it

    Mean and standard deviation are ImageNet's.
    """

    image_shape = None
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

    def __init__(self, files, labels, classes, name):
        self.files, self.labels, self.classes, self.name = files, labels, classes, name

    def photo(self, index, least=None):
        return photographs.read(self.files[index], least)

    def image(self, index):
        return photographs.pixels(self.photo(index))

    def batch(self, indices, crop=None, generator=None):
        return super().batch(indices, crop or _whole, generator)

    def subset(self, indices):
        part = copy.copy(self)
        part.files, part.labels = self.files[indices], self.labels[indices]
        return part


def get(path, train=True, classes=None):
    """The training or the test images of a folder.

    classes  names of the classes to have; None for all

    If it has PATH/train/CLASS/*.jpg and PATH/val/CLASS/*.jpg, these are they. If it has PATH/CLASS/*.jpg, every tenth image of a
    class, by the order of their names, is held out for testing: always the same ones.
    """
    if not str(path):
        raise InputError("no folder is named: write its path after the colon, folder:PATH")
    path = pathlib.Path(path).expanduser()
    found = _folders(path)
    if "train" in found and "val" in found:
        chosen = _same_classes(path / "train", path / "val", classes)
        return _read(path / ("train" if train else "val"), chosen, f"folder:{path}")
    if found and set(found) <= {"train", "val", "test"}:
        missing = "val" if "train" in found else "train"
        raise InputError(f"{path} has a folder {found[-1]}, but no folder {missing} beside it, with the same classes")
    dataset = everything(path, classes)
    number = np.arange(len(dataset)) - np.searchsorted(dataset.labels, dataset.labels)   # of an image in its class
    held_out = number % _HELD_OUT == 0
    too_few = np.flatnonzero(np.bincount(dataset.labels) < 2)
    if too_few.size:
        raise InputError(f"{path / dataset.classes[too_few[0]]} has one image only, and one is needed to test: put more there")
    part = dataset.subset(np.flatnonzero(~held_out if train else held_out))
    part.remark = "; every tenth image is held out for the test"
    return part


def everything(path, classes=None):
    """All images of PATH/CLASS/*.jpg, class by class. Other files, hidden ones, and folders inside a class's are passed over."""
    path = pathlib.Path(path).expanduser()
    known = _folders(path)
    if not known:
        raise InputError(f"{path} has no folders in it: put the photographs of each class into one of its own, "
                         f"{path / 'cat' / '1.jpg'} and so on")
    name = f"folder:{path}"
    return _read(path, choose(known, known if classes is None else classes, name), name)


def _same_classes(train, test, classes):
    """The chosen classes, which both folders must have."""
    known, tested = _folders(train), _folders(test)
    chosen = choose(known, known if classes is None else classes, train)
    for name in chosen:
        if name not in tested:
            raise InputError(f"{test} has no folder {name}, which {train} has: a class needs images in both")
    if classes is None and len(tested) > len(known):
        strange = min(set(tested) - set(known))
        raise InputError(f"{train} has no folder {strange}, which {test} has: a class needs images in both")
    return chosen


def _read(path, classes, name):
    files, labels = [], []
    for label, each in enumerate(classes):
        some = _entries(path / each, lambda entry: os.path.splitext(entry.name)[1].lower() in EXTENSIONS and entry.is_file())
        if not some:
            raise InputError(f"{path / each} has no images in it: put some there, or remove the folder")
        files += [os.path.join(path, each, file) for file in some]
        labels += len(some) * [label]
    return Folder(np.array(files, object), np.array(labels, np.int64), classes, name)


def _folders(path):
    return tuple(_entries(path, os.DirEntry.is_dir))


def _entries(path, wanted):
    """Sorted names of what is in a folder, not hidden and wanted."""
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in entries if not entry.name.startswith(".") and wanted(entry))
    except FileNotFoundError:
        raise InputError(f"there is no folder {path}") from None
    except NotADirectoryError:
        raise InputError(f"{path} is a file, not a folder with a folder of photographs for each class") from None
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from None


def _whole(photo, generator):
    return photo
