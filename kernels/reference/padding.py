"""Padding: an array with a border around it. Elements of any type are moved as they are.

    x       any shape
    y       its sizes are those of x plus what comes before and after it along each axis
    before  how much comes before x along each axis
    mode    what the border holds: "constant", a value; "reflect", x mirrored at its first and last element, which are not repeated
            (the border is narrower than x); "replicate", the nearest element; "circular", x again and again
"""
import numpy as np

_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}   # what NumPy calls them


def pad(x, y, before, mode, value):
    """y[p] = x[p - before] inside, and outside what the mode says."""
    y[...] = _pad(x, y.shape, before, mode, value)


def pad_grad_input(grad_y, grad_x, before, mode):
    """grad_x[p] = the sum of grad_y over all places that x[p] was copied to."""
    places = _pad(np.arange(grad_x.size).reshape(grad_x.shape), grad_y.shape, before, mode, -1)
    grad_x[...] = 0
    np.add.at(grad_x.reshape(-1), places[places >= 0], grad_y[places >= 0])


def _pad(x, shape, before, mode, value):
    borders = [(first, padded - first - size) for first, padded, size in zip(before, shape, x.shape)]
    return np.pad(x, borders, _MODES[mode], **({"constant_values": value} if mode == "constant" else {}))
