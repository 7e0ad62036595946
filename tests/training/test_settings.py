import json

import pytest

from minicnn import models, optim
from minicnn.errors import InputError
from minicnn.models.classifier import Recipe
from minicnn.training.settings import Settings, make_optimizer

RECIPE = Recipe(epochs=12, batch_size=64, optimizer="sgd", lr=0.05, warmup_epochs=0.5, weight_decay=1e-4)


def test_recipe_fills_what_was_left_open():
    assert Settings("lenet", batch_size=32).complete(RECIPE, 1000) == Settings(
        "lenet", epochs=12, batch_size=32, optimizer="sgd", lr=0.05, seed=0)


def test_adam_has_a_learning_rate_of_its_own():
    assert Settings("lenet", optimizer="adam").complete(RECIPE, 1000).lr == 1e-3
    assert Settings("lenet", optimizer="adam", lr=0.01).complete(RECIPE, 1000).lr == 0.01


def test_settings_come_back_from_json():
    settings = Settings("lenet", variant="paper", lr=0.1).complete(RECIPE, 1000)
    assert Settings(**json.loads(settings.to_json())) == settings


@pytest.mark.parametrize("wrong, words", [
    ({"epochs": 0}, "--epochs must be at least 1, not 0"),
    ({"seed": -1}, "--seed must be a whole number from 0 to"), ({"seed": 2 ** 63}, "--seed must be"),
    ({"lr": 0.0}, "--lr must be a positive number"), ({"lr": -1.0}, "--lr must be"),
    ({"lr": float("nan")}, "--lr must be"), ({"lr": float("inf")}, "--lr must be"),
])
def test_settings_that_make_no_sense(wrong, words):
    with pytest.raises(InputError, match=words):
        Settings("lenet", **wrong).complete(RECIPE, 1000)


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
