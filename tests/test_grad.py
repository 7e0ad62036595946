"""mc.grad: the gradients by chosen tensors, and no others."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from tests.graphs import Double, leaf


def by_torch(torch, function, *values, inner=False):
    """mc.grad of function(library, *leaves) -> (output, inputs), and what torch.autograd.grad gives of the same."""
    leaves = [mc.tensor(value, requires_grad=True) for value in values]
    output, inputs = function(mc, *leaves)
    found = mc.grad(output, inputs)
    assert all(leaf.grad is None for leaf in leaves)
    output, inputs = function(torch, *(torch.tensor(value, requires_grad=True) for value in values))
    expected = torch.autograd.grad(output, inputs)
    for one, other, tensor in zip(found, expected, inputs, strict=True):
        assert one.shape == tuple(tensor.shape) and not one.requires_grad
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-6)


A, B = np.array([[1.5, -2.0, 0.5]]), np.array([[0.25, 3.0, -1.0]])


@pytest.mark.parametrize("function", [
    lambda library, a, b: ((a * b).sum(), [a, b]),
    lambda library, a, b: (((a + b) * a * a).sum(), [a]),                               # reached by several ways
    lambda library, a, b: inner(a * b, lambda m: (m * m).sum()),                        # something in the middle
    lambda library, a, b: inner(a * b, lambda m: (m * a + m * m * b).sum(), a, b),      # and the leaves below it, by it and past it
    lambda library, a, b: inner(a.exp(), lambda m: (m * b).sum(), b),
    lambda library, a, b: inner((a - b).tanh(), lambda m: ((m * 2).exp() + m).sum()),   # branches that meet
    lambda library, a, b: chain(a, b),
], ids=["leaves", "several ways", "inner", "inner and leaves", "one side", "branches", "one above the other"])
def test_grad_as_in_pytorch(torch, function):
    by_torch(torch, function, A, B)


def inner(middle, rest, *others):
    return rest(middle), [middle, *others]


def chain(a, b):
    low = a * b
    high = (low + a).tanh()
    return (high * low).sum(), [high, low, a]


def test_grad_of_an_input_named_twice_and_of_the_output_itself():
    a = leaf(1.0, 2.0)
    y = a * a
    assert [part.tolist() for part in mc.grad(y.sum(), [a, a])] == [[2, 4]] * 2
    y = a * a
    first, second = mc.grad(y, [y, a], gradient=mc.tensor([3.0, 4.0]))
    assert first.tolist() == [3, 4] and second.tolist() == [6, 16]
    same, = mc.grad(a, [a], gradient=mc.tensor([5.0, 6.0]))
    assert same.tolist() == [5, 6]


def test_grad_of_what_the_output_does_not_depend_on():
    a, b = leaf(1.0, 2.0), leaf([3.0])
    beside = b * 2
    found = mc.grad((a * a).sum(), [b, a, beside])
    assert [part.tolist() for part in found] == [[[0]], [2, 4], [[0]]] and found[2].shape == (1, 1)


def test_grad_goes_no_further_than_it_must():
    class Forbidden(Double):
        def backward(self, gradient):
            raise AssertionError("nobody needs this gradient")

    Double.passes = 0
    a, b = leaf(1.0), leaf(2.0)
    middle = Forbidden()(a)
    y = Double()(middle) * Forbidden()(b) + Forbidden()(b)
    assert mc.grad(y, [middle])[0].tolist() == [8] and Double.passes == 1


def test_grad_waits_for_all_ways_above():
    """Those that do not lead to what is wanted do not count."""
    Double.passes = 0
    a, b = leaf(1.0), leaf(5.0)
    low = Double()(a)
    high = low * low
    y = high * 3 + Double()(high) + b * high       # 5 + b times high
    assert mc.grad(y, [low])[0].tolist() == [40] and Double.passes == 1


def test_grad_adds_to_no_grad():
    a, b = leaf(1.0), leaf(2.0)
    (a * b).backward()
    before = a.grad, b.grad
    mc.grad(a * b, [a])
    assert (a.grad, b.grad) == before and (before[0].tolist(), before[1].tolist()) == ([2], [1])


def test_grad_of_a_graph_that_is_kept():
    a = leaf(3.0)
    y = a * a
    assert mc.grad(y, [a], retain_graph=True)[0].tolist() == mc.grad(y, [a])[0].tolist() == [6]
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        mc.grad(y, [a])


def test_grad_frees_what_it_passes():
    a = leaf(1.0)
    middle = a * 2
    y = middle * middle
    creator, below = y.creator, middle.creator
    mc.grad(y, [middle])
    assert creator.parents is None and below.parents is not None   # that may still be passed from the middle
    assert mc.grad(middle, [a])[0].tolist() == [2]


def test_grad_of_what_requires_none():
    with pytest.raises(RuntimeError, match="computed from nothing that requires a gradient"):
        mc.grad(mc.tensor([1.0]), [leaf(1.0)])
    with pytest.raises(RuntimeError, match="needs a gradient of that shape"):
        mc.grad(leaf(1.0, 2.0) * 2, [leaf(1.0)])


def test_grad_inside_a_network_that_waits():
    """A module's functions become one where they can; what is asked about must be there all the same."""
    mc.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 1, 1))
    x = mc.tensor(np.ones((1, 1, 4, 4), np.float32), requires_grad=True)
    by_x, by_weight = mc.grad(model(x).sum(), [x, model[0].weight])
    assert model[0].weight.grad is None and x.grad is None
    model(x).sum().backward()
    np.testing.assert_array_equal(by_x.numpy(), x.grad.numpy())
    np.testing.assert_array_equal(by_weight.numpy(), model[0].weight.grad.numpy())
