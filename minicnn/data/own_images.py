"""Images of one's own, brought into the form of a data set: photographs, scans and drawings, from any file that Pillow reads."""
import math

import numpy as np
from PIL import Image

from minicnn.data import photographs
from minicnn.errors import InputError

_LARGEST = 512       # pixels along the longer side that are looked at
_HAZE = 0.15         # what is so much paler than a stroke is uneven paper


def read(path):
    """The brightness of an image file, float32 (H, W) from 0 to 1, at most 512 pixels wide and high.

    What is transparent becomes paper that the rest stands out from. InputError, naming the file, if it cannot be read.
    """
    with photographs.opened(path) as image:
        return _brightness(photographs.upright(image))


def _brightness(image):
    if photographs.is_deep(image):
        values = photographs.deep_brightness(image)
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        grey, opacity = (np.asarray(band, np.float32) / 255 for band in (image.convert("L"), image.getchannel("A")))
        paper = 0 if (grey * opacity).sum() > 0.5 * opacity.sum() else 1
        values = grey * opacity + paper * (1 - opacity)
    else:
        values = np.asarray(image.convert("L"), np.float32) / 255
    small = Image.fromarray(values)
    small.thumbnail((_LARGEST, _LARGEST), Image.Resampling.BOX)
    return np.asarray(small)


def like_mnist(brightness):
    """A digit, dark on light or light on dark, as the authors of MNIST would have it: float32 (1, 28, 28), ink 1 on paper 0.

    The ink is cut out, scaled without distortion to fit into 20 x 20 pixels, and placed with its centre of mass in the centre
    of 28 x 28 (LeCun et al. 1998, section III.A; http://yann.lecun.com/exdb/mnist/). InputError if there is no ink.
    """
    digit = _scaled(_cut_out(_ink(brightness), _HAZE, 0.5), 20)
    digit /= digit.max()   # thin strokes get pale when they are scaled down
    mass = digit / digit.sum()
    row, column = mass.sum(1) @ np.arange(len(mass)), mass.sum(0) @ np.arange(len(mass[0]))
    return _placed(digit, round(14 - row), round(14 - column))   # counted from 0, as in the data set itself


def like_fashion_mnist(brightness):
    """A piece of clothing before a light or dark ground, as the authors of Fashion-MNIST have it: float32 (1, 28, 28), ground 0.

    What looks like the corners is cut off, and the longer side is scaled to 28 pixels (Xiao et al. 2017, section 2; they sharpen
    as well). InputError if there is nothing but ground.
    """
    ground = np.median(brightness[[0, 0, -1, -1], [0, -1, 0, -1]])
    clothing = np.maximum(ground - brightness if ground > 0.5 else brightness - ground, 0)
    _refuse_blank(clothing)
    clothing = _scaled(_cut_out(clothing, 0.05, 0.05), 28)
    return _placed(clothing, (29 - len(clothing)) // 2, (29 - len(clothing[0])) // 2)


def _ink(brightness):
    """How much ink there is, 0 to 1. Most of the border is paper, which may be lit unevenly."""
    edges = brightness[0], brightness[-1], brightness[:, 0], brightness[:, -1]
    level = np.median(np.concatenate(edges))
    # Light often falls from one side. An edge that is much darker or lighter than the others has ink on it.
    top, bottom, left, right = (np.clip(np.median(edge), level - 0.2, level + 0.2) for edge in edges)
    height, width = brightness.shape
    paper = (top + bottom + left + right) / 4 + (bottom - top) * np.linspace(-0.5, 0.5, height)[:, None] + \
        (right - left) * np.linspace(-0.5, 0.5, width)
    difference = paper - brightness
    dark, light = np.maximum(difference, 0), np.maximum(-difference, 0)
    ink = dark if (dark ** 2).sum() > (light ** 2).sum() else light
    _refuse_blank(ink)
    ink /= np.median(ink[ink >= ink.max() / 2])   # the strokes
    return np.where(ink < _HAZE, 0, np.minimum(ink, 1))


def _refuse_blank(image):
    if image.max() < 0.15:
        raise InputError("nothing in it stands out from the background")


def _cut_out(image, faint, certain):
    """The rectangle that holds all values from `certain` on, and those from `faint` on that are close to it."""
    return image[tuple(_extent(image.max(axis), faint, certain) for axis in (1, 0))]


def _extent(profile, faint, certain):
    """The slice from the first to the last certain value, and further to faint values up to 5 % of its length away."""
    first, *_, last = np.flatnonzero(profile >= certain).repeat(2)
    margin = math.ceil(0.05 * (last - first + 1))
    visible = np.flatnonzero(profile >= faint)
    return slice(max(first - margin, visible[0]), min(last + margin, visible[-1]) + 1)


def _scaled(image, size):
    """With the longer side `size` pixels long, the other one in proportion, at least 1 pixel."""
    height, width = (max(1, round(size * side / max(image.shape))) for side in image.shape)
    return np.asarray(Image.fromarray(image.astype(np.float32)).resize((width, height), Image.Resampling.HAMMING)).clip(0, 1)


def _placed(image, top, left):
    """On 28 x 28 pixels of 0, moved no further than to the edge."""
    height, width = image.shape
    canvas = np.zeros((1, 28, 28), np.float32)
    top, left = min(max(top, 0), 28 - height), min(max(left, 0), 28 - width)
    canvas[0, top:top + height, left:left + width] = image
    return canvas
