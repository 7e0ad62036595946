"""Whole networks: a step of training as one writes it, and the same step recorded once and replayed."""
from benchmarks import networks
from benchmarks.arrays import random_array
from benchmarks.cases.case import FORWARD
from benchmarks.cases.networks import (
    TOLERANCE_OF_GRADIENTS, TRAINING_STEP, labels_for, learning, multiply_adds_of_step, without_chance_first)
from benchmarks.cuda.case import Case


def _step(network, batch, recorded):
    def prepare(contender):
        step, dropouts = learning(contender, network)
        images, labels = contender.tensor(random_array(batch, *network.input_shape)), contender.tensor(labels_for(network, batch))
        return without_chance_first(dropouts, lambda: contender.capture(step) if recorded else step, images, labels)
    return prepare


def _scores(network, batch):
    def prepare(contender):
        model, images = networks.make(contender, network).eval(), contender.tensor(random_array(batch, *network.input_shape))

        def scores():
            with contender.library.no_grad():
                return model(images)
        return scores
    return prepare


def _cases(network, batch, quick=("eager",)):
    subject, work = f"{network.name}, batch {batch}", multiply_adds_of_step(network, batch)
    for kind in ("eager", "recorded"):
        yield Case("network", subject, f"{TRAINING_STEP}, {kind}", _step(network, batch, kind == "recorded"), work,
                   quick=kind in quick, recorded=False, tolerance=TOLERANCE_OF_GRADIENTS)
    yield Case("network", subject, FORWARD, _scores(network, batch), sum(node.multiply_adds for node in network.graph(batch).nodes),
               quick="forward" in quick, recorded=False)


_ALL = "eager", "recorded", "forward"
CASES = [*_cases(networks.LENET, 64, ("eager", "recorded")), *_cases(networks.RESNET18, 64, _ALL), *_cases(networks.RESNET50, 32),
         *_cases(networks.VGG16, 32), *_cases(networks.ALEXNET, 128), *_cases(networks.GOOGLENET, 32),
         *_cases(networks.CIFAR_RESNET20, 128, ("eager", "recorded"))]
