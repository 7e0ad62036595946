"""The occlusion experiment: a grey square is laid over an image, place after place, and each time the network is asked what it sees.

M. D. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section 4.2 and Figure 6. For a square S
the image becomes

    x_S = fill inside S, x elsewhere

and what is measured, as a function of where S is, are

    p(k | x_S)            for each class k; the map of the true class, and that of the class which is the most probable
    sum_ij A_c(x_S)_ij    for each map c of a layer; they draw that of the map for which it is largest of the whole image

Where a number falls, S covers something that the network reacts to.
"""
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from minicnn import functional as F
from minicnn.autograd import no_grad
from minicnn.errors import InputError
from minicnn.tensor import Tensor
from minicnn.visualize import layers
from minicnn.visualize.colour import colour

GREY = 0.5


class Occlusion(NamedTuple):
    """What a network makes of an image with a square over it, for each place of the square, row by row from the top left."""

    tops: np.ndarray                  # (R,): the first row of pixels that the square covers; below 0 where it reaches beyond the edge
    lefts: np.ndarray                 # (Q,): its first column
    size: int                         # of the square, in pixels
    stride: int                       # from one place to the next
    layer: layers.Layer
    probabilities: np.ndarray         # (R, Q, K), of each class
    activations: np.ndarray           # (R, Q, C), total of each map of the layer
    whole_probabilities: np.ndarray   # (K,), of the image as it is
    whole_activations: np.ndarray     # (C,)

    @property
    def best(self):
        """The most probable class at each place, (R, Q)."""
        return self.probabilities.argmax(2)

    @property
    def most_active(self):
        """The layer's map which is the most active one while nothing is covered."""
        return int(self.whole_activations.argmax())

    def lowest(self, values):
        """Where the middle of the square is when a map (R, Q) is at its minimum: (row, column) in pixels."""
        row, column = np.unravel_index(values.argmin(), values.shape)
        return float(self.tops[row] + self.size / 2), float(self.lefts[column] + self.size / 2)


def starts(length, size, stride):
    """Where squares begin along an axis: integers (R,).

    length        of the axis, in pixels
    size, stride  of the square, and from one place to the next

    There is a place for each `stride` pixels, or a part of so many, and its square has its middle there: so a map of the places lies
    over the image and covers all of it, and at the edges squares reach beyond.
    """
    count = -(-length // stride)
    return (length - size - (count - 1) * stride) // 2 + stride * np.arange(count)


def covered(x, tops, lefts, size, fill):
    """Copies of an image, each with a square over it. Tensor (N, C, H, W).

    x            Tensor (1, C, H, W)
    tops, lefts  integers (N,): where each square begins; what lies beyond the edges is cut off
    fill         Tensor (1, C, 1, 1), its colour as the network takes it
    """
    rows = Tensor(_between(tops, size, x.shape[2], x.dtype)[:, None, :, None]).to(x.device)
    columns = Tensor(_between(lefts, size, x.shape[3], x.dtype)[:, None, None, :]).to(x.device)
    inside = rows * columns
    return x * (1 - inside) + fill * inside


def _between(first, size, length, dtype):
    """(N, length): 1 at the `size` pixels from each of `first` on, 0 elsewhere."""
    distance = np.arange(length) - np.reshape(first, (-1, 1))
    return ((distance >= 0) & (distance < size)).astype(dtype)


@no_grad()
def occlude(model, x, layer=None, size=None, stride=None, fill=GREY, batch_size=16):
    """Slide a square over an image. An Occlusion.

    model       any network, here in evaluation mode
    x           Tensor (1, C, H, W), the image as the network takes it
    layer       the name of a layer that has maps; None: layers.last_with_maps
    size        of the square in pixels; None: a quarter of the image's shorter side
    stride      pixels from one place to the next; None: a 28th of that side
    fill        the square's colour: a brightness from 0 to 1, or one for each channel. A network that knows no `preprocessing` takes it
                as it is
    batch_size  places that are computed together. Results do not depend on it: not a bit for LeNet, AlexNet, VGG and SqueezeNet, not
                beyond rounding where kernels are chosen by the size of the batch, as for those too once somebody has their weights' arrays

    InputError if the square has no pixels or more than the image, or the layer no maps.
    """
    if x.ndim != 4 or x.shape[0] != 1:
        raise InputError(f"the square slides over one image, a tensor (1, C, H, W), and not over one of shape {x.shape}")
    shape, shorter = x.shape[1:], min(x.shape[2:])
    size, stride = max(1, shorter // 4) if size is None else size, max(1, shorter // 28) if stride is None else stride
    _check(size, stride, shape)
    known = layers.Listing(model, shape)
    looked_at = [known.find(layer, maps=True) if layer else known.last_with_maps(), known.find(layers.SCORES)]
    square = colour(model, x, fill)
    tops, lefts = starts(x.shape[2], size, stride), starts(x.shape[3], size, stride)
    places = np.array([(top, left) for top in tops for left in lefts])

    whole = _react(model, x, looked_at)
    if not np.isfinite(whole[0]).all():
        raise InputError("the network's scores of this image are no finite numbers, and cannot be compared: are its weights broken?")
    found = []
    with tqdm(total=len(places), desc="occlusion", unit="place", leave=False, disable=None) as bar:
        for begin in range(0, len(places), batch_size):
            some = places[begin:begin + batch_size]
            found.append(_react(model, covered(x, *some.T, size, square), looked_at))
            bar.update(len(some))
    probabilities, activations = (np.concatenate(parts).reshape(len(tops), len(lefts), -1) for parts in zip(*found))
    return Occlusion(tops, lefts, size, stride, looked_at[0], probabilities, activations, whole[0][0], whole[1][0])


def _check(size, stride, shape):
    if size < 1 or stride < 1:
        raise InputError(f"the square must have at least 1 pixel and move by at least 1, not {size} and {stride}")
    if size > min(shape[1:]):
        raise InputError(f"a square of {size} x {size} pixels does not fit into the image, which has {shape[1]} x {shape[2]}: "
                         "choose a smaller one")


def _react(model, x, looked_at):
    """Of images (N, C, H, W): probabilities (N, K), and the total activation of each map of the layer, arrays (N, maps)."""
    maps, scores = layers.outputs(model, x, looked_at)
    return F.softmax(scores, 1).cpu().array, maps.sum((2, 3)).cpu().array
