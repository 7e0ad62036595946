"""Are the pixels that a map calls important those that the network needs? Take them away, or give it nothing else, and see.

V. Petsiuk, A. Das, K. Saenko, "RISE: randomized input sampling for explanation of black-box models", BMVC 2018, section 4.2. Pixels are
taken in the order of their importance, and the probability of the class is measured after each part of them.

    deletion   the image, in which they become grey: a good map makes the probability fall early, so the area below its curve is small
    insertion  a blurred copy, in which they become sharp: the probability rises early, and the area is large

An area is the mean of the curve over the share of pixels, 0 to 1, by trapezia.
"""
from typing import NamedTuple

import numpy as np

from minicnn.autograd import no_grad
from minicnn.errors import InputError
from minicnn.tensor import Tensor
from minicnn.visualize.smoothing import blurred

_BLUR = 5   # standard deviation in pixels of an image of 224, as theirs


class Curve(NamedTuple):
    """What becomes of an objective."""

    shares: np.ndarray   # (steps + 1,) of the pixels that have been replaced, 0 to 1
    values: np.ndarray   # (steps + 1,) of the objective

    @property
    def area(self):
        return float(((self.values[1:] + self.values[:-1]) / 2 * np.diff(self.shares)).sum())


def deletion(objective, x, importance, steps=50, batch_size=10):
    """The Curve while the most important pixels of an image become grey: 0, the mean of the data set if the network takes normalised
    images.

    objective   an objectives.OfModel: probability("banana").of(model)
    x           Tensor (1, C, H, W), as the network takes it
    importance  (H, W), array or Tensor: the larger the earlier; of equal ones the upper and left ones first
    steps       so many times about as many pixels
    batch_size  steps that are computed together
    """
    return replacing(objective, x, x * 0, importance, steps, batch_size)


def insertion(objective, x, importance, steps=50, batch_size=10):
    """The Curve while in a blurred copy of an image the most important pixels become sharp. Arguments as of deletion."""
    return replacing(objective, blurred(x, _BLUR * min(x.shape[2:]) / 224), x, importance, steps, batch_size)


@no_grad()
def replacing(objective, start, end, importance, steps, batch_size):
    """The Curve while pixels of an image become those of another, two Tensors (1, C, H, W)."""
    importance = importance.cpu().array if isinstance(importance, Tensor) else np.asarray(importance)
    if start.shape[0] != 1 or importance.shape != start.shape[2:]:
        raise InputError(f"one image (1, C, H, W) and a map (H, W) of its pixels are needed, not {start.shape} and {importance.shape}")
    if not np.isfinite(importance).all():
        raise InputError("a map must give each pixel a finite number, or there is no order to take them in")
    if not 1 <= steps <= importance.size or batch_size < 1:
        raise InputError(f"take the {importance.size} pixels in 1 to {importance.size} steps, at least 1 in a batch: "
                         f"not {steps} and {batch_size}")
    place = np.empty(importance.size, int)
    place[np.argsort(-importance, axis=None, kind="stable")] = np.arange(importance.size)
    counts, values = np.linspace(0, importance.size, steps + 1).round().astype(int), []
    for begin in range(0, steps + 1, batch_size):
        taken = place < counts[begin:begin + batch_size, None]
        mask = Tensor(taken.reshape(-1, 1, *importance.shape).astype(start.dtype)).to(start.device)
        values.append(objective(start * (1 - mask) + end * mask).cpu().array)
    return Curve(counts / importance.size, np.concatenate(values))


def yardsticks(height, width, seed=0):
    """Maps (height, width) that know nothing of the network: {"by chance": ..., "from the middle": ...}. Photographers put things in
    the middle, so the second does better than one may think."""
    rows, columns = np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    return {"by chance": np.random.default_rng(seed).uniform(size=(height, width)),
            "from the middle": -np.hypot(rows[:, None] / height, columns / width)}
