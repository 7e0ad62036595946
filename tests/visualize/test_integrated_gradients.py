"""Integrated gradients: they add up to the difference of the scores."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import models, nn
from minicnn.errors import InputError
from minicnn.models.classifier import Preprocessing
from minicnn.visualize import classes, logit
from minicnn.visualize.colour import colour
from minicnn.visualize.integrated_gradients import Integrated, integrated_gradients, rule

from tests.visualize.comparison import CLASSES, TorchSqueezeNet, distance, image, photograph, small, state_of


def test_of_a_linear_network_it_is_the_weight_times_the_way():
    mc.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).double()
    weight = model[1].weight.detach().numpy()[1].reshape(3, 2, 2)
    x, start = (mc.tensor(np.random.default_rng(seed).uniform(size=(2, 3, 2, 2))) for seed in (0, 1))
    found = integrated_gradients(logit(1).of(model, (3, 2, 2)), x, start[:1], steps=2)
    np.testing.assert_allclose(found.attributions.numpy(), weight * (x.numpy() - start.numpy()[:1]))
    assert found.errors.max() < 1e-12


def test_of_a_square_it_is_exact_with_three_points():
    """F = (w . x)^2 has the gradient 2 (w . x) w, and its integral along a path from 0 is (w . x) w."""
    class Square(nn.Module):
        def __init__(self):
            self.weight = nn.Parameter(mc.tensor([1.0, -2.0, 3.0, 0.5], dtype="float64"))

        def forward(self, x):
            total = (x.flatten(1) * self.weight).sum(1, keepdim=True)
            return total * total

    x = mc.tensor(np.array([0.5, 1, 2, -1]).reshape(1, 1, 2, 2))
    found = integrated_gradients(logit(0).of(Square(), (1, 2, 2)), x, steps=3)
    weight = np.array([1, -2, 3, 0.5])
    np.testing.assert_allclose(found.attributions.numpy().ravel(), (weight @ x.numpy().ravel()) * weight * x.numpy().ravel())
    np.testing.assert_allclose([found.sums, found.differences], [[16.0], [16.0]])


@pytest.mark.parametrize("name", CLASSES)
def test_they_add_up(squeezenet, name):
    found = integrated_gradients(logit(CLASSES[name]).of(squeezenet), photograph(squeezenet, name), steps=100)
    assert found.errors[0] < 0.01 and found.differences[0] > 10
    assert found.sums[0] == pytest.approx(found.attributions.numpy().sum(dtype=float))
    with mc.no_grad():
        x = photograph(squeezenet, name)
        scores = squeezenet.eval()(mc.cat([x, x * 0 + colour(squeezenet, x, 0)])).numpy()[:, classes.find(squeezenet, CLASSES[name])]
    assert found.differences[0] == pytest.approx(scores[0] - scores[1], rel=1e-5)


def test_it_agrees_with_pytorch(torch):
    """In double precision: near black all pixels of a window are nearly the same, so in single precision it is rounding that decides which
    of them is the largest, and the gradient jumps with it (the distance is 2e-3 then)."""
    model = models.get("squeezenet", weights="imagenet").double()
    x, cat = photograph(model, "chelsea").double(), classes.find(model, "Egyptian cat")
    start = colour(model, x, 0).numpy()
    network, way = TorchSqueezeNet(torch, model), x.numpy() - start
    expected = sum(weight * way * network.gradient(mc.tensor(start + place * way), cat) for place, weight in zip(*rule(5)))
    found = integrated_gradients(logit(cat).of(model), x, steps=5)
    assert distance(found.attributions.numpy(), expected) <= 1e-4


def test_the_baseline_is_black():
    model = small()
    model.preprocessing = Preprocessing((9, 11), (0.5, 0.2), (0.25, 0.1))
    objective, x = logit(0).of(model, (2, 9, 11)), image(2)
    found, same, other = (integrated_gradients(objective, x, start).attributions.numpy()
                          for start in (None, x.new_full((1, 1, 1, 1), -2), x.new_full((1, 1, 1, 1), 0)))
    np.testing.assert_allclose(found, same)
    assert distance(found, other) > 0.1


def test_not_a_bit_depends_on_the_batches():
    objective, x = logit(2).of(small(), (2, 9, 11)), image(2)
    first, *others = [integrated_gradients(objective, x, steps=7, batch_size=size).attributions.numpy().tobytes() for size in (1, 3, 7)]
    assert others == [first, first]
    single = integrated_gradients(objective, x[1:], steps=7).attributions.numpy()
    np.testing.assert_array_equal(single, integrated_gradients(objective, x, steps=7).attributions.numpy()[1:])


def test_the_rule_is_that_of_gauss_and_legendre_in_the_cube_root():
    """n points are exact for powers of s up to 2 n - 1, of which 3 s^2 ds takes two; and they lie close together near 0."""
    places, weights = rule(4)
    for power in range(6):
        assert (weights * np.cbrt(places) ** power).sum() == pytest.approx(3 / (power + 3))
    assert (weights * np.cbrt(places) ** 6).sum() != pytest.approx(3 / 9, rel=1e-6)
    assert (rule(100)[0] < 0.01).sum() > 20


def test_errors_are_relative_to_the_difference():
    found = Integrated(None, np.array([1.1, -2.0, 0.0, 0.5]), np.array([1.0, -4.0, 0.0, 0.0]))
    np.testing.assert_allclose(found.errors, [0.1, 0.5, 0, np.inf])


def test_the_network_is_left_as_it_was():
    model = small().train()
    before = state_of(model)
    integrated_gradients(logit(0).of(model, (2, 9, 11)), image(), steps=2)
    assert state_of(model) == before


@pytest.mark.parametrize("settings", [{"steps": 1}, {"batch_size": 0}])
def test_what_cannot_be_done_is_one_sentence(settings):
    with pytest.raises(InputError, match="at least 2 points on the path and 1 in a batch"):
        integrated_gradients(logit(0).of(small(), (2, 9, 11)), image(), **settings)
