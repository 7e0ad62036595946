"""The one generator behind everything random in a network: initial weights, dropout, `rand` and `randn`."""
import numpy as np

_generator = np.random.Generator(np.random.PCG64())


def generator():
    """The generator itself, a numpy.random.Generator."""
    return _generator


def manual_seed(seed):
    """Start the generator from `seed`, a non-negative integer: what follows is the same in every run."""
    _generator.bit_generator.state = np.random.PCG64(seed).state


def get_state():
    """Where the generator stands: a dictionary of strings and integers that JSON can hold."""
    return _generator.bit_generator.state


def set_state(state):
    """Go on from where `get_state` was called."""
    _generator.bit_generator.state = state
