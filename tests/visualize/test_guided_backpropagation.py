"""Guided backpropagation: what comes back passes a ReLU where both it and the unit are positive."""
import numpy as np

import minicnn as mc
from minicnn import nn
from minicnn.visualize import classes, gradients, logit
from minicnn.visualize.guided_backpropagation import guided_backpropagation

from tests.visualize.comparison import TorchSqueezeNet, distance, guided_relu, photograph


def test_by_hand():
    """Four units of one pixel each: active or not, and for or against the class."""
    model = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(4, 1, bias=False))
    model[0].weight.copy_(2 * np.eye(4).reshape(4, 4, 1, 1))
    model[3].weight.copy_(np.array([[3.0, -5, 7, -11]]))
    x = mc.tensor(np.array([1.0, 1, -1, -1], np.float32).reshape(1, 4, 1, 1))
    objective = logit(0).of(model, (4, 1, 1))
    assert guided_backpropagation(objective, x).numpy().ravel().tolist() == [6, 0, 0, 0]
    assert gradients.by_image(objective, x)[1].numpy().ravel().tolist() == [6, -10, 0, 0]


def test_it_agrees_with_pytorch(torch, squeezenet):
    x, cat = photograph(squeezenet, "chelsea"), classes.find(squeezenet, "Egyptian cat")
    expected = TorchSqueezeNet(torch, squeezenet, guided_relu(torch)).gradient(x, cat)
    assert distance(guided_backpropagation(logit(cat).of(squeezenet), x).numpy(), expected) <= 1e-4
