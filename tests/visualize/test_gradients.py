"""Gradients by the image and by a layer: against differences, and that nothing else is computed or changed."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from minicnn import nn
from minicnn.errors import InputError
from minicnn.functional.convolution import Conv2d
from minicnn.functional.matmul import Linear
from minicnn.visualize import channel, gradients, layers, logit, whole

from tests.visualize.comparison import distance, image, small, state_of

SHAPE = (2, 9, 11)


def numeric(function, x, step=1e-6):
    """The gradient of function(array) -> number by differences."""
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        shift = np.zeros(x.shape)
        shift[place] = step
        gradient[place] = (function(x + shift) - function(x - shift)) / (2 * step)
    return gradient


@pytest.mark.parametrize("asked", [logit(1), channel("3", 2) - 0.5 * whole("5")], ids=str)
def test_by_the_image(asked):
    model, x = small(), image(2)
    objective = asked.of(model, SHAPE)
    value, gradient = gradients.by_image(objective, x)
    assert value.shape == (2,) and gradient.shape == x.shape and not value.requires_grad
    np.testing.assert_allclose(value.numpy(), objective(x).detach().numpy(), rtol=1e-12)
    expected = numeric(lambda array: objective(mc.tensor(array)).sum().item(), x.numpy())
    np.testing.assert_allclose(gradient.numpy(), expected, atol=1e-7)


def test_images_of_a_batch_have_nothing_to_do_with_each_other():
    objective, x = logit(0).of(small(), SHAPE), image(3)
    together = gradients.by_image(objective, x)[1].numpy()
    for number in range(3):
        np.testing.assert_allclose(gradients.by_image(objective, x[number:number + 1])[1].numpy()[0], together[number], atol=1e-12)


def test_by_a_layer():
    model, x = small(), image()
    layer = layers.find(model, "3", SHAPE)
    maps, gradient = gradients.by_layer(logit(2).of(model, SHAPE), x, layer)
    assert maps.shape == gradient.shape == (1, *layer.shape) and not maps.requires_grad
    rest = list(model.eval().children())[4:]

    def score(array):
        x = mc.tensor(array)
        for module in rest:
            x = module(x)
        return x.detach().numpy()[0, 2]

    np.testing.assert_allclose(gradient.numpy(), numeric(score, maps.numpy()), atol=1e-7)


def test_by_the_layer_that_is_asked_about_itself():
    model = small()
    layer = layers.find(model, "3", SHAPE)
    maps, gradient = gradients.by_layer(channel("3", 1).of(model, SHAPE), image(), layer)
    expected = np.zeros(maps.shape)
    expected[:, 1] = 1 / expected[0, 1].size
    np.testing.assert_allclose(gradient.numpy(), expected)


def test_a_layer_above_what_is_asked_about_is_refused():
    model = small()
    with pytest.raises(InputError, match="layer '8' comes after what is asked about, '3': choose one before that"):
        gradients.by_layer(channel("3", 1).of(model, SHAPE), image(), layers.find(model, "8", SHAPE))


@pytest.mark.parametrize("rule", ["backprop", "deconvnet", "guided"])
def test_the_rule_is_that_of_every_relu(rule):
    model, x = small(), image()
    _, gradient = gradients.by_image(logit(1).of(model, SHAPE), x, rule)
    leaf = mc.tensor(x.numpy(), requires_grad=True)
    with F.relu_rule(rule):
        model.eval()(leaf)[:, 1].sum().backward()
    np.testing.assert_allclose(gradient.numpy(), leaf.grad.numpy(), rtol=1e-10, atol=1e-12)


def test_no_gradient_of_a_weight_is_computed(monkeypatch):
    seen = []
    for function in (Conv2d, Linear):
        def backward(self, gradient, original=function.backward):
            found = original(self, gradient)
            seen.append([part is None for part in found])
            return found
        monkeypatch.setattr(function, "backward", backward)
    gradients.by_image(logit(1).of(small(), SHAPE), image())
    assert seen == [[False, True, True]] * 3


def test_images_may_belong_to_a_graph_and_nothing_is_left_behind():
    model = small().train()
    before = state_of(model)
    leaf = mc.tensor(image().numpy(), requires_grad=True)
    _, gradient = gradients.by_image(logit(1).of(model, SHAPE), leaf * 2)
    _, expected = gradients.by_image(logit(1).of(model, SHAPE), mc.tensor(2 * image().numpy()))
    np.testing.assert_array_equal(gradient.numpy(), expected.numpy())
    gradients.by_layer(logit(1).of(model, SHAPE), leaf, layers.find(model, "0", SHAPE))
    assert leaf.grad is None and state_of(model) == before


def test_an_error_leaves_the_network_as_it_was():
    model = small().train()
    before = state_of(model)
    with pytest.raises(ValueError):
        gradients.by_image(logit(1).of(model, SHAPE), mc.zeros(1, 2, 3, 3).double())
    assert state_of(model) == before


def test_strength():
    gradient = mc.tensor(np.array([[[[1.0, -4.0]], [[-2.0, 3.0]]]]))
    assert gradients.strength(gradient).numpy().tolist() == [[[2, 4]]]


def test_another_device_computes_the_same():
    mc.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2))
    x = mc.tensor(np.random.default_rng(0).uniform(-1, 1, (2, 1, 6, 6)).astype(np.float32))

    def both():
        objective = (logit(1) + channel("0", 1)).of(model, (1, 6, 6))
        there = x.to(model.parameters()[0].device)
        value, gradient = gradients.by_image(objective, there, "guided")
        maps, by_layer = gradients.by_layer(objective, there, layers.find(model, "0", (1, 6, 6)))
        assert gradient.device == by_layer.device == model.parameters()[0].device
        return [tensor.cpu().numpy() for tensor in (value, gradient, maps, by_layer)]

    expected = both()
    model.to("cuda-simulator")
    for found, known in zip(both(), expected):
        assert distance(found, known) < 1e-5
