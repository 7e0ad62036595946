"""A data set: images and their labels, and what one must know to use them."""
import copy
import difflib

import numpy as np

from minicnn.data import photographs
from minicnn.errors import InputError


class Dataset:
    """Labelled images in memory. What else has these attributes and methods is a data set, too, wherever its images are.

    images      uint8 (N, C, H, W)
    labels      int64 (N,), each an index into `classes`
    classes     the names of the classes
    mean, std   one number per channel: mean and standard deviation of the training images' pixels, scaled to 0 ... 1
    name        how the data set is called
    remark      what a person should know of these images, told with them
    """

    remark = ""

    def __init__(self, images, labels, classes, mean, std, name):
        if len(images) != len(labels):
            raise InputError(f"{name}: {len(images)} images do not go with {len(labels)} labels")
        wrong = np.flatnonzero((labels < 0) | (labels >= len(classes)))
        if wrong.size:
            raise InputError(f"{name}: label {labels[wrong[0]]} of image {wrong[0]} is out of range: "
                             f"there are {len(classes)} classes, 0 to {len(classes) - 1}")
        self.images, self.labels = images, labels
        self.classes, self.mean, self.std, self.name = classes, mean, std, name

    def __len__(self):
        return len(self.labels)

    def __repr__(self):
        size = "x".join(map(str, self.image_shape)) if self.image_shape else "different sizes"
        return f"{self.name}: {len(self):,} images of {size}, {len(self.classes)} classes{self.remark}"

    @property
    def image_shape(self):
        """(C, H, W), or None if images differ in size."""
        return self.images.shape[1:]

    def image(self, index):
        """One image, uint8 (C, H, W)."""
        return self.images[index]

    def photo(self, index, least=None):
        """One image as photo transforms take it; `least` as in photographs.read."""
        return photographs.from_pixels(self.image(index))

    def batch(self, indices, crop=None, generator=None):
        """The images at `indices`, float32 (N, C, H, W) from 0 to 1.

        crop       a photo transform (see minicnn.data.photographs) that each image goes through first
        generator  numpy.random.Generator for it
        """
        if crop is None:
            images = self.images.take(indices, axis=0).astype(np.float32)
        else:
            images = self._cropped(indices, crop, generator)
        images /= 255
        return images

    def _cropped(self, indices, crop, generator):
        least, images = getattr(crop, "least", None), None
        for place, index in enumerate(indices):
            image = photographs.pixels(crop(self.photo(index, least), generator))
            if images is None:
                images = np.empty((len(indices), *image.shape), np.float32)
            elif image.shape != images.shape[1:]:
                one, other = ("x".join(map(str, shape)) for shape in (images.shape[1:], image.shape))
                raise InputError(f"{self.name}: images of {one} and of {other} do not go into one batch: "
                                 "a crop must bring them to one size")
            images[place] = image
        return images

    def subset(self, indices):
        """The images at `indices` (a slice, which copies nothing, or integers) as a data set of their own."""
        part = copy.copy(self)
        part.images, part.labels = self.images[indices], self.labels[indices]
        return part

    def take(self, count):
        """The first `count` images."""
        if not 0 < count <= len(self):
            raise InputError(f"{self.name} has {len(self):,} images: {count:,} cannot be taken from it")
        return self.subset(slice(count))

    def only(self, classes):
        """The images of some classes, as a data set of these alone; their order is that of the whole."""
        chosen = choose(self.classes, classes, self.name)
        places = [self.classes.index(name) for name in chosen]
        part = self.subset(np.flatnonzero(np.isin(self.labels, places)))
        part.labels, part.classes = np.searchsorted(places, part.labels), chosen
        return part


def choose(known, wanted, name):
    """Those of the `known` classes that are `wanted`, in their order. InputError if one is not known, or they are less than two."""
    for each in wanted:
        if each not in known:
            nearest = difflib.get_close_matches(str(each), known, n=1)
            suggestion = f"did you mean {nearest[0]!r}? " if nearest else ""
            shown = ", ".join(known[:20]) + (f" and {len(known) - 20:,} more" if len(known) > 20 else "")
            raise InputError(f"{name} has no class {each!r}: {suggestion}There are {shown}.")
    chosen = tuple(each for each in known if each in set(wanted))
    if len(chosen) < 2:
        raise InputError(f"{name}: there must be at least two classes to tell apart, not {len(chosen)}")
    return chosen
