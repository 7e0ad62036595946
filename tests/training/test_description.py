import numpy as np

import minicnn as mc
from minicnn import models
from minicnn.training.description import describe


def test_multiply_adds_are_those_of_the_layers():
    convolutions = 6 * 25 * 28 * 28 + 16 * 150 * 10 * 10
    connected = 400 * 120 + 120 * 84 + 84 * 10
    assert describe("lenet", models.get("lenet")) == (
        f"lenet: 5 layers with weights, 61,706 parameters, {convolutions + connected:,} multiply-adds per image")


def test_nothing_is_changed_by_a_description():
    """A network with batch normalisation has running statistics, and its training may have been under way."""
    model = models.get("resnet20")
    before = {name: tensor.array.copy() for name, tensor in model.state_dict().items()}
    following = mc.random.get_state()
    assert describe("resnet20", model).startswith("resnet20: 20 layers with weights, 269,722 parameters")
    for name, tensor in model.state_dict().items():
        np.testing.assert_array_equal(tensor.array, before[name])
    assert mc.random.get_state() == following
