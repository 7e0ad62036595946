"""From a data set's images to a network's input: in training as its recipe says, in tests the same way every time."""
import numpy as np

from minicnn.data import DataLoader, photographs, transforms

_WORKERS = 2   # threads that decode and scale photographs while the kernels compute


def match_channels(channels, mean, std):
    """The mean and deviation of a data set, one number per channel, for a network that sees so many channels.

    Grey becomes colour by repetition, and colour grey by brightness, as transforms.Channels has it; the deviation of brightness is that
    of channels which rise and fall together, as those of photographs nearly do.
    """
    if len(mean) == channels:
        return tuple(mean), tuple(std)
    if len(mean) == 1:
        return tuple(mean) * channels, tuple(std) * channels
    return tuple((float(np.dot(transforms.BRIGHTNESS, values)),) for values in (mean, std))


def for_tests(preprocessing, image_shape):
    """The pair (crop, transform) that a DataLoader takes, for images (C, H, W), or of many sizes if image_shape is None.

    crop       brings each image to the network's size; None if the images have that size, or need but a narrow border
    transform  does the rest, batch by batch
    """
    return _pair(preprocessing, image_shape, (), ())


def for_training(preprocessing, image_shape, recipe):
    """As for_tests, but with what the recipe leaves to chance."""
    return _pair(preprocessing, image_shape, recipe.crop, recipe.augmentation)


def load(dataset, batch_size, crop, transform, **order):
    """A DataLoader. Threads prepare batches where that takes long: where each image is decoded or scaled by itself."""
    return DataLoader(dataset, batch_size, crop=crop, transform=transform, workers=_WORKERS if crop else 0, **order)


def seen(preprocessing, image):
    """What the network sees in tests of one image, uint8 (C, H, W): float32 (C, H, W)."""
    crop, transform = for_tests(preprocessing, image.shape)
    if crop:
        image = photographs.pixels(crop(photographs.from_pixels(image), None))
    return np.ascontiguousarray(transform(image[None].astype(np.float32) / 255, None)[0])


def normalised(preprocessing, pixels):
    """Pixels (..., C, H, W) from 0 to 1, of the network's size, as the network takes them."""
    mean, std = (np.array(values, np.float32)[:, None, None] for values in (preprocessing.mean, preprocessing.std))
    return (pixels - mean) / std


def pixels(preprocessing, x):
    """The inverse of `normalised`: pixels from 0 to 1 of what a network takes; what lies beyond is cut off."""
    mean, std = (np.array(values, np.float32)[:, None, None] for values in (preprocessing.mean, preprocessing.std))
    return np.clip(x * std + mean, 0, 1)


def _pair(preprocessing, image_shape, crop, augmentation):
    size, channels = preprocessing.size, len(preprocessing.mean)
    border = None if image_shape is None else _border(size, image_shape[1:])
    steps = [transforms.Channels(channels)]
    if border:
        steps.append(transforms.Pad(border))
    if border is None:
        crop = crop or (photographs.ScaleShorterSide(preprocessing.resize or min(size)), photographs.CenterCrop(size))
        crop = photographs.Compose(crop)
    else:
        crop = None
    return crop, transforms.Compose([*steps, *augmentation, transforms.Normalize(preprocessing.mean, preprocessing.std)])


def _border(size, image_size):
    """How many pixels of black on each side make the images fit; None if that is more than a sixteenth of the size, or uneven."""
    borders = {(wanted - found) / 2 for wanted, found in zip(size, image_size)}
    border = borders.pop()
    return int(border) if not borders and border % 1 == 0 and 0 <= border <= min(size) / 16 else None
