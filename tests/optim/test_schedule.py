"""Learning rates over time."""
import json

import pytest

import minicnn as mc
from minicnn import nn, optim


def rates(schedule, steps):
    found = [schedule.optimizer.lr]
    for _ in range(steps):
        schedule.step()
        found.append(schedule.optimizer.lr)
    return found


def sgd(lr=0.5):
    return optim.SGD([nn.Parameter(mc.ones(1))], lr=lr)


@pytest.mark.parametrize("name, settings", [
    ("StepLR", {"step_size": 3}), ("StepLR", {"step_size": 2, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": (2, 5)}), ("MultiStepLR", {"milestones": (3, 3, 20), "gamma": 0.5}),
    ("PolynomialLR", {"total_iters": 6}), ("PolynomialLR", {"total_iters": 8, "power": 2.0}),
    ("CosineAnnealingLR", {"T_max": 8}), ("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.1}),
])
def test_schedules_are_torchs(name, settings, torch):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    schedule, expected = getattr(torch.optim.lr_scheduler, name)(optimizer, **settings), [0.5]
    for _ in range(8):
        optimizer.step()
        schedule.step()
        expected.append(optimizer.param_groups[0]["lr"])
    assert rates(getattr(optim, name)(sgd(), **settings), 8) == pytest.approx(expected)


@pytest.mark.parametrize("settings, metrics", [
    ({"patience": 1}, [5, 4, 4, 4, 4, 4, 3, 3, 3, 3]),
    ({"patience": 0, "factor": 0.5, "min_lr": 0.2}, [5, 6, 7, 8]),
    ({"patience": 0, "factor": 0.5, "min_lr": 0.9}, [5, 6, 7]),
    ({"patience": 1, "threshold": 0.1}, [5, 4.6, 4.5, 4.4, 3.9, 3.6, 3.52]),
    ({"patience": 1, "mode": "max", "threshold": 0.1}, [1, 1.05, 1.1, 1.15, 2, 1.9, 1.8, float("nan"), float("nan")]),
], ids=str)
def test_plateaus_are_torchs(settings, metrics, torch):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings)
    ours = optim.ReduceLROnPlateau(sgd(), **settings)
    for metric in metrics:
        schedule.step(metric)
        ours.step(metric)
        assert ours.optimizer.lr == pytest.approx(optimizer.param_groups[0]["lr"])


def test_plateau_between_steps():
    """Steps are batches: they change nothing, whatever their number; a measurement does, and lasts."""
    optimizer = sgd()
    schedule = optim.WarmupLR(optimizer, 2, then=optim.ReduceLROnPlateau(optimizer, patience=0))
    found = []
    for metric in 0.5, 0.4, 0.4, 0.3, 0.35:
        found += rates(schedule, 3)[1:]
        schedule.observe(metric)
    assert found == pytest.approx([1 / 3, 0.5, 0.5, *[0.5] * 6, *[0.05] * 6]) and optimizer.lr == pytest.approx(0.005)
    assert schedule.count == 15


def test_measurements_in_the_warm_up_do_not_end_it():
    optimizer = sgd()
    schedule = optim.WarmupLR(optimizer, 4, then=optim.StepLR(optimizer, 10))
    schedule.step()
    schedule.observe(0.5)
    assert optimizer.lr == pytest.approx(0.2)
    optim.WarmupLR(optimizer, 4).observe(0.5)   # followed by nothing


def test_plateau_of_an_unknown_mode():
    with pytest.raises(ValueError, match="mode must be 'min' or 'max', not 'low'"):
        optim.ReduceLROnPlateau(sgd(), mode="low")


def test_the_cosine_stays_at_its_end():
    assert rates(optim.CosineAnnealingLR(sgd(), T_max=2, eta_min=0.1), 5)[2:] == pytest.approx([0.1] * 4)


def test_warm_up_rises_and_then_follows():
    assert rates(optim.WarmupLR(sgd(), 4), 6) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5])
    optimizer = sgd()
    schedule = optim.WarmupLR(optimizer, 4, then=optim.StepLR(optimizer, step_size=2, gamma=0.1))
    assert rates(schedule, 8) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.05, 0.05, 0.005])


@pytest.mark.parametrize("build", [
    lambda o: optim.StepLR(o, 2), lambda o: optim.CosineAnnealingLR(o, 7),
    lambda o: optim.WarmupLR(o, 3, then=optim.CosineAnnealingLR(o, 5)),
    lambda o: optim.MultiStepLR(o, (3, 6)), lambda o: optim.PolynomialLR(o, 10),
    lambda o: optim.ReduceLROnPlateau(o, patience=0), lambda o: optim.ReduceLROnPlateau(o, patience=2),
    lambda o: optim.WarmupLR(o, 3, then=optim.ReduceLROnPlateau(o, patience=1)),
])
def test_going_on_from_a_saved_state_gives_the_same_rates(build):
    def rates(schedule, steps):
        """With a measurement after each step, which does not get better."""
        found = [schedule.optimizer.lr]
        for _ in range(steps):
            schedule.step()
            schedule.observe(0.5)
            found.append(schedule.optimizer.lr)
        return found

    uninterrupted = rates(build(sgd()), 8)
    first = build(sgd())
    rates(first, 4)
    optimizer_state, state = first.optimizer.state_dict(), json.loads(json.dumps(first.state_dict()))
    second = build(sgd(lr=0.7))
    second.optimizer.load_state_dict(optimizer_state)
    second.load_state_dict(state)
    assert rates(second, 4) == uninterrupted[4:]
