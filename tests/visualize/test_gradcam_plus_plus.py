"""Grad-CAM++: the weights are those of the paper's derivatives, and small things count as large ones do."""
import math

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import InputError
from minicnn.visualize import classes, logit
from minicnn.visualize.gradcam_plus_plus import gradcam_plus_plus, weights

from tests.visualize.comparison import TorchSqueezeNet, distance, photograph, small, state_of, image


def test_the_weights_are_those_of_higher_derivatives():
    """The n-th derivatives of Y = exp(S) by one position, from S at 4 points beside it: there S is linear."""
    chance = np.random.default_rng(0)
    linear, maps = chance.uniform(-1, 1, (2, 3, 4)), chance.uniform(0, 1, (2, 3, 4))
    step, expected = 1e-2, np.zeros(2)

    def y(place, distance):
        moved = maps.copy()
        moved[place] += distance
        return math.exp((linear * moved).sum())

    for place in np.ndindex(maps.shape):
        far_below, below, here, above, far_above = (y(place, count * step) for count in range(-2, 3))
        first = (above - below) / (2 * step)
        second = (above - 2 * here + below) / step ** 2
        third = (far_above - 2 * above + 2 * below - far_below) / (2 * step ** 3)
        alpha = second / (2 * second + maps[place[0]].sum() * third)
        expected[place[0]] += alpha * max(first, 0)
    found = weights(mc.tensor(maps[None]), mc.tensor(linear[None])).numpy().ravel() * math.exp((linear * maps).sum())
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_where_the_gradient_is_0_or_negative_nothing_is_added():
    maps, gradient = mc.tensor(np.ones((1, 1, 1, 3))), mc.tensor(np.array([0.0, -2, 1]).reshape(1, 1, 1, 3))
    assert weights(maps, gradient).item() == 1 / (2 + 3)


def test_a_small_thing_counts_more_than_in_grad_cam():
    """Two maps of 8 x 8, one active at 1 and the other at 16 positions; each is what the class is read from, where it is active."""
    maps = np.zeros((1, 2, 8, 8))
    maps[0, 0, 1, 1] = maps[0, 1, 4:, 4:] = 10
    gradient = (maps > 0).astype(float)
    small_one, large_one = weights(mc.tensor(maps), mc.tensor(gradient)).numpy().ravel()
    assert small_one == pytest.approx(1 / 12) and large_one == pytest.approx(16 / 162)
    assert large_one / small_one < 1.2   # with Grad-CAM's mean gradients it is 16


def test_it_agrees_with_pytorch(torch, squeezenet):
    """Of which autograd computes the first derivatives; the paper's alpha is written out with its powers."""
    x, cat = photograph(squeezenet, "chelsea"), classes.find(squeezenet, "Egyptian cat")
    network = TorchSqueezeNet(torch, squeezenet)
    maps = network.maps(torch.tensor(x.numpy())).requires_grad_()
    network.scores(maps)[:, cat].sum().backward()
    g = maps.grad
    denominator = 2 * g ** 2 + g ** 3 * maps.sum((2, 3), keepdim=True)
    alpha = torch.where(g != 0, g ** 2 / torch.where(g != 0, denominator, 1), 0)
    coarse = ((alpha * g.relu()).sum((2, 3), keepdim=True) * maps).sum(1, keepdim=True).relu()
    expected = torch.nn.functional.interpolate(coarse, x.shape[2:], mode="bilinear").detach().numpy()[:, 0]
    assert distance(gradcam_plus_plus(logit(cat).of(squeezenet), x).numpy(), expected) <= 1e-4


def test_maps_that_are_too_negative_are_one_sentence():
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.Flatten(), nn.Linear(4, 1, bias=False))
    model[0].weight.copy_(np.ones((1, 1, 1, 1)))
    model[2].weight.copy_(np.ones((1, 4)))
    with pytest.raises(InputError, match="choose a layer that ends with ReLU"):
        gradcam_plus_plus(logit(0).of(model, (1, 2, 2)), mc.tensor(np.full((1, 1, 2, 2), -1, np.float32)), "0")


def test_the_network_is_left_as_it_was():
    model = small().train()
    before = state_of(model)
    assert gradcam_plus_plus(logit(0).of(model, (2, 9, 11)), image(2)).shape == (2, 9, 11)
    assert state_of(model) == before
