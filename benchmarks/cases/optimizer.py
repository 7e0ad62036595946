"""One step of an optimiser, with its gradients given."""
import math

from benchmarks.arrays import random_array
from benchmarks.cases.case import FLOAT, Case

_LENET = [(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,)]
_RESNET_STAGE = [(512, 512, 3, 3)] * 4
_PARAMETERS = {"LeNet's 61,706 parameters": _LENET, "ResNet's last stage, 9.4 million parameters": _RESNET_STAGE}

# Settings, and how many floats a step moves for a parameter: it, its gradient and its state are read, it and its state written.
_OPTIMIZERS = {"SGD with momentum": ("SGD", {"momentum": 0.9}, 5), "Adam": ("Adam", {}, 7)}


def _step(name, settings, shapes):
    def prepare(framework):
        library = framework.library
        parameters = [library.nn.Parameter(framework.tensor(random_array(*shape))) for shape in shapes]
        for parameter in parameters:
            parameter.grad = framework.tensor(random_array(*parameter.shape))
        optimizer = getattr(library.optim, name)(parameters, lr=1e-3, **settings)

        def step():
            optimizer.step()
            return parameters[0]
        return step
    return prepare


CASES = [Case("optimiser", subject, aspect, _step(name, settings, shapes), bytes=floats * FLOAT * sum(map(math.prod, shapes)),
              quick=shapes is not _LENET)
         for subject, shapes in _PARAMETERS.items() for aspect, (name, settings, floats) in _OPTIMIZERS.items()]
