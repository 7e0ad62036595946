"""Whole networks, forward and a step of training: the same program for every framework, from the same weights."""
import functools

import numpy as np

from benchmarks import frameworks, networks
from benchmarks.arrays import random_array
from benchmarks.cases.case import FORWARD, TWO_LAYOUTS, Case

TRAINING_STEP = "training step"
_TRAINING = TWO_LAYOUTS | {frameworks.COMPILED}
# Rounding moves a few values from one side of ReLU's 0 to the other, and each switches a gradient on or off: through all layers
# of ResNet-50 that makes some per cent (PyTorch's own two layouts differ by 5).
TOLERANCE_OF_GRADIENTS = 0.2
_EVALUATION = _TRAINING | {frameworks.ONNXRUNTIME, frameworks.EXACT}


def _forward(network, batch):
    """Scores, in evaluation."""
    def prepare(framework):
        model, images = networks.make(framework, network).eval(), framework.tensor(random_array(batch, *network.input_shape))

        def scores():
            with framework.library.no_grad():
                return model(images)
        return scores
    return prepare


def learning(framework, network):
    """step(images, labels): forward, loss, backward and update; what is compared is the gradient that arrives at the first layer. And a
    list of the dropouts in it."""
    library, F, model = framework.library, framework.F, networks.make(framework, network)
    first = next(iter(model.parameters()))
    # It learns next to nothing, so that every step is like the first: gradients that shrink for thousands of steps become
    # denormal numbers, and those are slow.
    optimizer = library.optim.SGD(model.parameters(), lr=1e-7, momentum=0.9)

    def step(images, labels):
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
        return first.grad
    return step, [module for module in model.modules() if isinstance(module, library.nn.Dropout)]


def without_chance_first(dropouts, ready, *tensors):
    """A function that calls the step which ready() gives. Chance is different in each framework, and the first result is compared, so
    that one goes without dropout; a step for the others is made ready anew."""
    def results():
        for dropout in dropouts:
            dropout.eval()
        yield ready()(*tensors)
        for dropout in dropouts:
            dropout.train()
        step = ready()
        while True:
            yield step(*tensors)
    return functools.partial(next, results())


def labels_for(network, batch):
    return np.arange(batch, dtype=np.int64) % network.classes


def _training_step(network, batch):
    def prepare(framework):
        step, dropouts = learning(framework, network)
        images, labels = framework.tensor(random_array(batch, *network.input_shape)), framework.library.tensor(labels_for(network, batch))
        return without_chance_first(dropouts, lambda: step, images, labels)
    return prepare


def _forward_case(network, batch, quick=False):
    multiply_adds = sum(node.multiply_adds for node in network.graph(batch).nodes)
    return Case("network", f"{network.name}, batch {batch}", FORWARD, _forward(network, batch), multiply_adds, quick=quick,
                others=_EVALUATION)


def _training_case(network, batch, quick=False):
    return Case("network", f"{network.name}, batch {batch}", TRAINING_STEP, _training_step(network, batch),
                multiply_adds_of_step(network, batch), quick=quick, others=_TRAINING, tolerance=TOLERANCE_OF_GRADIENTS)


def multiply_adds_of_step(network, batch):
    """Three times the forward pass, but for the images' gradient, which nobody needs."""
    counts = [node.multiply_adds for node in network.graph(batch).nodes if node.multiply_adds]
    return 3 * sum(counts) - counts[0]


CASES = [
    _forward_case(networks.LENET, 64, quick=True), _training_case(networks.LENET, 64, quick=True),
    _forward_case(networks.LENET, 1), _training_case(networks.LENET, 1),
    _forward_case(networks.ALEXNET, 1, quick=True),
    _forward_case(networks.ALEXNET, 16), _training_case(networks.ALEXNET, 16),
    _forward_case(networks.VGG16, 1, quick=True),
    _forward_case(networks.VGG16, 16), _training_case(networks.VGG16, 16),
    _forward_case(networks.GOOGLENET, 1, quick=True),
    _forward_case(networks.GOOGLENET, 16),
    _forward_case(networks.RESNET18, 1, quick=True),
    _forward_case(networks.RESNET18, 16), _training_case(networks.RESNET18, 16),
    _forward_case(networks.RESNET50, 1, quick=True),
    _forward_case(networks.RESNET50, 16), _training_case(networks.RESNET50, 16),
    _forward_case(networks.CIFAR_RESNET20, 1), _forward_case(networks.CIFAR_RESNET20, 128),
    _training_case(networks.CIFAR_RESNET20, 128, quick=True),
]
