"""What happens to a batch of images between the data set and the network.

A transform is called with

    images     float32 (N, C, H, W), pixels from 0 to 1; the transform may overwrite them
    generator  numpy.random.Generator, the only source of what is random in it

and returns the images to go on with. Anything callable so will do.
"""
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


class Compose:
    """One transform after the other."""

    def __init__(self, transforms):
        self.transforms = tuple(transforms)

    def __call__(self, images, generator):
        for transform in self.transforms:
            images = transform(images, generator)
        return images


class Normalize:
    """(x - mean) / std, channel by channel. `mean` and `std` have one number per channel."""

    def __init__(self, mean, std):
        self.mean = np.asarray(mean, np.float32)[:, None, None]
        self.scale = 1 / np.asarray(std, np.float32)[:, None, None]

    def __call__(self, images, generator):
        images -= self.mean
        images *= self.scale
        return images


class Pad:
    """A border of `pixels` on all four sides: (N, C, H, W) -> (N, C, H + 2 pixels, W + 2 pixels)."""

    def __init__(self, pixels, value=0.0):
        self.pixels, self.value = pixels, value

    def __call__(self, images, generator):
        return _bordered(images, self.pixels, self.value)


class RandomShift:
    """Each image moved by -pixels ... pixels along both axes, each distance as likely; `value` fills what it leaves bare."""

    def __init__(self, pixels, value=0.0):
        self.pixels, self.value = pixels, value

    def __call__(self, images, generator):
        count, _, height, width = images.shape
        places = sliding_window_view(_bordered(images, self.pixels, self.value), (height, width), axis=(2, 3))
        row, column = generator.integers(0, 2 * self.pixels, (2, count), endpoint=True)
        return places[np.arange(count), :, row, column]


def _bordered(images, pixels, value):
    count, channels, height, width = images.shape
    bordered = np.full((count, channels, height + 2 * pixels, width + 2 * pixels), value, images.dtype)
    bordered[:, :, pixels:pixels + height, pixels:pixels + width] = images
    return bordered
