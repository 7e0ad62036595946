"""A data set: images and their labels in memory, and what one must know to use them."""
import numpy as np

from minicnn.errors import InputError


class Dataset:
    """Labelled images.

    images     uint8 (N, C, H, W)
    labels     int64 (N,), each an index into `classes`
    classes    the names of the classes
    mean, std  one number per channel: mean and standard deviation of the training images' pixels, scaled to 0 ... 1
    name       how the data set is called
    """

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
        channels, height, width = self.images.shape[1:]
        return f"{self.name}: {len(self):,} images of {channels}x{height}x{width}, {len(self.classes)} classes"

    def subset(self, indices):
        """The images at `indices` (a slice, which copies nothing, or integers) as a data set of their own."""
        return Dataset(self.images[indices], self.labels[indices], self.classes, self.mean, self.std, self.name)

    def take(self, count):
        """The first `count` images."""
        if not 0 < count <= len(self):
            raise InputError(f"{self.name} has {len(self):,} images: {count:,} cannot be taken from it")
        return self.subset(slice(count))
