import json

import numpy as np
import pytest

from minicnn import models, optim
from minicnn.data import transforms
from minicnn.errors import InputError
from minicnn.models.classifier import Preprocessing, Recipe
from minicnn.training.settings import Settings, make_optimizer, make_transform

RECIPE = Recipe(epochs=12, batch_size=64, optimizer="sgd", lr=0.05, warmup_epochs=0.5, weight_decay=1e-4)


def test_recipe_fills_what_was_left_open():
    assert Settings("lenet", batch_size=32).complete(RECIPE) == Settings(
        "lenet", epochs=12, batch_size=32, optimizer="sgd", lr=0.05, seed=0)


def test_adam_has_a_learning_rate_of_its_own():
    assert Settings("lenet", optimizer="adam").complete(RECIPE).lr == 1e-3
    assert Settings("lenet", optimizer="adam", lr=0.01).complete(RECIPE).lr == 0.01


def test_settings_come_back_from_json():
    settings = Settings("lenet", variant="paper", lr=0.1).complete(RECIPE)
    assert Settings(**json.loads(settings.to_json())) == settings


@pytest.mark.parametrize("wrong, words", [
    ({"epochs": 0}, "--epochs must be at least 1, not 0"),
    ({"seed": -1}, "--seed must be a whole number from 0 to"), ({"seed": 2 ** 63}, "--seed must be"),
    ({"lr": 0.0}, "--lr must be a positive number"), ({"lr": -1.0}, "--lr must be"),
    ({"lr": float("nan")}, "--lr must be"), ({"lr": float("inf")}, "--lr must be"),
])
def test_settings_that_make_no_sense(wrong, words):
    with pytest.raises(InputError, match=words):
        Settings("lenet", **wrong).complete(RECIPE)


def test_unknown_optimizer():
    model = models.get("lenet")
    with pytest.raises(InputError, match="no optimizer 'adamm': choose sgd or adam"):
        make_optimizer(Settings("lenet", optimizer="adamm", lr=0.1, epochs=1), RECIPE, model.parameters(), 10)


@pytest.mark.parametrize("name, kind", [("sgd", optim.SGD), ("adam", optim.Adam)])
def test_learning_rate_rises_and_falls_to_nothing_at_the_last_step(name, kind):
    settings = Settings("lenet", epochs=4, lr=0.1, optimizer=name)
    optimizer, schedule = make_optimizer(settings, RECIPE, models.get("lenet").parameters(), steps_per_epoch=10)
    assert isinstance(optimizer, kind) and optimizer.weight_decay == 1e-4
    rates = []
    for _ in range(40):
        rates.append(optimizer.lr)
        schedule.step()
    assert rates[0] < 0.1 and rates[5] == max(rates) == 0.1
    assert rates[:6] == sorted(rates[:6]) and rates[5:] == sorted(rates[5:], reverse=True)
    assert optimizer.lr == pytest.approx(0, abs=1e-9)


def test_images_are_bordered_and_normalised():
    transform = make_transform(Preprocessing((32, 32), (0.5,), (0.25,)), (1, 28, 28))
    y = transform(np.ones((2, 1, 28, 28), np.float32), None)
    assert y.shape == (2, 1, 32, 32)
    assert (y[:, :, 2:-2, 2:-2] == 2).all() and (y[:, :, :2] == -2).all() and (y[..., -2:] == -2).all()


def test_images_are_shifted_by_chance():
    transform = make_transform(Preprocessing((28, 28), (0,), (1,)), (1, 28, 28), augmentation=(transforms.RandomShift(2),))
    images = np.zeros((50, 1, 28, 28), np.float32)
    images[:, :, 14, 14] = 1
    y = transform(images, np.random.default_rng(0))
    rows, columns = np.nonzero(y[:, 0])[1:]
    assert len(rows) == 50 and set(rows) == set(columns) == {12, 13, 14, 15, 16}


def test_images_that_do_not_fit():
    for size in (27, 27), (31, 31), (32, 28):
        with pytest.raises(InputError, match="images of 28 x 28 pixels do not fit this network"):
            make_transform(Preprocessing(size, (0,), (1,)), (1, 28, 28))
