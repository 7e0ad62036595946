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
])
def test_going_on_from_a_saved_state_gives_the_same_rates(build):
    uninterrupted = rates(build(sgd()), 8)
    first = build(sgd())
    rates(first, 4)
    optimizer_state, state = first.optimizer.state_dict(), json.loads(json.dumps(first.state_dict()))
    second = build(sgd(lr=0.7))
    second.optimizer.load_state_dict(optimizer_state)
    second.load_state_dict(state)
    assert rates(second, 4) == uninterrupted[4:]
