"""SGD and Adam: PyTorch's steps, on both kinds of kernels, and a state from which they go on to the same bits."""
import contextlib
import json
import re

import numpy as np
import pytest

import kernels.reference
import minicnn as mc
from minicnn import device, nn, optim
from minicnn.errors import InputError

OPTIMIZERS = [
    lambda optim, parameters: optim.SGD(parameters, lr=0.1),
    lambda optim, parameters: optim.SGD(parameters, lr=0.1, weight_decay=0.01),
    lambda optim, parameters: optim.SGD(parameters, lr=0.1, momentum=0.9),
    lambda optim, parameters: optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    lambda optim, parameters: optim.Adam(parameters, lr=0.01),
    lambda optim, parameters: optim.Adam(parameters, lr=0.01, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1),
]
SHAPES = [(5, 3), (1,), (4, 2, 3, 3)]


def values(step):
    chance = np.random.default_rng(step)
    return [chance.standard_normal(shape).astype(np.float32) for shape in SHAPES]


def run(build, steps):
    """Parameters after some steps with given gradients; every second step, one parameter has none."""
    parameters = [nn.Parameter(mc.tensor(array)) for array in values(100)]
    optimizer = build(optim, parameters)
    for step in range(steps):
        take_step(optimizer, step)
    return optimizer


def take_step(optimizer, step):
    for place, (parameter, gradient) in enumerate(zip(optimizer.parameters, values(step))):
        parameter.grad = mc.tensor(gradient) if place != 1 or step % 2 else None
    optimizer.step()


@pytest.mark.parametrize("build", OPTIMIZERS)
@pytest.mark.parametrize("package", [None, kernels.reference])
def test_steps_are_torchs(build, package, torch):
    with device.use_kernels(package) if package else contextlib.nullcontext():
        ours = run(build, 7)
    theirs = [torch.tensor(array, requires_grad=True) for array in values(100)]
    optimizer = build(torch.optim, theirs)
    for step in range(7):
        for place, (parameter, gradient) in enumerate(zip(theirs, values(step))):
            parameter.grad = torch.tensor(gradient) if place != 1 or step % 2 else None
        optimizer.step()
    for found, expected in zip(ours.parameters, theirs):
        np.testing.assert_allclose(found.array, expected.detach().numpy(), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("build", OPTIMIZERS)
def test_going_on_from_a_saved_state_gives_the_same_bits(build):
    uninterrupted = run(build, 7)
    first = run(build, 4)
    state = first.state_dict()
    numbers = json.loads(json.dumps({name: value for name, value in state.items() if not isinstance(value, np.ndarray)}))
    arrays = {name: value.copy() for name, value in state.items() if isinstance(value, np.ndarray)}
    second = build(optim, first.parameters)
    second.lr = 99
    second.load_state_dict({**numbers, **arrays})
    saved = {name: array.tobytes() for name, array in arrays.items()}
    for step in range(4, 7):
        take_step(second, step)
    for found, expected in zip(second.parameters, uninterrupted.parameters):
        assert found.array.tobytes() == expected.array.tobytes()
    assert {name: array.tobytes() for name, array in arrays.items()} == saved   # loading copies


def test_the_state_of_another_optimizer_is_refused():
    sgd, adam = run(OPTIMIZERS[2], 2), run(OPTIMIZERS[4], 2)
    with pytest.raises(InputError, match="this is no state of SGD: it lacks momentum, nesterov"):
        sgd.load_state_dict(adam.state_dict())
    with pytest.raises(InputError, match="does not fit SGD with 1 parameters: it holds '1.velocity'"):
        optim.SGD(sgd.parameters[:1]).load_state_dict(sgd.state_dict())
    state = sgd.state_dict()
    state["0.velocity"] = np.zeros((5, 4), np.float32)
    with pytest.raises(InputError, match=re.escape("'0.velocity' has the shape (5, 4), but the parameter has (5, 3)")):
        sgd.load_state_dict(state)


def test_only_what_has_a_gradient_moves():
    moved, resting = nn.Parameter(mc.ones(2)), nn.Parameter(mc.ones(2))
    optimizer = optim.SGD([moved, resting], lr=0.1, weight_decay=1)
    moved.grad = mc.ones(2)
    optimizer.step()
    assert moved.tolist() == pytest.approx([0.8, 0.8]) and resting.tolist() == [1, 1]
    optimizer.zero_grad()
    assert moved.grad is None


@pytest.mark.parametrize("build, error, sentence", [
    (lambda p: optim.SGD([]), ValueError, "SGD got no parameters"),
    (lambda p: optim.SGD(["w"]), TypeError, "SGD: parameters must be Tensors, not str; pass model.parameters()"),
    (lambda p: optim.SGD([p * 2]), ValueError, "SGD: a tensor of shape (2,) is the result of a computation"),
    (lambda p: optim.SGD([p], lr=-1), ValueError, "SGD: lr must be at least 0, not -1"),
    (lambda p: optim.SGD([p], nesterov=True), ValueError, "SGD: nesterov needs a momentum above 0"),
    (lambda p: optim.SGD([p], momentum=float("nan")), ValueError, "SGD: momentum must be at least 0, not nan"),
    (lambda p: optim.Adam([p], betas=(0.9, 1.0)), ValueError, "Adam: betas must be below 1, not (0.9, 1.0)"),
])
def test_mistakes(build, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        build(nn.Parameter(mc.ones(2)))
