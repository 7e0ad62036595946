"""Chance, made differentiable."""
import numpy as np

from minicnn import random
from minicnn.autograd import Function
from minicnn.device import empty, kernels_for, varying


class Dropout(Function):
    """Keeps the seed, and no mask: the same seed drops the same positions of the gradient."""

    def __init__(self, probability):
        self.probability = probability

    def forward(self, x):
        self.seed = varying(x, _draw, np.uint64)
        return self._drop(x)

    def backward(self, gradient):
        return (self._drop(gradient),)

    def _drop(self, x):
        y = empty(x)
        kernels_for(x).dropout(x, y, self.probability, self.seed)
        return y


def _draw():
    return int(random.generator().integers(2**63))


def dropout(x, p=0.5, training=True):
    """Set each value to 0 with probability p and scale the others by 1 / (1 - p); the identity unless `training`.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (JMLR 2014). What is dropped depends
    on minicnn.manual_seed. As torch.nn.functional.dropout.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p must be a probability between 0 and 1, not {p}")
    if not training or p == 0:
        return x
    return Dropout(float(p))(x)
