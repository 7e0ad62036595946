"""Gradients by depth: the numbers are what they say, the network is left alone, and deep plain networks are what they are said to be."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import models
from minicnn.errors import InputError
from minicnn.residual import gradients


def batches(count):
    """Images of ten classes, each a pattern with noise."""
    mc.manual_seed(5)
    patterns, labels = mc.randn(10, 3, 8, 8), np.arange(20) % 10
    return [(patterns[labels] + 0.5 * mc.randn(20, 3, 8, 8), mc.tensor(labels)) for _ in range(count)]


def gradient_of(model, name, batch):
    model.train().zero_grad()
    model.loss(model(batch[0]), batch[1]).backward()
    return dict(model.named_parameters())[name].grad.numpy().ravel().copy()


def test_sizes_and_agreement_by_definition():
    mc.manual_seed(0)
    model, given = models.get("resnet20", variant="paper-b"), batches(3)
    found = gradients.by_depth(model, given)
    assert len(found.names) == len(found.sizes) == len(found.agreement) == 19
    assert found.names[:3] == ("conv1", "layer1.0.conv1", "layer1.0.conv2") and found.names[-1] == "layer3.2.conv2"
    for layer in (0, 7, 18):
        name = found.names[layer] + ".weight"
        parts = [gradient_of(model, name, batch) for batch in given]
        weight = np.linalg.norm(dict(model.named_parameters())[name].detach().numpy())
        assert found.sizes[layer] == pytest.approx(np.mean([np.linalg.norm(part) / weight for part in parts]), rel=1e-4)
        cosines = [parts[i] @ parts[j] / np.linalg.norm(parts[i]) / np.linalg.norm(parts[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
        assert found.agreement[layer] == pytest.approx(np.mean(cosines), abs=1e-4)


def test_the_same_batch_twice_agrees():
    mc.manual_seed(0)
    found = gradients.by_depth(models.get("plain20"), batches(1) * 2)
    np.testing.assert_allclose(found.agreement, 1, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_the_network_stays_as_it_was(training):
    model = models.get("resnet20").train(training)
    before = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    gradients.by_depth(model, batches(2))
    assert all(np.array_equal(before[name], tensor.numpy()) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert {layer.training for layer in model.modules()} == {training}


def test_one_batch_agrees_with_nobody():
    with pytest.raises(InputError, match="two of them"):
        gradients.by_depth(models.get("resnet20"), batches(1))


def test_in_a_deep_plain_network_the_gradient_grows_on_its_way_down():
    """Yang et al. (ICLR 2019), and Balduzzi et al. (ICML 2017): what shortcuts are good for at the start."""
    mc.manual_seed(0)
    plain, residual = (gradients.by_depth(models.get(name), batches(4)) for name in ("plain56", "resnet56"))
    assert plain.sizes[1] / plain.sizes[-1] > 500 > 50 > residual.sizes[1] / residual.sizes[-1]
    assert abs(plain.agreement).mean() < 0.05 < 0.1 < residual.agreement.mean()


def test_several_starts():
    one, other = (gradients.ByDepth(("a", "b"), np.array(sizes), np.array(agreement))
                  for sizes, agreement in (([1.0, 4.0], [0.0, 1.0]), ([100.0, 1.0], [0.5, 0.0])))
    found = gradients.over_starts([one, other])
    np.testing.assert_allclose(found.sizes, [10, 2])
    np.testing.assert_allclose(found.agreement, [0.25, 0.5])
    assert found.names == ("a", "b")
