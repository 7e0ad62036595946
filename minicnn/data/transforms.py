"""What happens to a batch of images between the data set and the network.

A transform is called with

    images     float32 (N, C, H, W), pixels from 0 to 1; the transform may overwrite them
    generator  numpy.random.Generator, the only source of what is random in it

and returns the images to go on with. Anything callable so will do.
"""
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minicnn.errors import InputError


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


BRIGHTNESS = (0.299, 0.587, 0.114)   # of red, green and blue: ITU-R BT.601, as Pillow has it


class Channels:
    """Images with so many channels, 1 or 3: grey (N, 1, H, W) is repeated, colour (N, 3, H, W) becomes its brightness."""

    def __init__(self, count):
        self.count = count

    def __call__(self, images, generator):
        if images.shape[1] == self.count:
            return images
        if self.count == 1:
            return np.tensordot(images, np.array(BRIGHTNESS, images.dtype), (1, 0))[:, None]
        return images.repeat(self.count, axis=1)


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


class RandomFlip:
    """Every other image, on the average, as in a mirror: left and right change places."""

    def __call__(self, images, generator):
        mirrored = generator.random(len(images)) < 0.5
        images[mirrored] = images[mirrored, :, :, ::-1]
        return images


class PrincipalColours(NamedTuple):
    """The directions in which the colours of pixels vary most, by themselves and not together."""

    variances: np.ndarray    # (3,), largest first: eigenvalues of the covariance of red, green and blue, each from 0 to 1
    directions: np.ndarray   # (3, 3): in column i the eigenvector, of length 1, that belongs to variance i


# Of ImageNet's training images, as the field has used them since Torch's ResNets (fb.resnet.torch, 2016).
IMAGENET_COLOURS = PrincipalColours(np.array([0.2175, 0.0188, 0.0045]), np.array([[-0.5675, 0.7192, 0.4009],
                                                                                  [-0.5808, -0.0045, -0.8140],
                                                                                  [-0.5836, -0.6948, 0.4203]]))


def principal_colours(images):
    """The PrincipalColours of images (N, 3, H, W), uint8, or float from 0 to 1."""
    _refuse_grey("principal_colours", images)
    pixels = np.moveaxis(images, 1, 0).reshape(3, -1).astype(np.float64)
    if images.dtype == np.uint8:
        pixels /= 255
    variances, directions = np.linalg.eigh(np.cov(pixels, bias=True))
    return PrincipalColours(variances[::-1].copy(), directions[:, ::-1].copy())   # eigh has the smallest first


class Lighting:
    """As if the light had another strength and colour: Krizhevsky et al. (2012), section 4.1, for images (N, 3, H, W).

    To all pixels of an image is added the sum over i of direction i * variance i * a random number, which is normally distributed
    with mean 0 and deviation `std`. Values may come to lie a little outside 0 ... 1. The paper leaves open how pixels are scaled
    when their variances are taken; here, as in the implementations since, from 0 to 1.
    """

    def __init__(self, std=0.1, colours=IMAGENET_COLOURS):
        self.std, self.colours = std, colours

    def __call__(self, images, generator):
        _refuse_grey("Lighting", images)
        amounts = generator.normal(0, self.std, (len(images), 3)) * self.colours.variances
        images += (amounts @ self.colours.directions.T).astype(np.float32)[:, :, None, None]
        return images


class ColourJitter:
    """Other brightness, contrast and saturation, in an order that is drawn anew for each image: A. G. Howard, "Some improvements
    on deep convolutional neural network based image classification" (2013), section 2.1, for images (N, 3, H, W).

    brightness, contrast, saturation   each is multiplied by a number from 1 - this to 1 + this, each as likely

    More or less brightness is away from or towards black, contrast the mean grey of the image, saturation the grey of each pixel.
    After each step values are cut off at 0 and 1.
    """

    def __init__(self, brightness=0.5, contrast=0.5, saturation=0.5):
        self.amounts = np.array([brightness, contrast, saturation])

    def __call__(self, images, generator):
        _refuse_grey("ColourJitter", images)
        factors = (1 + self.amounts * generator.uniform(-1, 1, (len(images), 3))).astype(np.float32)
        orders = generator.permuted(np.tile(np.arange(3), (len(images), 1)), axis=1)
        for order in orders.T:
            for step, middle in enumerate((_black, _mean_grey, _grey)):
                chosen = np.flatnonzero(order == step)
                if chosen.size and self.amounts[step]:
                    some, factor = images[chosen], factors[chosen, step, None, None, None]
                    unmoved = middle(some) * (1 - factor)
                    some *= factor
                    some += unmoved
                    images[chosen] = np.clip(some, 0, 1, out=some)
        return images


def _black(images):
    return np.float32(0)


def _mean_grey(images):
    return _grey(images).mean((2, 3), keepdims=True)


def _grey(images):
    """(N, 3, H, W) -> (N, 1, H, W), how bright red, green and blue are to the eye (ITU-R BT.601)."""
    return (0.299 * images[:, 0] + 0.587 * images[:, 1] + 0.114 * images[:, 2])[:, None]


def _refuse_grey(name, images):
    if images.shape[1] != 3:
        raise InputError(f"{name} is for images in colour, with 3 channels: these have {images.shape[1]}")


def _bordered(images, pixels, value):
    count, channels, height, width = images.shape
    bordered = np.full((count, channels, height + 2 * pixels, width + 2 * pixels), value, images.dtype)
    bordered[:, :, pixels:pixels + height, pixels:pixels + width] = images
    return bordered
