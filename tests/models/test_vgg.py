"""VGG: Simonyan & Zisserman 2015, Tables 1 and 2."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import models, nn
from minicnn.models import vgg
from tests.models.comparison import assert_is_torchvision_s, build, count, distance, images, randomise, shapes_after

COUNTS = {"vgg11": 132_863_336, "vgg13": 133_047_848, "vgg16": 138_357_544, "vgg19": 143_667_240,
          "vgg11_lrn": 132_863_336, "vgg16_1x1": 133_638_952}
MILLIONS = {"vgg11": 133, "vgg11_lrn": 133, "vgg13": 133, "vgg16_1x1": 134, "vgg16": 138, "vgg19": 144}   # Table 2


@pytest.mark.parametrize("name", ["vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"])
def test_torchvision_form_as_in_pytorch(name, torch, torch_networks):
    assert_is_torchvision_s(name, torch, torch_networks)


@pytest.mark.parametrize("name", COUNTS)
def test_parameters(name):
    assert count(build(name, variant="paper")) == COUNTS[name]
    assert round(COUNTS[name] / 1e6) == MILLIONS[name]


@pytest.mark.parametrize("name", ["vgg11", "vgg13", "vgg16", "vgg19"])
def test_batch_normalisation_adds_two_parameters_for_each_map(name):
    assert count(build(f"{name}_bn")) == COUNTS[name] + 2 * sum(filters for filters in vgg.CONFIGURATIONS[name] if filters != "pool")


@pytest.mark.parametrize("name, layers", [("vgg11", 11), ("vgg11_lrn", 11), ("vgg13", 13), ("vgg16_1x1", 16), ("vgg16", 16), ("vgg19", 19)])
def test_weight_layers(name, layers):
    """The first row of Table 1."""
    assert sum(isinstance(module, (nn.Conv2d, nn.Linear)) for module in build(name, variant="paper").modules()) == layers


@pytest.mark.parametrize("name", COUNTS)
def test_shapes_between_the_pools(name):
    network = build(name, variant="paper")
    stages = [(64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7)]
    shapes = shapes_after(network.features, (3, 224, 224))
    assert [shape for layer, shape in zip(network.features, shapes) if isinstance(layer, nn.MaxPool2d)] == stages
    for layer, shape, before in zip(network.features, shapes, [(3, 224, 224), *shapes]):
        assert isinstance(layer, nn.MaxPool2d) or shape[1:] == before[1:]   # everything else keeps the size


def test_convolutions_of_1x1_end_the_last_three_stages_of_c():
    """They have as many filters as they see maps."""
    stages = [[]]
    for layer in build("vgg16_1x1").features:
        if isinstance(layer, nn.Conv2d):
            stages[-1].append((layer.kernel_size[0], layer.in_channels == layer.out_channels))
        elif isinstance(layer, nn.MaxPool2d):
            stages.append([])
    assert [[size for size, _ in stage] for stage in stages] == [[3, 3], [3, 3], [3, 3, 1], [3, 3, 1], [3, 3, 1], []]
    assert all(same for stage in stages[2:5] for size, same in stage if size == 1)


def test_a_lrn_is_a_with_one_normalisation(torch):
    """After the first ReLU, with AlexNet's constants. The later layers are those of A."""
    plain, normalising = build("vgg11").features, build("vgg11_lrn").features
    kinds = [type(layer).__name__ for layer in normalising]
    assert kinds[:4] == ["Conv2d", "ReLU", "LocalResponseNorm", "MaxPool2d"]
    assert kinds[:2] + kinds[3:] == [type(layer).__name__ for layer in plain]
    x = torch.from_numpy(images(1, 64, 8, 8))
    expected = torch.nn.functional.local_response_norm(x, 5, alpha=5e-4, beta=0.75, k=2)
    assert distance(normalising[2](mc.tensor(x.numpy())).numpy(), expected.numpy()) < 1e-6


def test_initial_weights(monkeypatch):
    """He's for what torchvision publishes, Glorot's for the paper's: section 3.1, at its end. Everywhere biases are 0."""
    monkeypatch.setattr(vgg, "VGG", lambda *wishes: nn.Sequential(nn.Conv2d(64, 128, 3), nn.BatchNorm2d(128), nn.Linear(300, 500)))
    mc.manual_seed(0)
    for name, variant, of_convolution, of_linear in (
            ("vgg11", "torchvision", np.sqrt(2 / (128 * 9)), 0.01), ("vgg16_bn", "torchvision", np.sqrt(2 / (128 * 9)), 0.01),
            ("vgg11", "paper", np.sqrt(2 / (192 * 9)), np.sqrt(2 / 800)), ("vgg16_1x1", "paper", np.sqrt(2 / (192 * 9)), np.sqrt(2 / 800))):
        convolution, norm, linear = models.get(name, variant=variant)
        assert convolution.weight.array.std() == pytest.approx(of_convolution, rel=0.02)
        assert linear.weight.array.std() == pytest.approx(of_linear, rel=0.02)
        assert not (convolution.bias.array.any() or linear.bias.array.any()) and (norm.weight.array == 1).all()


def test_dense_is_forward_at_every_place():
    """On an image of its own size, forward; on a larger one, the mean over all windows of the maps, of which there are 1 x 2 here."""
    network, x = randomise(build("vgg11", num_classes=10)).eval(), mc.tensor(images(1, 3, 224, 256))
    with mc.no_grad():
        np.testing.assert_allclose(network.dense(x[:, :, :, :224]).numpy(), network(x[:, :, :, :224]).numpy(), rtol=1e-4, atol=1e-4)
        maps = network.features(x)
        expected = sum(network.classifier(maps[:, :, :, start:start + 7].reshape(1, 25088)).numpy() for start in (0, 1)) / 2
        np.testing.assert_allclose(network.dense(x).numpy(), expected, rtol=1e-4, atol=1e-4)
