"""Shapes: ten classes of things that the program draws. No file, no network, and still work for a network that sees colours.

Each image is painted from the back to the front: a ground that changes from one colour to another and has waves in it, small scraps,
the one thing that counts, a thin line across everything, and noise. Place, size, angle, proportions, colours and stripes are drawn
anew each time, so no pixel and no colour says anything of the class by itself: only the outline does.
"""
import numpy as np

from minicnn.data.dataset import Dataset

_AT_ONCE = 100   # images, so that they stay in the cache while they are painted
_SEED = 1989


class Shapes(Dataset):
    """10,000 training and 2,000 test images in colour, `size` pixels wide and high, the same ones every time."""

    name = "shapes"
    mean, std = (0.5003, 0.5005, 0.5023), (0.2932, 0.2930, 0.2938)

    def __init__(self, train=True, size=32):
        count, stream = (10_000, 0) if train else (2_000, 1)
        labels = np.arange(count, dtype=np.int64) % len(_OUTLINES)   # classes take turns, so the first images are of all
        generator = np.random.Generator(np.random.Philox(key=[_SEED, stream]))
        super().__init__(draw(labels, size, generator), labels, tuple(_OUTLINES), self.mean, self.std, self.name)


def draw(labels, size, generator):
    """An image of the thing that each label (N,) stands for: uint8 (N, 3, size, size)."""
    images = np.empty((len(labels), 3, size, size), np.uint8)
    for first in range(0, len(labels), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        images[some] = np.rint(255 * _Painter(len(labels[some]), size, generator).paint(labels[some]))
    return images


class _Painter:
    """Paints `count` images at once. Coordinates go from -1 to 1, x to the right and y downwards."""

    def __init__(self, count, size, generator):
        self.count, self.size, self.generator = count, size, generator
        self.x = ((2 * np.arange(size, dtype=np.float32) + 1) / size - 1)[None, None, :]
        self.y = self.x.transpose(0, 2, 1)

    def paint(self, labels):
        """float32 (count, 3, size, size), 0 to 1."""
        ground = self._colours()
        images = self._ground(ground)
        for _ in range(3):
            self._lay(images, self._scrap(0.05, 0.3, 0.03, 0.09), self._colours()[:, :, None, None])
        self._lay(images, self._thing(labels), self._fill(ground))
        self._lay(images, self._scrap(0.5, 1.5, 0.01, 0.03), self._colours()[:, :, None, None])
        noise = self.generator.standard_normal(images.shape, dtype=np.float32)
        noise *= self._uniform(0.01, 0.04)[:, None]
        images += noise
        return images.clip(0, 1, out=images)

    def _uniform(self, low, high):
        """A number for each image, shaped to go with (count, size, size)."""
        return self.generator.uniform(low, high, (self.count, 1, 1)).astype(np.float32)

    def _colours(self):
        return self.generator.random((self.count, 3), dtype=np.float32)

    def _ground(self, colours):
        """The colours themselves in the middle, others towards the edges, and waves."""
        images = np.repeat(np.repeat(colours[:, :, None, None], self.size, 2), self.size, 3)
        for _ in range(2):
            change = self.generator.uniform(-0.2, 0.2, (self.count, 3, 1, 1)).astype(np.float32)
            images += change * self._along(self._uniform(0, 2 * np.pi))[:, None]
        for _ in range(2):
            change = self.generator.uniform(-0.08, 0.08, (self.count, 3, 1, 1)).astype(np.float32)
            images += change * self._waves(2, 9)[:, None]
        return images

    def _fill(self, ground):
        """What things are painted with: a colour that differs from the ground's, in stripes of more and less light."""
        colours = self._colours()
        alike = np.linalg.norm(colours - ground, axis=1) < 0.6
        colours[alike] = (colours[alike] + 0.5) % 1
        change = self._uniform(0, 0.15) * self._waves(4, 14)
        return colours[:, :, None, None] + change[:, None]

    def _along(self, angle):
        return np.cos(angle) * self.x + np.sin(angle) * self.y

    def _waves(self, slowest, fastest):
        """From -1 to 1 and back along some direction."""
        return np.sin(self._along(self._uniform(0, 2 * np.pi)) * self._uniform(slowest, fastest) + self._uniform(0, 2 * np.pi))

    def _scrap(self, shortest, longest, thinnest, thickest):
        """Distances from a stroke somewhere: a straight line with round ends."""
        u, v = self._turned(self._uniform(-1, 1), self._uniform(-1, 1), self._uniform(0, np.pi))
        half = self._uniform(shortest, longest) / 2
        beyond = np.maximum(np.abs(u) - half, 0)
        return np.sqrt(beyond * beyond + v * v) - self._uniform(thinnest, thickest)

    def _thing(self, labels):
        """Distances from the outline of what each label stands for."""
        radius = self._uniform(0.55, 0.9)
        reach = 1 - 0.9 * radius
        u, v = self._turned(reach * self._uniform(-1, 1), reach * self._uniform(-1, 1), self._uniform(0, 2 * np.pi))
        u /= radius * self._uniform(0.85, 1.15)
        v /= radius * self._uniform(0.85, 1.15)
        v *= self.generator.choice(np.array([-1, 1], np.float32), (self.count, 1, 1))   # the left hand or the right
        weight = self._uniform(0, 1)
        distances = np.empty((self.count, self.size, self.size), np.float32)
        for label, outline in enumerate(_OUTLINES.values()):
            chosen = labels == label
            distances[chosen] = outline(u[chosen], v[chosen], weight[chosen])
        return distances * radius

    def _turned(self, x, y, angle):
        """Coordinates that have their origin at (x, y), and are turned by the angle."""
        right, down = self.x - x, self.y - y
        return np.cos(angle) * right + np.sin(angle) * down, np.cos(angle) * down - np.sin(angle) * right

    def _lay(self, images, distances, colours):
        """Paint with the colours where distances are negative; a pixel that an outline crosses gets its share of both."""
        share = np.clip(0.5 - distances * np.float32(self.size / 2), 0, 1)[:, None]
        images += share * (colours - images)


# Outlines as signed distances, negative inside, of things about as large as the disc of radius 1. A function is given coordinates
# u and v (N, S, S), and a weight (N, 1, 1) from 0 to 1 for what may be thin or thick in the thing.

def _arrow(u, v, weight):
    shaft = _box(u + 0.35, v, 0.55, 0.1 + 0.12 * weight)
    head = np.maximum(_half_plane(u - 0.95, np.abs(v), 0.9), 0.1 - u)
    return np.minimum(shaft, head)


def _crescent(u, v, weight):
    return np.maximum(np.hypot(u, v) - 0.95, 0.75 - np.hypot(u - 0.4 - 0.15 * weight, v))


def _cross(u, v, weight):
    arm = 0.18 + 0.14 * weight
    return np.minimum(_box(u, v, 0.9, arm), _box(u, v, arm, 0.9))


def _disc(u, v, weight):
    return np.hypot(u, v) - 0.75 - 0.1 * weight


def _heart(u, v, weight):
    """A square on its corner, and a disc on each of its upper sides."""
    side, up = 0.5 + 0.06 * weight, v - 0.1
    square = (np.abs(u) + np.abs(up)) / np.float32(np.sqrt(2)) - side
    offset = side / np.float32(np.sqrt(2))
    return np.minimum(square, np.hypot(np.abs(u) - offset, up + offset) - side)


def _ring(u, v, weight):
    return np.abs(np.hypot(u, v) - 0.72) - 0.1 - 0.14 * weight


def _spiral(u, v, weight):
    """Archimedes': the radius grows by 0.42 a turn."""
    radius, turns = np.hypot(u, v), np.arctan2(v, u) / np.float32(2 * np.pi)
    arms = radius / np.float32(0.42) - turns
    return np.maximum(np.abs(arms - np.rint(arms)) * np.float32(0.42) - 0.07 - 0.04 * weight, radius - 0.98)


def _square(u, v, weight):
    return _box(u, v, 0.72, 0.72 - 0.12 * weight)


def _star(u, v, weight):
    """Five points: the plane is folded into the tenth part of it that goes from a point to the next notch."""
    fifth = np.float32(2 * np.pi / 5)
    angle, radius = np.arctan2(v, u), np.hypot(u, v)
    folded = np.abs(angle - fifth * np.rint(angle / fifth))
    notch = 0.4 + 0.1 * weight
    right, up = 1 - notch * np.cos(fifth / 2), notch * np.sin(fifth / 2)   # from the notch to the point, from the axis to the notch
    return (up * (radius * np.cos(folded) - 1) + right * radius * np.sin(folded)) / np.hypot(up, right)


def _triangle(u, v, weight):
    return np.maximum(_half_plane(u - 0.95, np.abs(v), np.pi / 6), -u - 0.475 + 0.1 * weight)


def _box(u, v, half_width, half_height):
    return np.maximum(np.abs(u) - half_width, np.abs(v) - half_height)


def _half_plane(u, v, angle):
    """Distance from a line through the origin that falls to the left by `angle` (from the axis of u): what is below is inside."""
    return np.float32(np.sin(angle)) * u + np.float32(np.cos(angle)) * v


_OUTLINES = {"arrow": _arrow, "crescent": _crescent, "cross": _cross, "disc": _disc, "heart": _heart, "ring": _ring, "spiral": _spiral,
             "square": _square, "star": _star, "triangle": _triangle}
