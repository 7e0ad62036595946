"""Initial weights: random numbers whose variance keeps signals at one size from layer to layer.

A weight (N, K) or (N, K, rows, columns) has fan_in = K rows columns inputs for each output, and fan_out = N rows columns.

    LeCun    variance 1 / fan_in              LeCun, Bottou, Orr & Müller, "Efficient BackProp" (1998), section 4.6
    Xavier   variance 2 / (fan_in + fan_out)  Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural
                                              networks" (AISTATS 2010)
    Kaiming  variance 2 / fan_in              He et al., "Delving deep into rectifiers" (ICCV 2015): half of ReLU's inputs are cut

All write into the tensor that they are given and return it. They draw from minicnn.random, so manual_seed decides what comes.

Random numbers for 138 million weights take seconds. Where they would be overwritten at once, they need not be drawn:

    with init.skipped():
        layer = nn.Linear(25088, 4096)   # zeros
"""
import contextlib
import math

from minicnn import random

_CHUNK = 1 << 20   # numbers drawn at a time: NumPy draws float64, and large layers need not pay for that in memory

_skipping = False


@contextlib.contextmanager
def skipped():
    """Inside the `with`, the functions of this file leave tensors as they are, and draw nothing; new layers are of zeros."""
    global _skipping
    previous, _skipping = _skipping, True
    try:
        yield
    finally:
        _skipping = previous


def uniform_(tensor, low=0.0, high=1.0):
    """Uniform in [low, high)."""
    return _fill(tensor, lambda count: random.generator().uniform(low, high, count))


def normal_(tensor, mean=0.0, std=1.0):
    return _fill(tensor, lambda count: random.generator().normal(mean, std, count))


def constant_(tensor, value):
    if not _skipping:
        tensor.settle().fill(value)
        tensor.changed()
    return tensor


def zeros_(tensor):
    return constant_(tensor, 0)


def ones_(tensor):
    return constant_(tensor, 1)


def lecun_uniform_(tensor):
    return _uniform_with_std(tensor, math.sqrt(1 / fans(tensor)[0]))


def lecun_normal_(tensor):
    return normal_(tensor, 0, math.sqrt(1 / fans(tensor)[0]))


def xavier_uniform_(tensor, gain=1.0):
    return _uniform_with_std(tensor, gain * math.sqrt(2 / sum(fans(tensor))))


def xavier_normal_(tensor, gain=1.0):
    return normal_(tensor, 0, gain * math.sqrt(2 / sum(fans(tensor))))


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu"):
    """`a` is the slope of a leaky ReLU below 0; mode "fan_out" keeps the size of gradients instead of signals."""
    return _uniform_with_std(tensor, _kaiming_std(tensor, a, mode, nonlinearity))


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu"):
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity))


def calculate_gain(nonlinearity, a=0.01):
    """How much larger weights must be because of what the nonlinearity takes from the signal."""
    gains = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "leaky_relu": math.sqrt(2 / (1 + a * a))}
    if nonlinearity not in gains:
        raise ValueError(f"calculate_gain: nonlinearity must be one of {', '.join(gains)}, not {nonlinearity!r}")
    return gains[nonlinearity]


def fans(tensor):
    """(fan_in, fan_out)."""
    if tensor.ndim < 2:
        raise ValueError(f"fans: a weight of shape {tensor.shape} has no fan_in; it needs at least 2 axes")
    positions = math.prod(tensor.shape[2:])
    return tensor.shape[1] * positions, tensor.shape[0] * positions


def _kaiming_std(tensor, a, mode, nonlinearity):
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"kaiming: mode must be 'fan_in' or 'fan_out', not {mode!r}")
    return calculate_gain(nonlinearity, a) / math.sqrt(fans(tensor)[mode == "fan_out"])


def _uniform_with_std(tensor, std):
    bound = math.sqrt(3) * std
    return uniform_(tensor, -bound, bound)


def _fill(tensor, draw):
    if _skipping:
        return tensor
    flat = tensor.settle().reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        chunk = flat[start:start + _CHUNK]
        chunk[...] = draw(chunk.size)
    tensor.changed()
    return tensor
