"""What methods are compared on: SqueezeNet written out in PyTorch, so that its ReLU can be chosen and a layer looked at; a small network in
double precision."""
import numpy as np

import minicnn as mc
from minicnn import nn
from minicnn.data import photographs
from minicnn.training.seeing import look

CLASSES = {"chelsea": "Egyptian cat", "coffee": "espresso", "rocket": "missile"}   # that SqueezeNet finds most probable


def photograph(model, name):
    """As the network takes it, Tensor (1, C, H, W)."""
    return look(model, photographs.EXAMPLES / f"{name}.jpg").x


def small():
    """(N, 2, 9, 11) -> scores (N, 3)."""
    mc.manual_seed(2)
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.5),
                         nn.Conv2d(4, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(30, 3)).double()


def image(count=1):
    return mc.tensor(np.random.default_rng(0).uniform(-2, 2, (count, 2, 9, 11)))


def distance(found, expected):
    """Relative, in the 2-norm."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    assert found.shape == expected.shape and np.linalg.norm(expected) > 0
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def state_of(model):
    """All that a method must leave as it was: values, modes, what learns, and that there are no gradients."""
    values = {name: value.numpy().tobytes() for name, value in model.state_dict().items()}
    return values, [module.training for module in model.modules()], [(p.requires_grad, p.grad) for p in model.parameters()]


class TorchSqueezeNet:
    def __init__(self, torch, model, relu=None):
        self.torch, self.relu = torch, relu or torch.relu
        self.state = {name: torch.from_numpy(value.numpy()) for name, value in model.state_dict().items()}

    def convolved(self, name, x, **settings):
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        return self.relu(self.torch.nn.functional.conv2d(x, weight, bias, **settings))

    def maps(self, x):
        """Of fire9."""
        x = self.convolved("features.0", x, stride=2, padding=1)
        for number in range(2, 13):
            if number in (2, 5, 8):
                x = self.torch.nn.functional.max_pool2d(x, 3, 2)
                continue
            fire = f"features.{number}"
            x = self.convolved(f"{fire}.squeeze", x)
            x = self.torch.cat([self.convolved(f"{fire}.expand1x1", x), self.convolved(f"{fire}.expand3x3", x, padding=1)], 1)
        return x

    def scores(self, maps):
        return self.convolved("classifier.1", maps).mean((2, 3))

    def gradient(self, x, number):
        """Of the score of a class, by the image: array."""
        x = self.torch.tensor(x.numpy(), requires_grad=True)
        self.scores(self.maps(x))[:, number].sum().backward()
        return x.grad.numpy()


def guided_relu(torch):
    class Guided(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            y = x.clamp(min=0)
            context.save_for_backward(y)
            return y

        @staticmethod
        def backward(context, gradient):
            y, = context.saved_tensors
            return gradient * (y > 0) * (gradient > 0)

    return Guided.apply
