"""Saliency maps: the largest absolute value of the gradient among the colours."""
import numpy as np

import minicnn as mc
from minicnn import nn
from minicnn.visualize import classes, gradients, logit
from minicnn.visualize.saliency import saliency

from tests.visualize.comparison import TorchSqueezeNet, distance, image, photograph, small, state_of


def test_of_a_linear_network_it_is_the_largest_weight():
    mc.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).double()
    weight = model[1].weight.detach().numpy()
    x = mc.zeros(2, 3, 2, 2).double()
    for number in (0, 1):
        found = saliency(logit(number).of(model, (3, 2, 2)), x).numpy()
        np.testing.assert_array_equal(found, [abs(weight[number].reshape(3, 2, 2)).max(0)] * 2)


def test_it_is_how_much_the_score_changes():
    model, x = small().eval(), image()
    gradient = gradients.by_image(logit(1).of(model, x.shape[1:]), x)[1].numpy()[0]
    numeric, step = np.zeros((2, 9, 11)), 1e-6
    for place in np.ndindex(numeric.shape):
        shift = np.zeros((1, 2, 9, 11))
        shift[0][place] = step
        numeric[place] = (model(x + mc.tensor(shift)) - model(x - mc.tensor(shift))).detach().numpy()[0, 1] / (2 * step)
    np.testing.assert_allclose(gradient, numeric, atol=1e-7)
    np.testing.assert_allclose(saliency(logit(1).of(model, x.shape[1:]), x).numpy()[0], abs(numeric).max(0), atol=1e-7)


def test_it_agrees_with_pytorch(torch, squeezenet):
    x, cat = photograph(squeezenet, "chelsea"), classes.find(squeezenet, "Egyptian cat")
    expected = abs(TorchSqueezeNet(torch, squeezenet).gradient(x, cat)).max(1)
    assert distance(saliency(logit("Egyptian cat").of(squeezenet), x).numpy(), expected) <= 1e-4


def test_the_network_is_left_as_it_was():
    model = small().train()
    model[4].eval()
    model[0].weight.requires_grad = False
    before = state_of(model)
    saliency(logit(0).of(model, (2, 9, 11)), image(2))
    assert state_of(model) == before


def test_another_device_computes_the_same():
    mc.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 2))
    x = mc.tensor(np.random.default_rng(0).uniform(-1, 1, (1, 1, 5, 5)).astype(np.float32))
    expected = saliency(logit(1).of(model, (1, 5, 5)), x).numpy()
    found = saliency(logit(1).of(model.to("cuda-simulator"), (1, 5, 5)), x.to("cuda-simulator"))
    assert found.device == "cuda-simulator" and expected.any()
    np.testing.assert_allclose(found.cpu().numpy(), expected, rtol=1e-5, atol=1e-7)
