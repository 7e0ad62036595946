"""Integrated gradients: how the difference between two scores, that of an image and that of a black one, divides among the pixels.

M. Sundararajan, A. Taly, Q. Yan, "Axiomatic attribution for deep networks", ICML 2017, section 3. From a baseline x' to the image x goes
a straight path, and along it gradients are collected:

    A_i = (x_i - x'_i) * integral over t from 0 to 1 of dF/dx_i (x' + t (x - x'))

By the fundamental theorem of calculus the A_i add up to F(x) - F(x'), which the paper calls completeness (Proposition 1).

The paper sums at even distances. With t = s^3 the same number of points lies closer together near the baseline, and misses less:

    integral of g(t) dt = integral of g(s^3) 3 s^2 ds,    by the rule of Gauss and Legendre in s

With 100 points from black, for the two most probable classes of 12 photographs, SqueezeNet's errors of completeness are 0.3 % in the
median and 1.6 % at most, 22 of 24 below 1 %. Without the substitution these are 0.5 %, 4.8 % and 14; at even distances 1.5 %, 5.7 %
and 10. Exponents 1, 2 and 3 were tried. `Integrated.errors` says how it is for an image: if that is too much, take more points.
"""
from typing import NamedTuple

import numpy as np

from minicnn import functional as F
from minicnn.autograd import no_grad
from minicnn.errors import InputError
from minicnn.tensor import Tensor
from minicnn.visualize import gradients
from minicnn.visualize.colour import colour


class Integrated(NamedTuple):
    """Of each image."""

    attributions: Tensor      # (N, C, H, W); the sum over the channels of a pixel is the pixel's share
    sums: np.ndarray          # (N,): of the attributions
    differences: np.ndarray   # (N,): F(x) - F(x'), which the sums would be if the integral were exact

    @property
    def errors(self):
        """Of completeness, relative to the difference (N,): infinite where that is 0 and the sum is not."""
        missed = abs(self.sums - self.differences)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(missed == 0, 0, missed / abs(self.differences))


def integrated_gradients(objective, x, baseline=None, steps=50, batch_size=10):
    """The attributions of each image, and how complete they are: Integrated.

    objective   an objectives.OfModel: logit("banana").of(model)
    x           Tensor (N, C, H, W), as the network takes them
    baseline    Tensor (1, C, H, W) or (1, C, 1, 1), what counts as nothing; None: black. To black pixels nothing is attributed then.
                For zeros, the mean of the data set if the network takes normalised images, give x.new_full((1, 1, 1, 1), 0)
    steps       points on the path; the paper finds 20 to 300 enough
    batch_size  points that are computed together. The result does not depend on it, not beyond rounding where kernels are chosen by the
                size of the batch
    """
    if steps < 2 or batch_size < 1:
        raise InputError(f"there are at least 2 points on the path and 1 in a batch, not {steps} and {batch_size}")
    x = x.detach()
    start = x * 0 + (colour(objective.model, x, 0) if baseline is None else baseline)
    places, weights = rule(steps)
    places = places.astype(x.dtype).reshape(-1, 1, 1, 1)
    found = []
    for number in range(len(x)):
        origin, way = start[number:number + 1], x[number:number + 1] - start[number:number + 1]
        total = way * 0
        for begin in range(0, steps, batch_size):
            points = origin + way * Tensor(places[begin:begin + batch_size]).to(x.device)
            collected = gradients.by_image(objective, points)[1]
            for weight, gradient in zip(weights[begin:], collected):   # one by one, so that batches do not change the sum
                total = total + gradient * weight
        found.append(way * total)
    attributions = F.cat(found, 0)
    with no_grad():
        differences = objective(x).cpu().array.astype(float) - objective(start).cpu().array
    return Integrated(attributions, attributions.cpu().array.sum((1, 2, 3), dtype=float), differences)


def rule(steps):
    """The t at which gradients are collected, and their weights: two arrays (steps,). From 2 steps on the weights add up to 1."""
    places, weights = np.polynomial.legendre.leggauss(steps)   # for -1 to 1
    s = (places + 1) / 2
    return s ** 3, weights / 2 * 3 * s ** 2
