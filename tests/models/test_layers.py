"""What is one layer, whose weights it uses, and that the network is left alone."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from minicnn import nn
from minicnn.models.layers import Notes, follow


def layers_of(model, *shape):
    """The names of functions and modules of each layer, and of what is none."""
    steps = []
    follow(model, mc.ones(1, *shape), lambda step: steps.append((step.layer, type(step.function).__name__, step.module)))
    numbers = dict.fromkeys(number for number, _, _ in steps)
    return {number: [(function, module) for layer, function, module in steps if layer == number] for number in numbers}


def test_what_follows_in_the_same_shape_belongs_to_a_layer():
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(3, 1, padding=1), nn.Conv2d(2, 2, 1),
                          nn.Flatten(), nn.Linear(32, 32), nn.Sigmoid())
    assert layers_of(model, 1, 4, 4) == {
        0: [("Conv2d", "0"), ("BatchNorm", "1"), ("ReLU", None)], 1: [("MaxPool2d", None)], 2: [("Conv2d", "4")],
        None: [("Reshape", None)], 3: [("Linear", "6"), ("Sigmoid", None)]}


def test_every_matrix_product_is_a_layer():
    assert layers_of(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), 1, 1, 4) == {
        None: [("Reshape", None)] * 4, 0: [("Linear", "0")], 1: [("Linear", "1")]}


def test_running_statistics_are_weights_too():
    assert layers_of(nn.Sequential(nn.MaxPool2d(2), nn.BatchNorm2d(1, affine=False)), 1, 4, 4) == {
        0: [("MaxPool2d", None), ("BatchNorm", "1")]}


def test_branches_meet_in_a_layer_of_their_own():
    class Block(nn.Module):
        def __init__(self):
            self.conv1, self.conv2 = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)

        def forward(self, x):
            x = F.relu(self.conv1(x))
            gate = self.conv2(x)
            return F.relu(gate * F.sigmoid(gate) + x)

    assert layers_of(Block(), 2, 4, 4) == {
        0: [("Conv2d", "conv1"), ("ReLU", None)], 1: [("Conv2d", "conv2"), ("Sigmoid", None), ("Multiply", None)],
        2: [("Add", None), ("ReLU", None)]}


def test_weights_are_found_through_what_is_computed_from_them():
    class Net(nn.Module):
        def __init__(self):
            self.part = nn.Linear(3, 4)
            self.register_buffer("code", mc.ones(2, 4))

        def forward(self, x):
            x = F.linear(F.flatten(x, 1), self.part.weight.detach() * 2 + 1)
            return (x.unsqueeze(1) - self.code).sum(2)

    assert layers_of(Net(), 3, 1, 1) == {None: [("Reshape", None)] * 2, 0: [("Linear", "part")], 1: [("Subtract", ""), ("Sum", None)]}


def test_modes_and_statistics_stay_as_they_are():
    class Sees(nn.Module):
        def forward(self, x):
            assert not self.training
            return x

    model = nn.Sequential(nn.BatchNorm2d(2), nn.Dropout(), Sees()).train()
    model.children()[0].eval()
    before = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    follow(model, mc.ones(1, 2, 4, 4), lambda step: None)
    assert [module.training for module in model.modules()] == [True, False, True, True]
    for name, tensor in model.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[name])


def test_modes_come_back_after_an_error():
    model = nn.Sequential(nn.Dropout(), nn.Linear(2, 2))
    with pytest.raises(ValueError):
        follow(model, mc.ones(1, 1, 1, 3), lambda step: None)
    assert model.training and all(module.training for module in model.modules())


def test_a_note_is_not_read_for_another_tensor():
    notes, tensor = Notes(), mc.ones(2)
    notes[tensor] = 1
    place = id(tensor)
    assert notes.get(tensor) == 1
    del tensor
    others = [mc.ones(2) for _ in range(1000)]   # one of them lies where the tensor was
    assert place in map(id, others) and {notes.get(other) for other in others} == {None}
