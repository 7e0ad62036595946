"""Residual networks for CIFAR: He et al. 2016, section 4.2 and Table 6."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import models, nn
from minicnn.models import resnet
from tests.models.comparison import as_torch, build, count, images, randomise, shapes_after

MILLIONS = {"resnet20": 0.27, "resnet32": 0.46, "resnet44": 0.66, "resnet56": 0.85, "resnet110": 1.7}   # Table 6
COUNTS = {"resnet20": 269_722, "resnet32": 464_154, "resnet44": 658_586, "resnet56": 853_018, "resnet110": 1_727_962}


@pytest.mark.parametrize("name", COUNTS)
def test_parameters(name):
    assert count(build(name)) == COUNTS[name]
    assert round(COUNTS[name] / 1e6, 1 if name == "resnet110" else 2) == MILLIONS[name]


@pytest.mark.parametrize("layers", [20, 32, 44, 56])
def test_a_plain_network_has_the_same_parameters(layers):
    residual, plain = build(f"resnet{layers}"), build(f"plain{layers}")
    assert [(name, tensor.shape) for name, tensor in plain.named_parameters()] == [
        (name, tensor.shape) for name, tensor in residual.named_parameters()]
    assert all(isinstance(block, resnet.PlainBlock) for block in plain.blocks())
    assert not any(isinstance(block, resnet.PlainBlock) for block in residual.blocks())


@pytest.mark.parametrize("name", [*COUNTS, "plain20", "plain56"])
def test_weight_layers_and_shapes(name):
    """6n + 2 layers: a convolution, 2n for each size of maps, a fully connected one."""
    network = build(name).eval()
    layers = int(name[-3:].lstrip("tn"))
    assert sum(isinstance(module, (nn.Conv2d, nn.Linear)) for module in network.modules()) == layers
    assert [len(stage) for stage in network.stages()] == [(layers - 2) // 6] * 3
    assert shapes_after([network.stem, *network.stages(), network.head], (3, 32, 32)) == [
        (16, 32, 32), (16, 32, 32), (32, 16, 16), (64, 8, 8), (10,)]


def test_options_of_the_shortcut():
    """A, the paper's choice here, learns nothing; B projects where shapes differ; C everywhere."""
    def kinds(variant):
        return ["".join(type(layer).__name__[0] for layer in block.downsample.modules()) if block.downsample else "-"
                for block in build("resnet20", variant=variant).blocks()]

    assert kinds("paper") == kinds("paper-a") == list("---Z--Z--")
    assert kinds("paper-b") == ["-", "-", "-", "SCB", "-", "-", "SCB", "-", "-"]
    assert kinds("paper-c") == ["SCB"] * 9


@pytest.mark.parametrize("name", ["resnet20", "plain20"])
def test_training_as_in_pytorch(name, torch):
    """Scores, loss, gradients and running statistics of one step, in float64."""
    network, nf = randomise(build(name)).double(), torch.nn.functional
    x, labels = images(4, 3, 32, 32).astype(np.float64), np.array([3, 1, 4, 1])
    w = {key: tensor.clone() for key, tensor in as_torch(torch, network).items()}
    for key, _ in network.named_parameters():
        w[key].requires_grad_()

    def convolve(conv, bn, y, stride=1):
        y = nf.conv2d(y, w[f"{conv}.weight"], stride=stride, padding=1)
        return nf.batch_norm(y, w[f"{bn}.running_mean"], w[f"{bn}.running_var"], w[f"{bn}.weight"], w[f"{bn}.bias"], training=True)

    y = convolve("conv1", "bn1", torch.from_numpy(x)).relu()
    for stage, filters in (1, 16), (2, 32), (3, 64):
        for block in range(3):
            stride, path = (2 if stage > 1 and block == 0 else 1), f"layer{stage}.{block}"
            shortcut = nf.pad(y[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, filters - y.shape[1]))
            y = convolve(f"{path}.conv2", f"{path}.bn2", convolve(f"{path}.conv1", f"{path}.bn1", y, stride).relu())
            y = (y + shortcut).relu() if name == "resnet20" else y.relu()
    expected = nf.linear(y.mean((2, 3)), w["fc.weight"], w["fc.bias"])
    expected_loss = nf.cross_entropy(expected, torch.from_numpy(labels))
    expected_loss.backward()

    scores = network(mc.tensor(x))
    loss = network.loss(scores, mc.tensor(labels))
    loss.backward()
    np.testing.assert_allclose(scores.detach().numpy(), expected.detach().numpy(), rtol=1e-8, atol=1e-10)
    assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-9)
    for key, parameter in network.named_parameters():
        np.testing.assert_allclose(parameter.grad.numpy(), w[key].grad.numpy(), rtol=1e-6, atol=1e-9, err_msg=key)
    for key, buffer in network.named_buffers():
        if "running" in key:
            np.testing.assert_allclose(buffer.numpy(), w[key].numpy(), rtol=1e-9, atol=1e-12, err_msg=key)


def test_initial_weights():
    """He's for the gradient: variance 2 / fan_out."""
    mc.manual_seed(0)
    network = models.get("resnet56")
    for path, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            deviation = 0.15 if path == "conv1" else 0.08   # few weights
            assert module.weight.array.std() == pytest.approx(np.sqrt(2 / nn.init.fans(module.weight)[1]), rel=deviation), path


def test_recipe_is_the_paper_s():
    """64,000 steps with batches of 128 from 50,000 images, a tenth of the rate after 32,000 and 48,000; 110 layers begin gently."""
    recipe = build("resnet20").recipe
    assert (recipe.lr, recipe.momentum, recipe.weight_decay, recipe.batch_size) == (0.1, 0.9, 0.0001, 128)
    assert recipe.epochs * 50_000 / 128 == pytest.approx(64_000, rel=0.005) and recipe.milestones == (32 / 64, 48 / 64)
    assert build("resnet110").recipe == recipe._replace(warmup_epochs=1) and recipe.warmup_epochs == 0
