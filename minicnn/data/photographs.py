"""Photographs from files, and the piece of each that a network is shown.

A photo transform is called with

    photo      a PIL image, RGB (or L, of data sets in grey)
    generator  numpy.random.Generator, the only source of what is random in it

and returns the image to go on with. Anything callable so will do. What comes out of the last one has the same size for every photo.
A transform that says `least`, the pixels that a photo's shorter side must have lest it be enlarged, lets large files be read faster.
"""
import contextlib
import math
import pathlib
import threading
import warnings

import numpy as np

from minicnn.errors import InputError

EXAMPLES = pathlib.Path(__file__).parent / "embedded" / "photographs"   # chelsea.jpg (a cat), coffee.jpg and others: see ATTRIBUTION
_LONGEST = 16   # times its shorter side: so much of a strip is looked at, or scaling one that is a pixel wide would fill the memory
_filters = threading.Lock()   # of warnings: they belong to the whole process


def read(path, least=None):
    """The photograph in a file, as a PIL image in mode RGB, upright.

    least  pixels that its shorter side must have: of a larger JPEG only a half, a quarter or an eighth is decoded, which is faster,
           while twice as many are left

    Any format that Pillow knows: grey, palette, CMYK; 16 bits are scaled to 8, what is transparent becomes white, of an animation
    the first frame counts. InputError, naming the file, if it cannot be read, or has more than PIL.Image.MAX_IMAGE_PIXELS pixels.
    """
    with opened(path) as image:
        if least:
            image.draft(None, (2 * least, 2 * least))
        return _rgb(upright(image))


@contextlib.contextmanager
def opened(path):
    """The file as a PIL image that is not decoded yet; what goes wrong until the end of the block is an InputError that names it."""
    from PIL import Image, UnidentifiedImageError   # not at the top: the transforms below belong to recipes, which need no image

    try:
        with open(path, "rb") as file, _open(file) as image:
            yield image
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; name the images in it: {path}/*.png") from None
    except UnidentifiedImageError:
        raise InputError(f"{path} is no image that can be read; PNG and JPEG, for example, can be") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(f"{path} has more than {Image.MAX_IMAGE_PIXELS:,} pixels, too many to be a photograph: "
                         "if it is one, make it smaller first") from None
    except (OSError, ValueError, SyntaxError, EOFError) as problem:   # as Pillow's decoders have it
        raise InputError(f"{path} cannot be read as an image: {getattr(problem, 'strerror', None) or problem}") from None


def _open(file):
    """Pillow only warns of images up to twice as large as its limit; here they are refused, before anything is decoded.

    Its other warnings are of oddities beside the pixels, such as broken tags, of which some photographs of ILSVRC have some. The tags
    are read here, where nothing is said of them: Pillow keeps them.
    """
    from PIL import Image

    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image = Image.open(file)
        if "exif" in image.info:
            with contextlib.suppress(SyntaxError):   # tags that are none: the photograph is upright
                image.getexif()
        return image


def upright(image):
    """Turned as the camera says that it was held."""
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def is_deep(image):
    """More than 8 bits a pixel and channel, which Pillow would cut off at 255?"""
    return image.mode[0] in "IF"


def deep_brightness(image):
    """The values of a deep image, float32 (H, W) from 0 to 1; white is 65535 in whole numbers and 1 in others, or the largest value."""
    values = np.nan_to_num(np.asarray(image, np.float32), posinf=0)
    return np.maximum(values, 0) / max(values.max(), 65535 if image.mode[0] == "I" else 1)


def _rgb(image):
    from PIL import Image

    if is_deep(image):
        return Image.fromarray(np.rint(255 * deep_brightness(image)).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def pixels(photo):
    """A PIL image, RGB or L, as uint8 (3, H, W) or (1, H, W)."""
    values = np.asarray(photo)
    return np.ascontiguousarray(values.reshape(*values.shape[:2], -1).transpose(2, 0, 1))


def from_pixels(values):
    """uint8 (3, H, W) or (1, H, W) as a PIL image, RGB or L."""
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(values.transpose(1, 2, 0)) if len(values) == 3 else values[0])


class Compose:
    """One photo transform after the other."""

    def __init__(self, transforms):
        self.transforms = tuple(transforms)

    @property
    def least(self):
        return getattr(self.transforms[0], "least", None) if self.transforms else None

    def __call__(self, photo, generator):
        for transform in self.transforms:
            photo = transform(photo, generator)
        return photo


class ScaleShorterSide:
    """The shorter side gets `size` pixels, and the longer one what is in proportion, rounded down.

    size  a number, or a pair (low, high): any whole number from low to high, each as likely. This is the scale jittering of
          Simonyan & Zisserman (2015), section 3.1: (256, 512)

    Of a strip more than 16 times as long as wide, the middle is left.
    """

    def __init__(self, size):
        self.low, self.high = (size, size) if np.ndim(size) == 0 else size
        self.least = self.high

    def __call__(self, photo, generator):
        size = self.low if self.low == self.high else int(generator.integers(self.low, self.high, endpoint=True))
        return _scaled(photo, size)


class CenterCrop:
    """The middle, `size` pixels wide and high, or (H, W); a smaller photo is enlarged to that first."""

    def __init__(self, size):
        self.size = _pair(size)
        self.least = max(self.size)

    def __call__(self, photo, generator):
        photo, down, right = _with_room(photo, self.size)
        return _cut(photo, self.size, round(down / 2), round(right / 2))


class RandomCrop:
    """A piece `size` pixels wide and high, or (H, W), from anywhere, each place as likely; a smaller photo is enlarged to that first."""

    def __init__(self, size):
        self.size = _pair(size)
        self.least = max(self.size)

    def __call__(self, photo, generator):
        photo, down, right = _with_room(photo, self.size)
        return _cut(photo, self.size, int(generator.integers(0, down, endpoint=True)), int(generator.integers(0, right, endpoint=True)))


class RandomResizedCrop:
    """A piece of random area and shape, scaled to `size` pixels, or (H, W): how GoogLeNet was trained (Szegedy et al. 2015, section 6).

    area    smallest and largest share of the photo's area
    aspect  smallest and largest ratio of width to height; the logarithm is evenly distributed, so that wide is as likely as high

    If ten pieces in a row do not fit into the photo, it is the largest in the middle whose aspect is allowed.
    """

    def __init__(self, size, area=(0.08, 1), aspect=(3 / 4, 4 / 3)):
        self.size, self.area, self.aspect = _pair(size), area, aspect
        self.least = math.ceil(max(self.size) / math.sqrt(area[0]))

    def __call__(self, photo, generator):
        from PIL import Image

        left, top, width, height = self._place(photo.width, photo.height, generator)
        return photo.resize(self.size[::-1], Image.Resampling.BILINEAR, (left, top, left + width, top + height))

    def _place(self, width, height, generator):
        """left, top, width, height of the piece."""
        for _ in range(10):
            area = width * height * generator.uniform(*self.area)
            aspect = math.exp(generator.uniform(*map(math.log, self.aspect)))
            across, down = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < across <= width and 0 < down <= height:
                return (int(generator.integers(0, width - across, endpoint=True)),
                        int(generator.integers(0, height - down, endpoint=True)), across, down)
        across, down = min(width, height * self.aspect[1]), min(height, width / self.aspect[0])
        return (width - across) / 2, (height - down) / 2, across, down


def ten_crops(photo, size):
    """The four corners and the centre, and the mirror image of each: how AlexNet is tested (Krizhevsky et al. 2012, section 4.1).

    size  pixels wide and high, or (H, W); a smaller photo is enlarged to that first

    Ten PIL images: top left, top right, bottom left, bottom right, centre, then their mirror images in this order.
    """
    from PIL import ImageOps

    size = _pair(size)
    photo, down, right = _with_room(photo, size)
    places = (0, 0), (0, right), (down, 0), (down, right), (round(down / 2), round(right / 2))
    crops = [_cut(photo, size, *place) for place in places]
    return crops + [ImageOps.mirror(crop) for crop in crops]


def _pair(size):
    return (size, size) if np.ndim(size) == 0 else tuple(size)


def _scaled(photo, size):
    from PIL import Image

    width, height = photo.size
    shorter, longer = min(width, height), min(max(width, height), _LONGEST * min(width, height))
    across, down = (shorter, longer) if width < height else (longer, shorter)
    left, top = (width - across) / 2, (height - down) / 2
    target = tuple(size if side == shorter else size * side // shorter for side in (across, down))
    if target == photo.size:
        return photo
    return photo.resize(target, Image.Resampling.BILINEAR, (left, top, left + across, top + down))


def _with_room(photo, size):
    """A photo that is at least (H, W) large, and how far a piece of that size can be moved in it: down, right."""
    height, width = size
    factor = max(height / photo.height, width / photo.width)
    if factor > 1:
        photo = _scaled(photo, math.ceil(factor * min(photo.size)))
    return photo, photo.height - height, photo.width - width


def _cut(photo, size, top, left):
    return photo.crop((left, top, left + size[1], top + size[0]))
