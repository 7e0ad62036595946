"""F.relu_rule: what goes back through ReLU by each rule, however a network comes by its ReLU."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F, nn
from minicnn.errors import InputError

RULES = ("backprop", "deconvnet", "guided")

# Worked by hand. x = (1, 2) -> A x = (-1, 3, 2) -> h = (0, 3, 2) -> B h = (1, -1) -> k = (1, 0) -> the sum of k.
A = np.array([[1, -1], [1, 1], [0, 1]], np.float32)
B = np.array([[2, 1, -1], [-1, -1, 1]], np.float32)
#                  after the upper ReLU   B^T of that   after the lower ReLU   A^T of that
# backprop (1, 1)  (1, 0)                 (2, 1, -1)    (0, 1, -1)             (1, 0)
# deconvnet        (1, 1)                 (1, 0, 0)     (1, 0, 0)              (1, -1)
# guided           (1, 0)                 (2, 1, -1)    (0, 1, 0)              (1, 1)
BY_HAND = {"backprop": (1, 0), "deconvnet": (1, -1), "guided": (1, 1)}


class Functional(nn.Module):
    def forward(self, x):
        return F.relu(F.linear(F.relu(F.linear(x, mc.tensor(A))), mc.tensor(B)))


class Method(nn.Module):
    def forward(self, x):
        return F.linear(F.linear(x, mc.tensor(A)).relu(), mc.tensor(B)).relu()


class Modules(nn.Module):
    def __init__(self, first, second):
        self.first, self.second = first, second

    def forward(self, x):
        return self.second(F.linear(self.first(F.linear(x, mc.tensor(A))), mc.tensor(B)))


def reused():
    relu = nn.ReLU()
    return Modules(relu, relu)


@pytest.mark.parametrize("make", [Functional, Method, lambda: Modules(nn.ReLU(), nn.ReLU()), reused],
                         ids=["functional", "method", "modules", "reused module"])
@pytest.mark.parametrize("rule", RULES)
def test_a_small_case_worked_by_hand(make, rule):
    x = mc.tensor([[1.0, 2.0]], requires_grad=True)
    output = make()(x)
    np.testing.assert_array_equal(output.detach().numpy(), [[1, 0]])
    with F.relu_rule(rule):
        gradient, = mc.grad(output.sum(), [x])
    np.testing.assert_array_equal(gradient.numpy(), [BY_HAND[rule]])


@pytest.mark.parametrize("rule, expected", [("backprop", [3, 0, -5, 0, 0]), ("deconvnet", [3, 4, 0, 0, 7]), ("guided", [3, 0, 0, 0, 0])])
def test_each_case_of_sign(rule, expected):
    x = mc.tensor([1.0, -1.0, 2.0, -2.0, 0.0], requires_grad=True)
    y = F.relu(x)
    with F.relu_rule(rule):
        gradient, = mc.grad(y, [x], gradient=mc.tensor([3.0, 4.0, -5.0, -6.0, 7.0]))
    np.testing.assert_array_equal(gradient.numpy(), expected)


def test_it_is_the_rule_when_backward_runs_that_counts_and_the_old_one_comes_back():
    x = mc.tensor([-1.0], requires_grad=True)
    with F.relu_rule("deconvnet"):
        y = F.relu(x)
        with F.relu_rule("guided"):
            assert mc.grad(y, [x], retain_graph=True)[0].item() == 0
        assert mc.grad(y, [x], retain_graph=True)[0].item() == 1
    assert mc.grad(y, [x], retain_graph=True)[0].item() == 0
    with pytest.raises(RuntimeError, match="inside"), F.relu_rule("deconvnet"):
        raise RuntimeError("inside")
    assert mc.grad(y, [x])[0].item() == 0


def test_an_unknown_rule():
    with pytest.raises(InputError, match="no rule 'zeiler' for ReLU; choose one of backprop, deconvnet, guided"), F.relu_rule("zeiler"):
        pass


class Block(nn.Module):
    """A convolution; normalised or not; with something added or not; rectified. And the same again, so that signs are mixed."""

    def __init__(self, normalised, residual):
        mc.manual_seed(3)
        self.convolutions = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1))
        self.norms = nn.Sequential(nn.BatchNorm2d(4), nn.BatchNorm2d(4)) if normalised else None
        self.residual = residual
        for norm in self.norms or ():
            norm.weight.copy_(1 + 0.3 * mc.randn(4))
            norm.bias.copy_(0.5 * mc.randn(4))
            norm.running_mean.copy_(0.3 * mc.randn(4))

    def forward(self, x):
        for place in range(2):
            y = self.convolutions[place](x)
            if self.norms is not None:
                y = self.norms[place](y)
            x = F.relu(y + x) if self.residual else F.relu(y)
        return x


def gradients(model, x, output_gradient, rule, leaves):
    output = model(x)
    with F.relu_rule(rule):
        return [gradient.numpy() for gradient in mc.grad(output, leaves, gradient=output_gradient)]


@pytest.mark.parametrize("frozen", [False, True], ids=["learning", "frozen"])
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("residual", [False, True], ids=["plain", "residual"])
@pytest.mark.parametrize("normalised", [False, True], ids=["convolution", "batch norm"])
@pytest.mark.parametrize("rule", RULES)
def test_fused_and_unfused_agree(rule, normalised, residual, training, frozen):
    """Modules end convolutions and normalisations with addition and ReLU (fusion.py), unless somebody watches."""
    model = Block(normalised, residual)
    model.train(training)
    x = mc.randn(2, 4, 6, 5)
    x.requires_grad = True
    output_gradient = mc.randn(2, 4, 6, 5)
    functions = []
    for parameter in model.parameters():
        parameter.requires_grad = not frozen
    leaves = [x] if frozen else [x, *model.parameters()]
    fused = gradients(model, x, output_gradient, rule, leaves)
    with mc.autograd.watch(lambda function, inputs, output: functions.append(type(function).__name__)):
        unfused = gradients(model, x, output_gradient, rule, leaves)
    assert functions.count("ReLU") == 2 and functions.count("Add") == 2 * residual   # nothing was fused here
    for found, expected in zip(fused, unfused):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * abs(expected).max())
    others = {other: gradients(model, x, output_gradient, other, [x])[0] for other in RULES if other != rule}
    assert all(abs(other - fused[0]).max() > 0.05 * abs(fused[0]).max() for other in others.values())


def test_without_a_watcher_they_are_fused():
    """Else the test above compares a thing with itself."""
    x = mc.randn(2, 4, 6, 5)
    x.requires_grad = True
    assert type(Block(True, True)(x).creator).__name__ == "BatchNorm"
    assert type(Block(True, True).eval()(x).creator).__name__ in ("Conv2d", "BatchNorm")
    assert type(Block(False, True)(x).creator).__name__ == "Conv2d"


def test_local_response_normalisation_lets_deconvnet_pass():
    x = 3 * mc.randn(1, 6, 2, 2)
    x.requires_grad = True
    y, gradient = F.local_response_norm(x, 5, alpha=0.5), mc.randn(1, 6, 2, 2)
    by_rule = {}
    for rule in RULES:
        with F.relu_rule(rule):
            by_rule[rule] = mc.grad(y, [x], gradient=gradient, retain_graph=True)[0].numpy()
    np.testing.assert_array_equal(by_rule["deconvnet"], gradient.numpy())
    np.testing.assert_array_equal(by_rule["guided"], by_rule["backprop"])
    assert abs(by_rule["backprop"] - gradient.numpy()).max() > 0.1
