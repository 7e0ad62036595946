"""The average of a network's weights over the steps of training, which is better than where the last steps happened to lead."""
import contextlib

import numpy as np

from minicnn.device import assign, contiguous, kernels_for, varying
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
        self._tables = {}   # of the kernel that changes all at once

    def update(self):
        """Take in the weights as they are now: after each step of the optimiser."""
        floating, counted = {}, False   # {type: (averages, weights)}
        for name, tensor in self.tensors.items():
            average, values = self.average[name], contiguous(tensor.settle())
            if values.dtype in FLOATING:
                averages, weights = floating.setdefault(values.dtype, ([], []))
                averages.append(average)
                weights.append(values)
            else:
                average[...] = values
        for averages, weights in floating.values():
            share = varying(weights[0], self._share if counted else self._next_share)
            self._approach(averages, weights, share)
            counted = True

    def _next_share(self):
        self.updates += 1
        return self._share()

    def _share(self):
        """keep - 1."""
        return min(self.decay, (1 + self.updates) / (10 + self.updates)) - 1

    def _approach(self, averages, weights, share):
        """average -= share (weights - average), which is a step of gradient descent, where the weights are the gradient and the decay
        is -1: for that there is a kernel that changes all arrays at once, or at least one that goes over them once."""
        kernels, settings = kernels_for(*weights), (share, 0, -1, False)
        if hasattr(kernels, "sgd_all"):
            kernels.sgd_all(averages, weights, None, *settings, self._tables)
            return
        for average, values in zip(averages, weights):
            kernels.sgd(average, values, None, *settings)

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
        for name, array in self.average.items():
            assign(array, state_dict[name])
        self.updates = state_dict["updates"]
