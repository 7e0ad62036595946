"""nn.evaluating and nn.frozen: inside as they say, afterwards as it was, whatever happens."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import nn


def network():
    mc.manual_seed(0)
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 3), nn.Dropout()), nn.BatchNorm1d(3))
    model[0].eval()
    model[0][0].bias.requires_grad = False
    return model


def modes(model):
    return [module.training for module in model.modules()]


def learning(model):
    return [parameter.requires_grad for parameter in model.parameters()]


@pytest.mark.parametrize("context, state, expected", [(nn.evaluating, modes, False), (nn.frozen, learning, False)])
def test_inside_and_afterwards(context, state, expected):
    model = network()
    before = state(model)
    assert len(set(before)) == 2   # some are on and some are off
    with context(model) as given:
        assert given is model and set(state(model)) == {expected}
    assert state(model) == before
    with pytest.raises(ZeroDivisionError), context(model):
        raise ZeroDivisionError
    assert state(model) == before


@pytest.mark.parametrize("context, state", [(nn.evaluating, modes), (nn.frozen, learning)])
def test_one_inside_the_other(context, state):
    model = network()
    before = state(model)
    with context(model):
        with context(model):
            pass
        assert not any(state(model))
    assert state(model) == before


def test_the_other_state_stays():
    model = network()
    before = modes(model), learning(model)
    with nn.evaluating(model):
        assert learning(model) == before[1]
    with nn.frozen(model):
        assert modes(model) == before[0]


def test_gradients_pass_a_frozen_network():
    model, x = nn.Linear(2, 3), mc.tensor(np.ones((1, 2), np.float32), requires_grad=True)
    with nn.frozen(model):
        model(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy()[0], model.weight.detach().numpy().sum(0), rtol=1e-6)
    assert model.weight.grad is None and model.bias.grad is None
    model(x).sum().backward()
    assert model.weight.grad is not None


def test_gradients_that_were_there_stay():
    model = nn.Linear(2, 3)
    model(mc.ones(1, 2)).sum().backward()
    gradient = model.weight.grad
    with nn.frozen(model):
        pass
    assert model.weight.grad is gradient
