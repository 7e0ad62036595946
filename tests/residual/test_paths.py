"""Paths: their gradients add up to the gradient, and along one of them it is what the chain rule says."""
import itertools

import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from minicnn import models, nn
from minicnn.errors import InputError
from minicnn.residual import paths


@pytest.fixture(params=["a", "b", "c", "bottleneck"])
def model(request, small):
    return small(request.param).double()


@pytest.fixture
def batch(model):
    return mc.randn(2, 3, 8, 8).double(), mc.tensor([1, 3])


def test_all_paths_together_are_the_gradient(model, batch):
    images, labels = batch
    backward = paths.Backward(model, images, labels)
    count = len(model.blocks())
    every_path = [set(path) for length in range(count + 1) for path in itertools.combinations(range(count), length)]
    total = sum(backward.along(path).numpy() for path in every_path)

    x = start = mc.Tensor(model.stem(images).detach().numpy(), requires_grad=True)
    for block in model.blocks():
        x = block(x)
    model.loss(model.head(x), labels).backward()
    assert len(every_path) == 32 and np.linalg.norm(total) > 0
    np.testing.assert_allclose(total, start.grad.numpy(), rtol=1e-9, atol=1e-15)


class ByHand(nn.Module):
    """Two blocks of one number: y = relu(weight x + x), and the loss is y itself."""

    class Block(nn.Module):
        def __init__(self, weight):
            self.weight = nn.Parameter(mc.tensor(weight, dtype="float64"))

        def residual(self, x):
            return x * self.weight

        def shortcut(self, x):
            return x

        def forward(self, x):
            return F.relu(self.residual(x) + self.shortcut(x))

    def __init__(self, first, second):
        self.first, self.second = self.Block(first), self.Block(second)

    def blocks(self):
        return [self.first, self.second]

    def stem(self, x):
        return x

    head = stem

    def loss(self, y, labels):
        return y.sum()


@pytest.mark.parametrize("path, expected", [((), 1), ((0,), 3), ((1,), -0.5), ((0, 1), -1.5)])
def test_along_one_path_slopes_are_multiplied(path, expected):
    backward = paths.Backward(ByHand(3.0, -0.5), mc.tensor([2.0], dtype="float64"), None)
    assert backward.along(path).item() == pytest.approx(expected)
    assert backward.along(path).item() == pytest.approx(expected)   # again: the first time has used nothing up


def test_nothing_passes_where_relu_lets_nothing_pass():
    backward = paths.Backward(ByHand(3.0, -2.0), mc.tensor([2.0], dtype="float64"), None)   # the second block's sum is negative
    assert [backward.along(path).item() for path in ((), (0,), (1,), (0, 1))] == [0, 0, 0, 0]


def test_norms_by_length():
    network, batches = ByHand(3.0, -0.5), [(mc.tensor([2.0], dtype="float64"), None)]
    norms = paths.gradient_by_length(network, batches, range(3), 50, np.random.default_rng(0))
    assert norms[0] == pytest.approx(1) and norms[2] == pytest.approx(1.5)
    assert norms[1] == pytest.approx((3 + 0.5) / 2, abs=0.4)   # either path


def test_the_network_stays_as_it_was(model, batch):
    model.fc.weight.requires_grad = False
    state = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    paths.gradient_by_length(model, [batch], range(6), 1, np.random.default_rng(0))
    assert all(np.array_equal(state[name], tensor.numpy()) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert [name for name, parameter in model.named_parameters() if not parameter.requires_grad] == ["fc.weight"]


def test_shares_of_paths_are_binomial():
    np.testing.assert_allclose(paths.share_of_paths(3), [1 / 8, 3 / 8, 3 / 8, 1 / 8])
    assert paths.share_of_paths(54).sum() == pytest.approx(1)
    # "More than 95% of paths go through 19 to 35 modules": section 4.2 of the paper, whose network has 54 of them.
    assert paths.share_of_paths(54)[19:36].sum() > 0.95
    assert paths.middle(paths.share_of_paths(54)) == (20, 34)


def test_share_of_gradient_is_number_times_norm():
    np.testing.assert_allclose(paths.share_of_gradient(np.array([8.0, 4.0, 2.0, 1.0])), np.array([8, 12, 6, 1]) / 27)


def test_middle_leaves_as_much_below_as_above():
    assert paths.middle(np.full(64, 1 / 64), 0.75) == (8, 55)
    assert paths.middle(np.array([0.0, 1.0, 0.0])) == (1, 1)


def test_a_plain_network_has_no_paths_to_choose():
    with pytest.raises(InputError, match="one path only"):
        paths.Backward(models.get("plain20"), mc.randn(1, 3, 8, 8), mc.tensor([0]))
