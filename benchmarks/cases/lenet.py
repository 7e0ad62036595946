"""The whole of LeNet: the same program for every framework, from the same weights."""
import numpy as np

from benchmarks.cases.case import FORWARD, Case, random_array

_GROUP = "LeNet"
_MULTIPLY_ADDS = {"conv1": 6 * 28 * 28 * 25, "conv2": 16 * 10 * 10 * 150, "fc1": 400 * 120, "fc2": 120 * 84, "fc3": 84 * 10}
_FORWARD = sum(_MULTIPLY_ADDS.values())
_STEP = 3 * _FORWARD - _MULTIPLY_ADDS["conv1"]   # the images need no gradient


def make_lenet(framework):
    """models.lenet's "modern" network, layer by layer."""
    nn = framework.library.nn
    model = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                          nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
    weights = {}
    for name, parameter in model.named_parameters():
        scale = parameter.shape[0] / parameter.numel() if len(parameter.shape) > 1 else 0   # 1 / fan-in; biases begin at 0
        weights[name] = framework.library.tensor(random_array(*parameter.shape) * np.float32(scale ** 0.5))
    model.load_state_dict(weights)
    return model


def _forward(batch):
    def prepare(framework):
        model, images = make_lenet(framework), framework.library.tensor(random_array(batch, 1, 28, 28))

        def scores():
            with framework.library.no_grad():
                return model(images)
        return scores
    return prepare


def _training_step(batch):
    """Forward, loss, backward and update; what is compared is the gradient that arrives at the first layer."""
    def prepare(framework):
        library, F = framework.library, framework.F
        model, images = make_lenet(framework), library.tensor(random_array(batch, 1, 28, 28))
        labels = library.tensor(np.arange(batch, dtype=np.int64) % 10)
        # It learns next to nothing, so that every step is like the first: gradients that shrink for thousands of steps become
        # denormal numbers, and those are slow.
        optimizer = library.optim.SGD(model.parameters(), lr=1e-7, momentum=0.9)

        def step():
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
            return model[0].weight.grad
        return step
    return prepare


def _cases(batch, quick):
    yield Case(_GROUP, f"LeNet, batch {batch}", FORWARD, _forward(batch), multiply_adds=batch * _FORWARD, quick=quick)
    yield Case(_GROUP, f"LeNet, batch {batch}", "training step", _training_step(batch), multiply_adds=batch * _STEP, quick=quick)


CASES = [*_cases(64, quick=True), *_cases(1, quick=False)]
