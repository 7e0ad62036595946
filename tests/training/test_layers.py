"""What every layer makes of an image: seen at the functions, whatever modules there are."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from minicnn import models, nn
from minicnn.training import layers


@pytest.mark.parametrize("variant, expected", [
    ("modern", [("conv1", (6, 28, 28)), ("MaxPool2d", (6, 14, 14)), ("conv2", (16, 10, 10)), ("MaxPool2d", (16, 5, 5)),
                ("fc1", (120,)), ("fc2", (84,)), ("fc3", (10,))]),
    ("paper", [("c1", (6, 28, 28)), ("s2", (6, 14, 14)), ("c3", (16, 10, 10)), ("s4", (16, 5, 5)), ("c5", (120, 1, 1)),
               ("f6", (84,)), ("output", (10,))]),
])
def test_layers_of_lenet(variant, expected):
    model = models.get("lenet", variant=variant)
    image = np.random.default_rng(0).random(model.input_shape).astype(np.float32)
    seen = layers.outputs(model, image)
    assert [(layer.name, layer.output.shape) for layer in seen] == expected
    np.testing.assert_array_equal(seen[-1].output, model(mc.tensor(image[None])).detach().numpy()[0])
    if variant == "modern":
        np.testing.assert_array_equal(seen[0].output, F.relu(model.conv1(mc.tensor(image[None]))).detach().numpy()[0])


def test_equal_shapes_are_told_apart_by_their_weights():
    class Net(nn.Module):
        def __init__(self):
            self.first, self.second = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
            self.dropout = nn.Dropout(0.5)

        def forward(self, x):
            return F.relu(self.second(self.dropout(F.relu(self.first(x)))))

    model = Net()
    x = np.ones((2, 4, 4), np.float32)
    first, second = layers.outputs(model, x)
    assert (first.name, second.name) == ("first", "second")
    expected = F.relu(model.first(mc.tensor(x[None]))).detach().numpy()[0]
    np.testing.assert_array_equal(first.output, expected)   # dropout does nothing: evaluation mode
    assert (first.output >= 0).all() and (second.output >= 0).all()


def test_arithmetic_between_weights_is_no_layer():
    class Net(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(3, 4)

        def forward(self, x):
            return F.linear(F.flatten(x, 1), self.linear.weight * 2 + 1)

    (layer,) = layers.outputs(Net(), np.ones((3, 1, 1), np.float32))
    assert layer.name == "linear" and layer.output.shape == (4,)
