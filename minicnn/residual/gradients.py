"""How large the gradient is at each depth, and how far batches agree about its direction.

With batch normalisation no gradient vanishes in a deep plain network (He et al., "Deep residual learning for image recognition",
CVPR 2016, section 4.1). At the start it *grows* from layer to layer on its way down (Yang et al., "A mean field theory of batch
normalization", ICLR 2019), and it points in another direction for every batch (Balduzzi et al., "The shattered gradients problem",
ICML 2017). Shortcuts prevent both.
"""
from typing import NamedTuple

import numpy as np

from minicnn.errors import InputError


class ByDepth(NamedTuple):
    """What was measured of the gradient at each convolution of a network, in order; arrays (layers,)."""

    names: tuple            # of the convolutions
    sizes: np.ndarray       # norm of the loss' gradient by the layer's weights, divided by the norm of these: the mean over batches
    agreement: np.ndarray   # cosine of the angle between the gradients of two batches: the mean over all pairs of them


def by_depth(model, batches):
    """Measure a network in training mode on batches, pairs (images, labels), at least two. The network stays as it was.

    Convolutions in shortcuts are left out: they are beside the way and not along it.
    """
    if len(batches) < 2:
        raise InputError("whether batches agree takes two of them at least")
    weights = {name.removesuffix(".weight"): weight for name, weight in model.named_parameters()
               if weight.ndim == 4 and ".downsample." not in name}
    buffers = [(buffer, buffer.settle().copy()) for buffer in model.buffers()]   # training mode moves running statistics
    was_training = model.training
    model.train()
    sizes, directions = [], [0] * len(weights)
    for images, labels in batches:
        model.zero_grad()
        model.loss(model(images), labels).backward()
        gradients = [weight.grad.numpy().ravel().astype(np.float64) for weight in weights.values()]
        norms = [np.linalg.norm(gradient) for gradient in gradients]
        sizes.append([norm / np.linalg.norm(weight.settle()) for norm, weight in zip(norms, weights.values())])
        directions = [so_far + gradient / norm for so_far, gradient, norm in zip(directions, gradients, norms)]
    model.zero_grad()
    model.train(was_training)
    for buffer, before in buffers:
        buffer.copy_(before)
    # The squared length of a sum of n unit vectors is n plus the cosines of its n (n - 1) ordered pairs.
    count = len(batches)
    agreement = [(direction @ direction - count) / (count * (count - 1)) for direction in directions]
    return ByDepth(tuple(weights), np.mean(sizes, axis=0), np.array(agreement))


def over_starts(measured):
    """The ByDepth of one architecture from several starts as one: sizes differ by factors, so their mean is the geometric one."""
    return ByDepth(measured[0].names, np.exp(np.mean([np.log(one.sizes) for one in measured], axis=0)),
                   np.mean([one.agreement for one in measured], axis=0))
