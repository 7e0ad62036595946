"""A sheet of many small images, laid out in inches from its upper left corner."""
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from minicnn.drawing import FRAME, GREY

_MARGIN, _HEAD = 0.3, 0.75
_WITHIN = 0.98               # of a signal's values are this share on the scale
_LEAST, _LINE = 60, 0.04   # pixels that an image of a mosaic has at least; the line between, as a share of it
_LINE_GREY = 0.78          # brightness of that line, as of frames


class Sheet:
    """Images and words are put where they are wanted; `figure` has them all.

    width, height  of what is put there; there is a margin around it, and a title above
    """

    def __init__(self, width, height, title, caption=""):
        across, down = width + 2 * _MARGIN, height + _HEAD + (0.75 if caption else _MARGIN)
        self.figure = Figure((across, down), facecolor="white")
        self.figure.suptitle(title, y=1 - 0.3 / down, va="center")
        if caption:
            self.figure.text(0.5, 0.3 / down, caption, ha="center", va="center", fontsize=11, color=GREY)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(-_MARGIN, width + _MARGIN), ylim=(down - _HEAD, -_HEAD))
        self.axes.set_axis_off()
        self.axes.set_autoscale_on(False)

    def image(self, values, left, top, width, frame=FRAME, **scale):
        """An image (H, W) or (H, W, 3), so many inches wide. Returns its height."""
        height = width * values.shape[0] / values.shape[1]
        self.axes.imshow(values, extent=(left, left + width, top + height, top), aspect="auto", interpolation="auto", **scale)
        self.axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=frame,
                                      linewidth=0.8 if frame == FRAME else 2.2))
        return height

    def outline(self, seen, image_shape, left, top, width, colour):
        """On an image put there, of that shape (H, W): the part of it that is seen, a box (top, left, bottom, right) in its pixels."""
        inch = width / image_shape[1]
        upper, first, lower, last = np.clip(seen, 0, (*image_shape, *image_shape))
        self.axes.add_patch(Rectangle((left + first * inch, top + upper * inch), (last - first) * inch, (lower - upper) * inch,
                                      fill=False, edgecolor=colour, linewidth=2.2))

    def text(self, left, top, text, **settings):
        """Words that begin there."""
        self.axes.text(left, top, text, **{"va": "top", "fontsize": 12, "linespacing": 1.3, **settings})


def colours(pixels):
    """Pixels (C, H, W) from 0 to 1 as (H, W, 3); those with one channel as ink on paper, the larger the darker."""
    return pixels.transpose(1, 2, 0) if len(pixels) == 3 else np.repeat(1 - pixels[0, :, :, None], 3, axis=2)


def around_grey(signal):
    """A signal (C, H, W) as colours (H, W, 3): 0 is grey. The most extreme values are cut off, or little else would be seen."""
    scale = np.quantile(abs(signal), _WITHIN) or abs(signal).max() or 1
    return colours(np.clip(0.5 + signal / (2 * scale), 0, 1))


def patch(image, seen, look):
    """The part of an image (C, H, W) that lies in a box (top, left, bottom, right), as colours (h, w, 3); past the edges it is white.

    look  `colours` of pixels, or `around_grey` of a signal
    """
    top, left, bottom, right = seen
    height, width = image.shape[1:]
    part = np.ones((bottom - top, right - left, 3), np.float32)
    upper, lower, first, last = max(top, 0), min(bottom, height), max(left, 0), min(right, width)
    if upper < lower and first < last:
        part[upper - top:lower - top, first - left:last - left] = look(image[:, upper:lower, first:last])
    return part


def mosaic(images, columns):
    """Images (H, W, 3) of one size in rows of so many, a narrow line between; places that are left are white."""
    enlarged = max(1, _LEAST // len(images[0]))   # or the line would be as wide as an image of a few pixels
    images = [image.repeat(enlarged, 0).repeat(enlarged, 1) for image in images]
    height, width = images[0].shape[:2]
    gap = max(1, round(_LINE * width))
    rows = -(-len(images) // columns)
    whole = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), _LINE_GREY, np.float32)
    for number in range(rows * columns):
        top, left = (place * step for place, step in zip(divmod(number, columns), (height + gap, width + gap)))
        whole[top:top + height, left:left + width] = images[number] if number < len(images) else 1
    return whole
