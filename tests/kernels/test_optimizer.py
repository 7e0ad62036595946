import numpy as np
import pytest
from hypothesis import given, strategies as st

from kernels import reference
from tests.kernels.agreement import DTYPES, SEEDS, SHAPES, agree, changed, close, numbers


@given(SHAPES, DTYPES, SEEDS, st.booleans(), st.sampled_from([(0.1, 0.9, 0.0), (1, 0.5, 0.01), (0.01, 0.9, 0.1)]))
def test_sgd_agrees_with_reference(shape, dtype, seed, nesterov, settings):
    parameter, gradient, velocity = (numbers(seed + i, shape, dtype) for i in range(3))
    agree("sgd", changed(parameter), gradient, changed(velocity), *settings, nesterov, terms=1)


@given(SHAPES, DTYPES, SEEDS, st.sampled_from([(0.1, 0, 0.0), (0.01, 0.0, 0.1)]))
def test_sgd_without_momentum_agrees_with_reference(shape, dtype, seed, settings):
    agree("sgd", changed(numbers(seed, shape, dtype)), numbers(seed + 1, shape, dtype), None, *settings, False, terms=1)


@given(SHAPES, DTYPES, SEEDS, st.sampled_from([1, 2, 1000]), st.sampled_from([0, 0.01]))
def test_adam_agrees_with_reference(shape, dtype, seed, step, weight_decay):
    parameter, gradient, mean, square = (numbers(seed + i, shape, dtype) for i in range(4))
    square = 0.1 + np.abs(square)   # the smaller it is, the more its rounding matters
    settings = 0.01, 0.9, 0.999, 1e-8, weight_decay, step
    agree("adam", changed(parameter), gradient, changed(mean), changed(square), *settings, units=8, terms=1)


def steps_of_torch(torch, optimizer, parameter, gradients):
    variable = torch.nn.Parameter(torch.tensor(parameter))
    optimizer = optimizer([variable])
    for gradient in gradients:
        variable.grad = torch.tensor(gradient)
        optimizer.step()
    return variable.detach().numpy()


@pytest.mark.parametrize("momentum, weight_decay, nesterov", [
    (0, 0, False), (0, 0.1, False), (0.9, 0.1, False), (0.9, 0.1, True),
])
def test_reference_of_sgd_is_torch(momentum, weight_decay, nesterov, torch):
    parameter, *gradients = numbers(0, (4, 10), np.float64)
    expected = steps_of_torch(torch, lambda variables: torch.optim.SGD(
        variables, lr=0.1, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov), parameter, gradients)
    velocity = np.zeros(10) if momentum else None
    for gradient in gradients:
        reference.sgd(parameter, gradient, velocity, 0.1, momentum, weight_decay, nesterov)
    close("sgd", parameter, expected)


@pytest.mark.parametrize("weight_decay", [0, 0.1])
def test_reference_of_adam_is_torch(weight_decay, torch):
    parameter, *gradients = numbers(0, (4, 10), np.float64)
    expected = steps_of_torch(torch, lambda variables: torch.optim.Adam(
        variables, lr=0.1, betas=(0.8, 0.95), eps=1e-6, weight_decay=weight_decay), parameter, gradients)
    mean, square = np.zeros(10), np.zeros(10)
    for step, gradient in enumerate(gradients, 1):
        reference.adam(parameter, gradient, mean, square, 0.1, 0.8, 0.95, 1e-6, weight_decay, step)
    close("adam", parameter, expected, units=20)
