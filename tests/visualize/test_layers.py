"""Layers by name: of networks that know their paper's names and of such that do not, and what they give."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from minicnn import models, nn
from minicnn.autograd import grad
from minicnn.errors import InputError
from minicnn.visualize import layers

from tests.visualize.comparison import image, small, state_of


class Branches(nn.Module):
    """Calls its convolution twice, and what joins the two is in no module of its own."""

    def __init__(self):
        mc.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2))
        self.head = nn.Linear(2, 3)

    def forward(self, x):
        x = F.relu(self.body(x))
        x = F.relu(self.body(x) + x)
        return self.head(F.max_pool2d(x, 3).mean((2, 3)))


SHAPE = (2, 6, 9)


def names(model, shape=None):
    return [layer.name for layer in layers.every(model, shape)]


def test_squeezenet_has_its_paper_s_names(squeezenet):
    found = layers.every(squeezenet)
    fires = [f"fire{number}.{part}" for number in (2, 3) for part in ("squeeze", "expand1x1", "expand3x3")]
    assert [layer.name for layer in found[:3]] == ["conv1", "pool1", "fire2.squeeze"]
    assert set(fires) <= {layer.name for layer in found} and [layer.name for layer in found[-2:]] == ["conv10", "pool10"]
    shapes = {name: layers.find(squeezenet, name).shape for name in ("conv1", "pool1", "fire2", "fire9", "conv10", "scores")}
    assert shapes == {"conv1": (64, 114, 114), "pool1": (64, 56, 56), "fire2": (128, 56, 56), "fire9": (512, 13, 13),
                      "conv10": (1000, 13, 13), "scores": (1000,)}


def test_layers_without_a_paper_are_called_like_their_modules_or_functions():
    assert names(small(), (2, 9, 11)) == ["0", "3", "5", "8"]
    found = names(Branches(), SHAPE)
    assert found[0] == "body.0" and found[1].startswith("body.0 (2)") and found[-1] == "head" and "MaxPool2d" in found
    assert len(set(found)) == len(found)


def test_every_layer_is_found_by_its_own_name(squeezenet):
    for model, shape in (squeezenet, None), (models.get("resnet20"), None), (small(), (2, 9, 11)), (Branches(), SHAPE):
        for layer in layers.every(model, shape):
            assert layers.find(model, layer.name, shape) == layer


def test_a_module_stands_for_the_last_layer_in_it(squeezenet):
    fire = layers.find(squeezenet, "fire9")
    inside = [layer for layer in layers.every(squeezenet) if layer.name.startswith("fire9")]
    assert fire.place == max(layer.place for layer in inside) and fire.shape == (512, 13, 13)
    resnet = models.get("resnet20")
    for name, shape in {"layer1": (16, 32, 32), "layer2": (32, 16, 16), "layer3": (64, 8, 8)}.items():
        assert layers.find(resnet, name).shape == shape
    assert layers.find(resnet, "layer3").place > layers.find(resnet, "layer3.2.conv2").place   # the addition comes after


def test_outputs_are_what_the_network_computes():
    model, x = small().eval(), image(3)
    expected = {"0": x}
    for number, module in enumerate(model.children()):
        x = module(x)
        expected[str(number)] = x
    wanted = [layers.find(model, name, (2, 9, 11)) for name in ("8", "0", "3", "scores")]
    found = layers.outputs(model, image(3), wanted)
    for tensor, last in zip(found, ("8", "2", "3", "8")):   # batch normalisation and ReLU belong to the convolution
        np.testing.assert_allclose(tensor.detach().numpy(), expected[last].detach().numpy(), rtol=1e-12, atol=1e-12)


def test_outputs_of_a_layer_that_is_used_twice():
    model, x = Branches().eval(), mc.tensor(np.random.default_rng(0).standard_normal((2, *SHAPE)).astype(np.float32))
    first = F.relu(model.body(x))
    second = F.relu(model.body(first) + first)
    wanted = [layer for layer in layers.every(model, SHAPE) if layer.name.startswith("body")]
    found = layers.outputs(model, x, [wanted[0], layers.find(model, "MaxPool2d", SHAPE)])
    np.testing.assert_allclose(found[0].detach().numpy(), first.detach().numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[1].detach().numpy(), F.max_pool2d(second, 3).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_outputs_have_a_graph_down_to_the_image():
    model, x = small(), mc.tensor(image().numpy(), requires_grad=True)
    low, high = layers.outputs(model, x, [layers.find(model, name, (2, 9, 11)) for name in ("0", "5")])
    by_low, by_image = grad(high.sum(), [low, x])
    assert by_low.shape == low.shape and by_image.shape == x.shape and by_low.numpy().any() and by_image.numpy().any()


def test_the_network_runs_no_further_than_it_must():
    class Counted(nn.Module):
        calls = 0

        def forward(self, x):
            Counted.calls += 1
            return F.flatten(x, 1)

    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), Counted(), nn.Linear(8, 2))
    first = layers.find(model, "0", (1, 6, 6))
    calls = Counted.calls
    layers.outputs(model, mc.zeros(1, 1, 6, 6), [first])
    assert Counted.calls == calls
    layers.outputs(model, mc.zeros(1, 1, 6, 6), [first, layers.find(model, "scores", (1, 6, 6))])
    assert Counted.calls == calls + 2   # once to list, once to run


def test_other_sizes_and_numbers_of_images(squeezenet):
    fire = layers.find(squeezenet, "fire5")
    with mc.no_grad():
        found, = layers.outputs(squeezenet, mc.zeros(2, 3, 64, 96), [fire])
    assert found.shape == (2, 256, 7, 11)


def test_a_network_that_depends_on_its_image_is_told():
    class Moody(nn.Module):
        def forward(self, x):
            x = F.relu(x)
            return x if x.numpy().any() else F.relu(F.max_pool2d(x, 2))

    scores = layers.find(Moody(), "scores", (1, 4, 4))
    with pytest.raises(RuntimeError, match="Moody applied fewer functions than when its layers were listed"):
        layers.outputs(Moody(), mc.ones(1, 1, 4, 4), [scores])


def test_the_network_is_left_as_it_was():
    model = small().train()
    model[4].eval()
    before = state_of(model)
    layers.every(model, (2, 9, 11))
    layers.outputs(model, image(2), [layers.find(model, "3", (2, 9, 11))])
    assert state_of(model) == before


def test_the_last_layer_with_maps_before_they_are_pooled(squeezenet):
    assert layers.last_with_maps(squeezenet, pooled=False).name == "fire9"
    assert layers.last_with_maps(models.get("alexnet"), pooled=False).name == "conv5"
    assert layers.last_with_maps(models.get("resnet20"), pooled=False).name == "layer3.2"


def test_units_beyond_a_layer_are_told(squeezenet):
    fire, scores = layers.find(squeezenet, "fire9"), layers.find(squeezenet, "scores")
    fire.check(511, (12, 12))
    scores.check(999)
    for layer, channel, position, sentence in [
            (fire, 512, None, "layer 'fire9' has channels 0 to 511, and no channel 512"), (fire, -1, None, "no channel -1"),
            (fire, 0, (0, 13), r"the maps of layer 'fire9' are 13 x 13 pixels, counted from 0, and have none at \(0, 13\)")]:
        with pytest.raises(InputError, match=sentence):
            layer.check(channel, position)


@pytest.mark.parametrize("name, maps, sentence", [
    ("fire99", False, "there is no layer 'fire99': did you mean 'fire9'? Known: conv1, pool1, fire2.squeeze"),
    ("nothing like it", False, "there is no layer 'nothing like it': Known: conv1"),
    ("pool10", True, "layer 'pool10' gives 1000 numbers and no maps: choose one of conv1"),
    ("scores", True, "layer 'scores' gives 1000 numbers and no maps")])
def test_layers_that_are_not_there(squeezenet, name, maps, sentence):
    with pytest.raises(InputError) as problem:
        layers.find(squeezenet, name, maps=maps)
    assert sentence in str(problem.value)


def test_a_network_that_does_not_say_what_it_takes():
    with pytest.raises(InputError, match=r"Sequential does not say what images it takes; give input_shape=\(C, H, W\)"):
        layers.every(small())


@pytest.mark.parametrize("name, expected", [
    ("googlenet", ["conv1", "inception3a", "inception4b", "inception4d", "inception5b"]), ("resnet50", ["conv1", "layer2.3", "layer4.2"]),
    ("resnet20", ["conv1", "layer2.0", "layer3.2"]), ("plain20", ["conv1", "layer2.1.conv1", "layer3.2.conv2"])])
def test_several_are_whole_blocks(name, expected):
    with nn.init.skipped():
        model = models.get(name)
    assert [layer.name for layer in layers.several(model, len(expected))] == expected


def test_outputs_are_those_of_the_weights_then():
    """The pass is broken off, and what waited then must not be computed later, from other weights."""
    model, x = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 1, 1)), mc.ones(1, 1, 4, 4)
    expected = model[1](model[0](x)).detach().numpy().copy()
    with mc.no_grad():
        found, = layers.outputs(model, x, [layers.find(model, "0", (1, 4, 4))])
        model(x)
    model[0].weight.copy_(mc.zeros(2, 1, 3, 3))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)
