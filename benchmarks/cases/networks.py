"""Whole networks, forward and a step of training: the same program for every framework, from the same weights."""
import numpy as np

from benchmarks import frameworks, networks
from benchmarks.arrays import random_array
from benchmarks.cases.case import FORWARD, TWO_LAYOUTS, Case

TRAINING_STEP = "training step"
_TRAINING = TWO_LAYOUTS | {frameworks.COMPILED}
# Rounding moves a few values from one side of ReLU's 0 to the other, and each switches a gradient on or off: through all layers
# of ResNet-50 that makes some per cent (PyTorch's own two layouts differ by 5).
_TOLERANCE_OF_GRADIENTS = 0.2
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


def _training_step(network, batch):
    """Forward, loss, backward and update; what is compared is the gradient that arrives at the first layer."""
    def prepare(framework):
        library, F = framework.library, framework.F
        model, images = networks.make(framework, network), framework.tensor(random_array(batch, *network.input_shape))
        labels = library.tensor(np.arange(batch, dtype=np.int64) % network.classes)
        first = next(iter(model.parameters()))
        # It learns next to nothing, so that every step is like the first: gradients that shrink for thousands of steps become
        # denormal numbers, and those are slow.
        optimizer = library.optim.SGD(model.parameters(), lr=1e-7, momentum=0.9)
        # Chance is different in each framework. The first step's result is compared, so that one goes without it.
        dropouts = [module for module in model.modules() if isinstance(module, library.nn.Dropout)]
        for dropout in dropouts:
            dropout.eval()

        def step():
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
            for dropout in dropouts:
                dropout.train()
            return first.grad
        return step
    return prepare


def _forward_case(network, batch, quick=False):
    multiply_adds = sum(node.multiply_adds for node in network.graph(batch).nodes)
    return Case("network", f"{network.name}, batch {batch}", FORWARD, _forward(network, batch), multiply_adds, quick=quick,
                others=_EVALUATION)


def _training_case(network, batch, quick=False):
    """Three times the forward pass, but for the images' gradient, which nobody needs."""
    counts = [node.multiply_adds for node in network.graph(batch).nodes if node.multiply_adds]
    return Case("network", f"{network.name}, batch {batch}", TRAINING_STEP, _training_step(network, batch), 3 * sum(counts) - counts[0],
                quick=quick, others=_TRAINING, tolerance=_TOLERANCE_OF_GRADIENTS)


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
