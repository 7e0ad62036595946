import json

import pytest

from minicnn import data, models, optim
from minicnn.errors import InputError
from minicnn.models.classifier import Recipe
from minicnn.training.settings import Settings, load_data, make_optimizer

RECIPE = Recipe(epochs=12, batch_size=64, optimizer="sgd", lr=0.05, warmup_epochs=0.5, weight_decay=1e-4)


def test_recipe_fills_what_was_left_open():
    assert Settings("lenet", batch_size=32).complete(RECIPE, 1000) == Settings(
        "lenet", epochs=12, batch_size=32, optimizer="sgd", lr=0.05, schedule="cosine", seed=0)


def test_adam_has_a_learning_rate_of_its_own():
    assert Settings("lenet", optimizer="adam").complete(RECIPE, 1000).lr == 1e-3
    assert Settings("lenet", optimizer="adam", lr=0.01).complete(RECIPE, 1000).lr == 0.01


def test_batches_are_no_larger_than_the_data_unless_a_person_says_so():
    assert Settings("lenet").complete(RECIPE, 40).batch_size == 40
    assert Settings("lenet", batch_size=50).complete(RECIPE, 40).batch_size == 50


def test_data_that_suit_the_network(monkeypatch):
    here = [False]
    monkeypatch.setattr(data.CIFAR10, "is_here", lambda: here[0])
    assert Settings("lenet").with_data().data == "mnist"
    assert Settings("lenet", variant="paper").with_data().data == "mnist"
    assert Settings("resnet20").with_data().data == Settings("alexnet").with_data().data == "shapes"
    here[0] = True
    assert Settings("resnet20").with_data().data == "cifar10"
    assert Settings("alexnet").with_data().data == "shapes"   # photographs of 32 pixels would have to be enlarged to 224
    assert Settings("resnet20", data="folder:x").with_data().data == "folder:x"


def test_classes_are_chosen():
    assert load_data(Settings("lenet", data="mnist"), train=False).classes == tuple("0123456789")
    assert load_data(Settings("lenet", data="mnist", classes="3, 7"), train=False).classes == ("3", "7")


def test_settings_come_back_from_json():
    settings = Settings("lenet", variant="paper", lr=0.1).complete(RECIPE, 1000)
    assert Settings(**json.loads(settings.to_json())) == settings


@pytest.mark.parametrize("wrong, words", [
    ({"epochs": 0}, "--epochs must be at least 1, not 0"),
    ({"seed": -1}, "--seed must be a whole number from 0 to"), ({"seed": 2 ** 63}, "--seed must be"),
    ({"lr": 0.0}, "--lr must be a positive number"), ({"lr": -1.0}, "--lr must be"),
    ({"accumulate": 0}, "--accumulate must be a whole number from 1 to the images of a batch, 64, not 0"),
    ({"accumulate": 65}, "--accumulate must be"), ({"batch_size": 4, "accumulate": 5}, "--accumulate must be .* batch, 4, not 5"),
    ({"ema": 0.0}, "--ema must be between 0 and 1, such as 0.999, not 0.0"), ({"ema": 1.0}, "--ema must be"),
    ({"ema": float("nan")}, "--ema must be"),
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
    settings = Settings("lenet", epochs=4, lr=0.1, optimizer=name).complete(RECIPE, 100)
    optimizer, schedule = make_optimizer(settings, RECIPE, models.get("lenet").parameters(), steps_per_epoch=10)
    assert isinstance(optimizer, kind) and optimizer.weight_decay == 1e-4
    rates = []
    for _ in range(40):
        rates.append(optimizer.lr)
        schedule.step()
    assert rates[0] < 0.1 and rates[5] == max(rates) == 0.1
    assert rates[:6] == sorted(rates[:6]) and rates[5:] == sorted(rates[5:], reverse=True)
    assert optimizer.lr == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("schedule, expected", [
    ("linear", [1, 0.75, 0.5, 0.25, 0]), ("cosine", [1, 0.854, 0.5, 0.146, 0]), ("steps", [1, 1, 0.1, 0.01, 0.01]),
    ("exponential", [1, 0.96, 0.96 ** 2, 0.96 ** 3, 0.96 ** 4]), ("plateau", [1, 1, 1, 1, 1]),
])
def test_learning_rates_fall_as_the_recipe_says(schedule, expected):
    """At the start, and after each quarter of 32 epochs."""
    recipe = RECIPE._replace(warmup_epochs=0, schedule=schedule, milestones=(0.5, 0.75))
    settings = Settings("lenet", epochs=32, lr=1.0).complete(recipe, 100)
    optimizer, made = make_optimizer(settings, recipe, models.get("lenet").parameters(), steps_per_epoch=5)
    rates = []
    for step in range(161):
        if step % 40 == 0:
            rates.append(optimizer.lr)
        made.step()
    assert rates == pytest.approx(expected, abs=1e-3)


def test_a_person_may_choose_another_schedule():
    recipe = RECIPE._replace(warmup_epochs=0, schedule="steps")
    settings = Settings("lenet", epochs=2, lr=1.0, schedule="linear").complete(recipe, 100)
    optimizer, made = make_optimizer(settings, recipe, models.get("lenet").parameters(), steps_per_epoch=4)
    made.step()
    assert optimizer.lr == pytest.approx(7 / 8)
    with pytest.raises(InputError, match="no schedule 'cosin': choose cosine, linear, steps, plateau or exponential"):
        Settings("lenet", schedule="cosin").complete(recipe, 100)


def test_milestones_are_counted_from_the_start_of_the_run():
    """Not from the end of the rise."""
    recipe = RECIPE._replace(warmup_epochs=2, schedule="steps", milestones=(0.5,))
    settings = Settings("lenet", epochs=10, lr=1.0).complete(recipe, 100)
    optimizer, made = make_optimizer(settings, recipe, models.get("lenet").parameters(), steps_per_epoch=4)
    rates = []
    for _ in range(40):
        rates.append(optimizer.lr)
        made.step()
    assert rates[19] == 1 and rates[20] == pytest.approx(0.1)


def test_a_plateau_is_some_epochs_long():
    recipe = RECIPE._replace(warmup_epochs=0, schedule="plateau")
    for epochs, patience in (4, 1), (90, 5):
        settings = Settings("lenet", epochs=epochs, lr=1.0).complete(recipe, 100)
        optimizer, made = make_optimizer(settings, recipe, models.get("lenet").parameters(), steps_per_epoch=4)
        for _ in range(patience + 1):
            assert optimizer.lr == 1
            made.observe(0.5)
        made.observe(0.5)
        assert optimizer.lr == pytest.approx(0.1)
