"""Deletion and insertion: pixels go in the order of their importance, and the curve is what the network says."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import InputError
from minicnn.visualize import logit, probability
from minicnn.visualize.deletion_insertion import Curve, deletion, insertion, replacing, yardsticks
from minicnn.visualize.smoothing import blurred

from tests.visualize.comparison import image, small, state_of


def total():
    """The sum of the pixels, of images (N, 1, 2, 5)."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(10, 1, bias=False))
    model[1].weight.copy_(np.ones((1, 10)))
    return logit(0).of(model, (1, 2, 5))


X = mc.tensor(np.array([[1, 2, 3, 4, 5], [60, 70, 80, 90, 100]], np.float32).reshape(1, 1, 2, 5))
IMPORTANCE = np.array([[0, 9, 8, 1, 1], [7, 0, 6, 1, 5]])


def test_the_most_important_go_first_and_of_equals_the_upper_left():
    order = [2, 3, 60, 80, 100, 4, 5, 90, 1, 70]
    found = replacing(total(), X, X * 0, IMPORTANCE, 10, 4)
    np.testing.assert_allclose(found.values, 415 - np.cumsum([0, *order]))
    np.testing.assert_allclose(found.shares, np.arange(11) / 10)
    np.testing.assert_allclose(deletion(total(), X, IMPORTANCE, steps=5).values, (415 - np.cumsum([0, *order]))[::2])
    np.testing.assert_allclose(replacing(total(), X * 0, X, mc.tensor(IMPORTANCE), 10, 4).values, np.cumsum([0, *order]))


def test_steps_that_do_not_divide_the_pixels():
    assert replacing(total(), X, X * 0, IMPORTANCE, 4, 3).shares.tolist() == [0, 0.2, 0.5, 0.8, 1]


def test_insertion_goes_from_a_blurred_image_to_the_sharp_one():
    mc.manual_seed(5)
    chance = np.random.default_rng(0)
    model, x = nn.Sequential(nn.Flatten(), nn.Linear(1600, 2)).double(), mc.tensor(chance.uniform(size=(1, 1, 40, 40)))
    objective = logit(1).of(model, (1, 40, 40))
    found = insertion(objective, x, chance.uniform(size=(40, 40)), steps=7)
    with mc.no_grad():
        ends = [objective(blurred(x, 5 * 40 / 224)).item(), objective(x).item()]
    np.testing.assert_allclose(found.values[[0, -1]], ends, rtol=1e-12)
    assert abs(ends[0] - ends[1]) > 0.05


def test_the_area_is_the_mean_by_trapezia():
    assert Curve(np.array([0, 0.5, 1]), np.array([1, 0, 0])).area == 0.25
    assert Curve(np.array([0, 0.1, 1]), np.array([1.0, 1, 1])).area == 1


def test_a_map_that_knows_is_better_than_one_that_does_not():
    """Of a network that sees one pixel."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2, bias=False)).double()
    weight = np.zeros((2, 64))
    weight[1, 9] = 5
    model[1].weight.copy_(weight)
    x, knows = mc.ones(1, 1, 8, 8).double(), weight[1].reshape(8, 8)
    objective = probability(1).of(model, (1, 8, 8))
    others = yardsticks(8, 8)
    assert all(deletion(objective, x, knows).area < deletion(objective, x, other).area for other in others.values())
    assert all(replacing(objective, x * 0, x, knows, 50, 10).area > replacing(objective, x * 0, x, other, 50, 10).area
               for other in others.values())


def test_it_does_not_depend_on_the_batches():
    objective, importance = probability(1).of(small(), (2, 9, 11)), np.random.default_rng(0).uniform(size=(9, 11))
    first, *others = [insertion(objective, image(), importance, 20, size).values.tobytes() for size in (1, 6, 21)]
    assert others == [first, first]


def test_yardsticks():
    found = yardsticks(5, 9)
    chance, middle = found["by chance"], found["from the middle"]
    assert chance.shape == middle.shape == (5, 9) and len(np.unique(chance)) == 45
    assert middle[2, 4] == middle.max() == 0 and middle[0, 0] == middle[4, 8] == middle.min()
    np.testing.assert_array_equal(chance, yardsticks(5, 9)["by chance"])


def test_the_network_is_left_as_it_was():
    model = small().train()
    before = state_of(model)
    deletion(probability(0).of(model, (2, 9, 11)), image(), np.zeros((9, 11)))
    assert state_of(model) == before


@pytest.mark.parametrize("importance, settings, sentence", [
    (np.zeros((5, 2)), {}, r"one image \(1, C, H, W\) and a map \(H, W\) of its pixels"),
    (np.full((2, 5), np.nan), {}, "a finite number"),
    (np.zeros((2, 5)), {"steps": 11}, "in 1 to 10 steps, at least 1 in a batch: not 11 and 10"),
    (np.zeros((2, 5)), {"steps": 0}, "not 0 and 10"),
    (np.zeros((2, 5)), {"steps": 2, "batch_size": 0}, "not 2 and 0")])
def test_what_cannot_be_done_is_one_sentence(importance, settings, sentence):
    with pytest.raises(InputError, match=sentence):
        deletion(total(), X, importance, **settings)
