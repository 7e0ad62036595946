"""DeconvNet: what a unit of a layer has answered to, brought back to the pixels.

M. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section 2.1. The image has passed the network. All
that a layer gave is set to zero but one activation, and that is sent down again through the layers, each undone in turn:

    unpool     a max pooling puts the signal back to where the maximum was, as its *switches* tell, and 0 elsewhere;
               where windows overlap, what several have put to one place is added up
    rectify    what is negative becomes 0: signals, as the maps on the way up, are positive
    filter     a convolution by the same kernels, transposed: each value stamps the kernel that has made it. Biases have no part in it

That is the backward pass of the gradient, but for what happens at ReLU (see minicnn.functional.relu_rule): the gradient would be stopped
where the map was 0, and lets negative values pass. So it is done by the backward pass, with ReLU's rule "deconvnet"; with "guided" it
is the guided backpropagation of Springenberg et al. (ICLR 2015 workshop), and with "backprop" the gradient times the activation.

What the paper does not have to undo, or leaves out:

    batch normalisation             in evaluation it is a factor for each channel, which belongs to the kernels, and a shift, left out as
                                    biases are
    local response normalisation    left out on the way back, as in the paper: "we do not use any contrast normalization"
    mean pooling                    shares the signal out evenly, as its kernel, transposed, would
    additions, concatenations       the signal goes back on every branch, and where branches began, is added up
"""
from typing import NamedTuple

import numpy as np

from minicnn.autograd import grad
from minicnn.functional import relu_rule
from minicnn.nn import frozen
from minicnn.tensor import Tensor
from minicnn.visualize import layers
from minicnn.visualize.strongest import Strong


class Projection(NamedTuple):
    """What units were projected to, one of each image."""

    signal: Tensor            # (N, C, H, W): in the pixels, as far as these are normalised for the network; 0 is nothing
    activations: np.ndarray   # (N,)
    positions: np.ndarray     # (N, 2): row and column in the map; 0, 0 if the layer has none


def project(model, x, layer, channels, positions=None, rule="deconvnet"):
    """Project one unit of a layer, for each image, to the pixels: a Projection.

    x          Tensor (N, C, H, W), as the network takes them
    layer      a layers.Layer
    channels   the number of the unit's map: one for all images, or one for each (N,)
    positions  (N, 2), the row and column of each unit; None for those where its map is highest
    rule       of ReLU on the way back

    The network is run in evaluation mode up to the layer, and no gradient of a weight is computed.
    """
    channels = np.broadcast_to(channels, len(x))
    for channel, position in zip(channels, [None] * len(x) if positions is None else positions):
        layer.check(channel, position)
    with frozen(model), relu_rule(rule):
        leaf = Tensor(x.settle(), requires_grad=True)
        output, = layers.outputs(model, leaf, [layer])
        units = output.reshape(len(x), output.shape[1], -1)
        width = output.shape[3] if output.ndim == 4 else 1
        if positions is None:
            highest = units.detach().argmax(2).cpu().numpy()[np.arange(len(x)), channels]
        else:
            highest = np.asarray(positions) @ (width, 1)
        mask = np.zeros(units.shape, np.float32)
        mask[np.arange(len(x)), channels, highest] = 1
        alone = units.detach() * Tensor(mask).to(x.device)
        activations = alone.sum((1, 2)).cpu().numpy()
        signal, = grad(units, [leaf], gradient=alone)
    return Projection(signal, activations, np.stack(np.divmod(highest, width), 1))


class Answer(NamedTuple):
    """A patch that a map answers to, and what of it the map has seen."""

    strong: Strong
    signal: np.ndarray   # (C, H, W): the projection of the activation


def answers(model, layer, channel, found):
    """Answers of one map of a layer: the projections of what strongest.strongest has found for it."""
    if not found:
        return []
    x = Tensor(np.stack([strong.x for strong in found])).to(model.parameters()[0].device)
    projection = project(model, x, layer, channel, [strong.position for strong in found])
    return list(map(Answer, found, projection.signal.cpu().numpy()))
