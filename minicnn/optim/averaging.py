"""The average of a network's weights over the steps of training, which is better than where the last steps happened to lead."""
import contextlib

import numpy as np

from minicnn import arithmetic
from minicnn.device import kernels_for, move
from minicnn.errors import InputError
from minicnn.tensor import FLOATING


class WeightAverage:
    """An exponential moving average of a module's parameters and buffers:

        average = keep * average + (1 - keep) * weights,    keep = min(decay, (1 + updates) / (10 + updates))

    The second value lets the average forget the random start, however short the training is; TensorFlow's
    ExponentialMovingAverage does the same. Whole numbers, such as a count of batches, are copied.

    Polyak & Juditsky, "Acceleration of stochastic approximation by averaging" (1992); the GoogLeNet of Szegedy et al. (CVPR 2015)
    was tested with averaged weights.

        average = WeightAverage(model, decay=0.999)
        ...
            optimizer.step()
            average.update()
        with average.applied():
            evaluate(model)
    """

    def __init__(self, module, decay=0.999):
        if not 0 < decay < 1:
            raise ValueError(f"WeightAverage: decay must be between 0 and 1, not {decay}")
        self.decay, self.updates = decay, 0
        self.tensors = dict([*module.named_parameters(), *module.named_buffers()])
        self.average = {name: tensor.settle().copy() for name, tensor in self.tensors.items()}

    def update(self):
        """Take in the weights as they are now: after each step of the optimiser."""
        self.updates += 1
        keep = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, tensor in self.tensors.items():
            values = tensor.settle()
            if values.dtype in FLOATING:
                before, now = arithmetic.multiply(self.average[name], keep), arithmetic.multiply(values, 1 - keep)
                kernels_for(values).add(before, now, self.average[name])
            else:
                self.average[name][...] = values

    @contextlib.contextmanager
    def applied(self):
        """Inside the `with`, the module has the averaged weights; afterwards it has its own again."""
        own = {name: tensor.settle().copy() for name, tensor in self.tensors.items()}
        try:
            self._write(self.average)
            yield
        finally:
            self._write(own)

    def _write(self, arrays):
        for name, tensor in self.tensors.items():
            tensor.copy_(arrays[name])

    def state_dict(self):
        """The average's arrays by the names of the tensors, and "updates", their number. Copy what must outlive the next update."""
        return {**self.average, "updates": self.updates}

    def load_state_dict(self, state_dict):
        """The reverse of state_dict. InputError if it is that of another module."""
        missing = [name for name in ("updates", *self.average) if name not in state_dict]
        if missing:
            raise InputError(f"this is no average of these weights: it lacks {', '.join(missing)}")
        for name, array in self.average.items():
            if np.shape(state_dict[name]) != array.shape:
                raise InputError(f"this average does not fit: {name} has the shape {np.shape(state_dict[name])} "
                                 f"instead of {array.shape}")
        self.average = {name: move(state_dict[name], array) for name, array in self.average.items()}
        self.updates = state_dict["updates"]
