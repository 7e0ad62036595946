"""A residual network as a sum over paths, and which of them its gradient takes.

A. Veit, M. Wilber, S. Belongie, "Residual networks behave like ensembles of relatively shallow networks", NIPS 2016, sections 3 and 4.3.

On its way back the gradient comes to a fork at every block: through the residual, or through the shortcut. With n blocks these are
2^n paths, and what arrives is the sum over all of them. A path's length is the number of residuals it goes through.
"""
import math

import numpy as np

from minicnn import functional as F
from minicnn.errors import InputError
from minicnn.models.resnet import PlainBlock
from minicnn.nn import frozen
from minicnn.tensor import Tensor


def share_of_paths(blocks):
    """How many of all paths through so many blocks have the length 0, 1, ..., as shares (blocks + 1,): the binomial distribution."""
    return np.array([math.comb(blocks, length) / 2 ** blocks for length in range(blocks + 1)])


class Backward:
    """The backward pass of a residual network for one batch, that can be sent along any path, again and again.

    The forward pass is the usual one, in evaluation mode, and done once. Each block is a graph of its own, from a leaf for the
    residual's input and one for the shortcut's to their sum, so that a gradient can be carried through either part alone.
    """

    def __init__(self, model, images, labels):
        _check(model)
        model.eval()
        with frozen(model):   # else each path would add to the weights' gradients
            self.blocks = []
            x = model.stem(images).detach()
            for block in model.blocks():
                self.blocks.append(_Fork(block, x))
                x = self.blocks[-1].output.detach()
            end = _leaf(x)
            model.loss(model.head(end), labels).backward()
            self.arriving = end.grad   # at the output of the last block

    def along(self, path):
        """The gradient by the first block's input, a Tensor, along one path: the numbers of the blocks whose residuals it goes through."""
        gradient = self.arriving
        for number in reversed(range(len(self.blocks))):
            gradient = self.blocks[number].back(gradient, number in path)
        return gradient


class _Fork:
    """A block: relu(residual + shortcut)."""

    def __init__(self, block, x):
        self.residual_input, self.shortcut_input = _leaf(x), _leaf(x)
        self.residual, self.shortcut = block.residual(self.residual_input), block.shortcut(self.shortcut_input)
        self.sum = _leaf(self.residual.detach() + self.shortcut.detach())
        self.output = F.relu(self.sum)

    def back(self, gradient, through_residual):
        """The part of the gradient by the input that comes one of the two ways."""
        gradient = _carry(self.output, gradient, self.sum)
        if through_residual:
            return _carry(self.residual, gradient, self.residual_input)
        return _carry(self.shortcut, gradient, self.shortcut_input)


def _leaf(tensor):
    return Tensor(tensor.settle(), requires_grad=True)


def _carry(output, gradient, leaf):
    """The gradient by the leaf from which `output` was computed."""
    leaf.grad = None
    output.backward(gradient, retain_graph=True)
    return leaf.grad


def _check(model):
    if isinstance(model.blocks()[0], PlainBlock):
        raise InputError("a plain network has one path only: paths are counted in one with shortcuts, such as resnet20")


def gradient_by_length(model, batches, lengths, repeats, generator):
    """The norm of the gradient that arrives by a path of each length (lengths,): the mean over random ones, their Figure 6 (b).

    batches    pairs (images, labels), for each of which ...
    repeats    ... so many paths of each length are drawn
    generator  a numpy.random.Generator
    """
    norms = np.zeros((len(lengths), len(batches), repeats))
    for batch, (images, labels) in enumerate(batches):
        backward = Backward(model, images, labels)
        for row, length in enumerate(lengths):
            for repeat in range(repeats):
                path = set(generator.choice(len(backward.blocks), length, replace=False).tolist())
                norms[row, batch, repeat] = np.linalg.norm(backward.along(path).settle())
    return norms.mean(axis=(1, 2))


def share_of_gradient(norms):
    """How much of the gradient comes by paths of length 0, 1, ..., as shares that add up to 1: the number of such paths times
    the norm that one of them carries, norms (blocks + 1,). Their Figure 6 (c)."""
    carried = share_of_paths(len(norms) - 1) * norms
    return carried / carried.sum()


def middle(shares, part=0.95):
    """The lengths (first, last) between which lies this part of the whole, as much of the rest below as above."""
    below = np.cumsum(shares)
    return int(np.searchsorted(below, (1 - part) / 2, side="right")), int(np.searchsorted(below, (1 + part) / 2))
