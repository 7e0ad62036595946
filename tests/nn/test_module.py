"""Module: names, state, modes, and how it prints."""
import re

import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from minicnn import nn
from minicnn.errors import InputError


class Network(nn.Module):
    def __init__(self):
        self.scale = nn.Parameter(mc.ones(1))
        self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
        self.register_buffer("seen", mc.zeros(1))
        self.fc = nn.Linear(8, 3, bias=False)

    def forward(self, x):
        return self.fc(self.features(x).flatten(1)) * self.scale


NAMES = ["scale", "seen", "features.0.weight", "features.0.bias", "fc.weight"]


def test_names():
    model = Network()
    assert list(model.state_dict()) == NAMES
    assert [name for name, _ in model.named_parameters()] == [name for name in NAMES if name != "seen"]
    assert [name for name, _ in model.named_buffers()] == ["seen"] and model.buffers() == [model.seen]
    assert [name for name, _ in model.named_modules()] == ["", "features", "features.0", "features.1", "fc"]
    assert [name for name, _ in model.named_children()] == ["features", "fc"]
    assert len(model.parameters()) == 4 and len(model.modules()) == 5


def test_shared_parts_count_once():
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, layer)
    assert len(model.parameters()) == 2 and len(model.modules()) == 2
    other = nn.Linear(2, 2)
    other.weight = layer.weight
    tied = nn.Sequential(layer, other)
    assert len(tied.parameters()) == 3 and list(tied.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_state_moves_from_network_to_network():
    one, other = Network(), Network()
    one.seen.copy_(mc.ones(1) * 7)
    array = other.fc.weight.array
    assert other.load_state_dict(one.state_dict()) == ([], [])
    x = mc.randn(2, 1, 4, 4)
    assert other(x).tolist() == one(x).tolist() and other.seen.item() == 7
    assert other.fc.weight.array is array and other.fc.weight.requires_grad      # copied into, not replaced
    other.load_state_dict({name: tensor.numpy() for name, tensor in one.state_dict().items()})   # arrays do as well


def test_state_of_the_state_dict_is_the_networks():
    model = Network()
    state = model.state_dict()
    assert all(np.shares_memory(state[name].array, tensor.array) for name, tensor in model.named_parameters())
    assert not any(tensor.requires_grad for tensor in state.values())


def test_all_that_does_not_fit_is_named_and_nothing_is_changed():
    model = Network()
    before = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    state = {"scale": mc.zeros(1), "features.0.weight": mc.zeros(2, 1, 5, 5), "fc.weight": mc.zeros(3, 8), "fc.bias": mc.zeros(3)}
    with pytest.raises(InputError, match=re.escape(
            "the state does not fit Network; missing: seen, features.0.bias; unexpected: fc.bias; "
            "of another shape: features.0.weight is (2, 1, 5, 5) instead of (2, 1, 3, 3)")):
        model.load_state_dict(state)
    with pytest.raises(InputError, match="the state does not fit Network; of another shape"):
        model.load_state_dict(state, strict=False)
    for name, tensor in model.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[name])
    del state["features.0.weight"]
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert missing == ["seen", "features.0.weight", "features.0.bias"] and unexpected == ["fc.bias"]
    assert model.scale.item() == 0


def test_loading_is_noticed_by_a_waiting_backward():
    model = nn.Linear(2, 1)
    y = model(mc.ones(1, 2))
    model.load_state_dict(model.state_dict())
    with pytest.raises(RuntimeError, match="Linear has used weight"):
        y.backward()


def test_training_and_evaluation():
    model = Network()
    assert all(module.training for module in model.modules())
    assert model.eval() is model and not any(module.training for module in model.modules())
    model.train()
    assert all(module.training for module in model.modules())


def test_gradients_are_forgotten_and_parameters_frozen():
    model = Network()
    model(mc.ones(2, 1, 4, 4)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    model.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())
    model.features.requires_grad_(False)
    model(mc.ones(2, 1, 4, 4)).sum().backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert without == ["features.0.weight", "features.0.bias"]


def test_types():
    model = Network()
    model.register_buffer("count", mc.arange(1))
    kept = model.fc.weight
    assert model.double() is model and model.fc.weight is kept and kept.requires_grad
    assert {tensor.dtype for name, tensor in model.state_dict().items() if name != "count"} == {np.dtype(np.float64)}
    assert model.count.dtype == np.int64 and model.float().cpu().scale.dtype == np.float32


def test_apply_reaches_children_first():
    names = []
    Network().apply(lambda module: names.append(type(module).__name__))
    assert names == ["Conv2d", "ReLU", "Sequential", "Linear", "Network"]


def test_a_parameter_is_not_lost_by_accident():
    layer = nn.Linear(2, 2)
    with pytest.raises(TypeError, match="weight is a Parameter of Linear; a Tensor in its place would not be learned"):
        layer.weight = mc.zeros(2, 2)
    layer.weight = nn.Parameter(mc.zeros(2, 2))
    layer.bias = None
    assert list(layer.state_dict()) == ["weight"]


def test_print_is_torchs(torch):
    def build(nn):
        return nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 4, (3, 1), stride=2, dilation=2, groups=2, bias=False), nn.ReLU(),
            nn.Sequential(nn.Tanh(), nn.Sigmoid()), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(4, 3), nn.Dropout(0.1),
            nn.Softmax(1))
    assert repr(build(nn)) == repr(build(torch.nn)).replace(", inplace=False", "")
    assert repr(nn.Linear(2, 3)) == "Linear(in_features=2, out_features=3, bias=True)"
    assert repr(nn.MaxPool2d(3, 2)) == "MaxPool2d(kernel_size=3, stride=2, padding=0, ceil_mode=False)"


def test_forward_is_asked_for():
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        nn.Module()(mc.zeros(1))


def test_parameters_share_the_tensor_given():
    tensor = mc.zeros(3)
    parameter = nn.Parameter(tensor)
    assert parameter.array is tensor.array and parameter.requires_grad and not tensor.requires_grad
    assert repr(parameter) == "Parameter containing:\ntensor([0., 0., 0.], requires_grad=True)"
    assert F.relu(parameter).creator is not None
