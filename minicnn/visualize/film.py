"""Dreams as moving pictures: how one grows, and the journey into it, as GIFs."""
import numpy as np

from minicnn.data import photographs
from minicnn.files import replacing
from minicnn.visualize import dreaming

_MILLISECONDS = 80    # that a frame is shown
_LAST = 1500          # and the last one, before it begins anew
_CLOSER = 1.06        # how much larger things are in the next frame of a journey


def save(frames, path):
    """Write pixels (C, H, W) from 0 to 1, one after the other, as an endless GIF, whole or not at all."""
    first, *others = [photographs.from_pixels(np.rint(255 * frame).astype(np.uint8)) for frame in frames]
    times = [_MILLISECONDS] * len(others) + [_LAST]
    with replacing(path) as partial:
        first.save(partial, "GIF", save_all=True, append_images=others, duration=times, loop=0)


def journey(model, objective, start, frames, steps, prior, see=None):
    """Dream, go a little nearer, dream again, and so on: yields pixels (C, H, W), frame by frame.

    start  pixels (C, H, W) from 0 to 1
    steps  of dreaming for each frame
    see    called with the number of each frame before it is dreamt

    As in "Inceptionism" (2015): "If we apply the algorithm iteratively on its own outputs and apply some zooming after each iteration, we
    get an endless stream of new impressions".
    """
    pixels = start
    for number in range(frames):
        if see is not None:
            see(number)
        pixels = dreaming.dream(model, objective, pixels, steps, prior)
        yield pixels
        pixels = closer(pixels)


def closer(pixels):
    """The middle of an image (C, H, W), enlarged to the size of the whole."""
    height, width = pixels.shape[1:]
    rows, columns = round(height / _CLOSER), round(width / _CLOSER)
    top, left = (height - rows) // 2, (width - columns) // 2
    return dreaming.resized(pixels[:, top:top + rows, left:left + columns], (height, width))
