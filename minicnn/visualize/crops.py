"""Images to search for what a network answers to: pieces of photographs at several scales, or the images of a data set."""
import math
import os
import pathlib
from typing import NamedTuple

import numpy as np

from minicnn.data import folder, photographs
from minicnn.errors import InputError
from minicnn.training import preparation

SCALES = (1, 1.5, 2.25)   # times the size at which a network sees a whole photograph
_LEFT_OUT = 0.25          # of a piece's side, at most: in tests a network sees the middle of a photograph, too


class Crop(NamedTuple):
    """A piece of a photograph, as a network takes it."""

    x: np.ndarray       # (C, H, W), normalised
    source: object      # the photograph that it is from: its path
    box: tuple          # top, left, bottom, right of the piece, as shares of the photograph's sides

    def centre(self, seen):
        """Where in the photograph the middle of a patch (top, left, bottom, right in pixels of x) lies, as shares of its sides."""
        top, left, bottom, right = self.box
        height, width = self.x.shape[1:]
        return top + (bottom - top) * (seen[0] + seen[2]) / 2 / height, left + (right - left) * (seen[1] + seen[3]) / 2 / width


def of_photographs(preprocessing, paths, scales=SCALES):
    """Crops that cover each photograph at each scale, but for narrow strips, one after the other; they overlap as little as they can.

    preprocessing  a models.classifier.Preprocessing: of it come their size and what becomes of their colours
    paths          image files. InputError if one cannot be read
    """
    size, channels = preprocessing.size, len(preprocessing.mean)
    least = preprocessing.resize or min(size)
    for path in paths:
        photo = photographs.read(path)
        for scale in scales:
            scaled = photographs.ScaleShorterSide(max(round(least * scale), *size))(photo, None)
            whole = photographs.pixels(scaled if channels == 3 else scaled.convert("L")).astype(np.float32) / 255
            height, width = whole.shape[1:]
            for top in _starts(height, size[0]):
                for left in _starts(width, size[1]):
                    bottom, right = top + size[0], left + size[1]
                    piece = np.ascontiguousarray(whole[:, top:bottom, left:right])
                    yield Crop(preparation.normalised(preprocessing, piece), path,
                               (top / height, left / width, bottom / height, right / width))


def _starts(length, size):
    """Where along a side pieces begin: evenly from end to end, or one in the middle if that nearly fills it."""
    count = math.ceil(length / size - _LEFT_OUT)
    return [(length - size) // 2] if count == 1 else np.linspace(0, length - size, count).round().astype(int).tolist()


def of_dataset(preprocessing, dataset):
    """The images of a data set, arrays (C, H, W), as the network takes them in tests."""
    for images, _ in preparation.load(dataset, 100, *preparation.for_tests(preprocessing, dataset.image_shape)):
        yield from map(np.copy, images.numpy())   # who keeps one image shall not keep the batch


def files(path):
    """The image files in a folder, by name. InputError if there are none."""
    path = pathlib.Path(path)
    if not path.is_dir():
        raise InputError(f"{path} is not a folder: name one with photographs in it")
    found = sorted(entry for entry in path.iterdir() if os.path.splitext(entry.name)[1].lower() in folder.EXTENSIONS and entry.is_file())
    if not found:
        raise InputError(f"{path} has no images in it: put some there, or choose another folder")
    return found
