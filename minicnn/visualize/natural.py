"""What keeps a dream like a natural image. Alone, gradients make images that a network is sure of and in which nobody sees anything.

Natural images have little in their high frequencies, and neighbouring pixels that are alike; what is on them stays what it is when they
are moved or scaled a little. Each of these can be asked for:

    frequencies   the image is made of waves, weak ones where they are short (fourier.py), not of pixels
    views         each step looks through a window that is moved and scaled at random (views.py)
    variation     a penalty for differences between neighbours, here
    contrast      a penalty for what is far from grey, here
    blur          smoothed again and again, less and less (smoothing.py)
"""
from typing import NamedTuple


class Prior(NamedTuple):
    """How an image is kept like a natural one. NATURAL, the default, is what makes classes recognisable; NONE leaves all away."""

    decay: float | None = 1.5             # of the waves, whose strength is 1 / frequency^decay; None: pixels by themselves
    jitter: int = 24                      # pixels by which a view is moved, at most
    scales: tuple = (0.9, 0.95, 1, 1.05, 1.1)   # of views, each as likely
    variation: float = 0.0                # weight of the total variation
    contrast: float = 0.0                 # weight of the contrast
    blur: tuple | None = None             # standard deviations of the Gaussian in pixels, in the first step and in the last


NATURAL = Prior()
NONE = Prior(decay=None, jitter=0, scales=(1,))


def total_variation(pixels):
    """The mean square of the differences between neighbours below and beside each other, of pixels (C, H, W): one number.

    Mahendran & Vedaldi, "Understanding deep image representations by inverting them", CVPR 2015, equation 4 with beta = 2.
    """
    down, across = pixels[:, 1:] - pixels[:, :-1], pixels[:, :, 1:] - pixels[:, :, :-1]
    return (down * down).mean() + (across * across).mean()


def contrast(pixels):
    """The mean square of the distance from grey, pixels going from 0 to 1: the prior of Simonyan, Vedaldi & Zisserman, "Deep inside
    convolutional networks" (2013), section 2, around the middle."""
    distance = pixels - 0.5
    return (distance * distance).mean()
