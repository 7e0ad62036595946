"""An image file as a network sees it: photographs, or scans and drawings of what the network has learned."""
import pathlib
from typing import NamedTuple

import numpy as np

from minicnn import Tensor
from minicnn.data import own_images, photographs
from minicnn.errors import InputError
from minicnn.training import preparation

_FORMS = {"mnist": own_images.like_mnist, "fashion-mnist": own_images.like_fashion_mnist}   # of networks that do not read photographs
_DRAWN_SIZE = 512   # pixels of a photograph's longer side in pictures


class Seen(NamedTuple):
    """A file's image, and what a network gets of it."""

    path: pathlib.Path
    original: np.ndarray   # (H, W) brightness or (H, W, 3) colours, from 0 to 1: the file's image
    image: np.ndarray      # (C, H, W), from 0 to 1: brought into the form of what the network has learned
    x: Tensor              # (1, C, H, W), normalised, on the network's device


def takes_photographs(model):
    """Does a Classifier see photographs as they are? Others see digits or clothes, brought into the form of their data set."""
    return model.learned_from not in _FORMS


def look(model, path):
    """What a Classifier sees of a file. InputError if that cannot be read or shows nothing."""
    if takes_photographs(model):
        crop, transform = preparation.for_tests(model.preprocessing, None)
        original, image = _photograph(path, crop)
    else:
        original, image = _drawing(path, _FORMS[model.learned_from])
        _, transform = preparation.for_tests(model.preprocessing, image.shape)
    x = np.ascontiguousarray(transform(image[None].copy(), None))
    return Seen(path, original, image, Tensor(x).to(model.parameters()[0].device))


def _drawing(path, form):
    original = own_images.read(path)
    try:
        return original, form(original)
    except InputError as problem:
        raise InputError(f"{path}: {problem}") from None


def _photograph(path, crop):
    photo = photographs.read(path, crop.least)
    image = photographs.pixels(crop(photo, None)).astype(np.float32) / 255
    photo.thumbnail((_DRAWN_SIZE, _DRAWN_SIZE))
    return np.asarray(photo, np.float32) / 255, image
