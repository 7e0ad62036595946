"""A window on an image that is a little larger than what a network takes, moved and scaled at random: what a dream shows must last.

Mordvintsev, Olah & Tyka, "Inceptionism: going deeper into neural networks" (2015), who move the image before each step; scales are from
Olah, Mordvintsev & Schubert, "Feature visualization", Distill 2017.
"""
from minicnn import functional as F


class Views:
    """Windows on images of one size.

    size       (H, W) of a window
    jitter     by how many pixels it is moved, at most
    scales     by which the image is scaled before, each as likely
    generator  numpy.random.Generator
    """

    def __init__(self, size, jitter, scales, generator):
        self.size, self.jitter, self.scales, self.generator = size, jitter, scales, generator

    @property
    def image_size(self):
        """(H, W) that an image must have."""
        return tuple(side + self.jitter for side in self.size)

    def draw(self, pixels):
        """One window, of pixels (C, H, W). An image that a scale makes too small goes on as in a mirror."""
        scale = self.scales[int(self.generator.integers(len(self.scales)))]
        if scale != 1:
            size = tuple(round(side * scale) for side in pixels.shape[1:])
            pixels = F.interpolate(pixels.unsqueeze(0), size, mode="bilinear").squeeze(0)
        lacking = [max(0, side - found) for side, found in zip(self.size, pixels.shape[1:])]
        if any(lacking):
            top, left = (lack // 2 for lack in lacking)
            pixels = F.pad(pixels.unsqueeze(0), (left, lacking[1] - left, top, lacking[0] - top), mode="reflect").squeeze(0)
        top, left = (int(self.generator.integers(found - side, endpoint=True)) for side, found in zip(self.size, pixels.shape[1:]))
        return self._cut(pixels, top, left)

    def middle(self, pixels):
        """What a person is shown."""
        return self._cut(pixels, self.jitter // 2, self.jitter // 2)

    def _cut(self, pixels, top, left):
        return pixels[:, top:top + self.size[0], left:left + self.size[1]]
