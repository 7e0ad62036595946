"""AlexNet as its paper has it, and as the published weights need it: Krizhevsky et al. 2012."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import models
from minicnn.models import alexnet
from tests.models.comparison import (as_torch, assert_is_torchvision_s, build, count, distance, images, randomise, shapes_after)


def test_torchvision_form_as_in_pytorch(torch, torch_networks):
    assert_is_torchvision_s("alexnet", torch, torch_networks)


def test_parameters():
    assert count(build("alexnet")) == 61_100_840
    assert count(build("alexnet", variant="paper")) == 60_965_224


def test_parameters_of_each_layer_of_the_paper():
    """With two groups, a filter sees half of the maps."""
    assert {name: count(layer) for name, layer in build("alexnet", variant="paper").named_children() if count(layer)} == {
        "conv1": 96 * (3 * 11 * 11 + 1), "conv2": 256 * (48 * 5 * 5 + 1), "conv3": 384 * (256 * 3 * 3 + 1),
        "conv4": 384 * (192 * 3 * 3 + 1), "conv5": 256 * (192 * 3 * 3 + 1),
        "fc6": 4096 * (9216 + 1), "fc7": 4096 * (4096 + 1), "fc8": 1000 * (4096 + 1)}


def test_shapes_of_torchvision_s_layers():
    shapes = shapes_after(build("alexnet").features, (3, 224, 224))
    assert list(dict.fromkeys(shapes)) == [(64, 55, 55), (64, 27, 27), (192, 27, 27), (192, 13, 13), (384, 13, 13), (256, 13, 13),
                                           (256, 6, 6)]


def test_shapes_of_the_paper_s_layers():
    shapes = []
    with mc.watch(lambda function, inputs, output: shapes.append(output.shape[1:])):
        build("alexnet", variant="paper").eval()(mc.zeros(1, 3, 224, 224))
    assert list(dict.fromkeys(shapes)) == [(96, 55, 55), (96, 27, 27), (256, 27, 27), (256, 13, 13), (384, 13, 13), (256, 6, 6), (9216,),
                                           (4096,), (1000,)]


def test_paper_form_as_in_pytorch(torch):
    """Groups, overlapping pools, and the response normalisation of section 3.3 by its formula."""
    network, x, nf = randomise(build("alexnet", variant="paper")).eval(), images(2, 3, 224, 224), torch.nn.functional
    w = as_torch(torch, network)

    def convolve(name, y, **settings):
        return nf.conv2d(y, w[f"{name}.weight"], w[f"{name}.bias"], **settings).relu()

    def normalise(y):
        squares = nf.pad(y * y, (0, 0, 0, 0, 2, 2))
        return y / (2 + 1e-4 * sum(squares[:, i:i + y.shape[1]] for i in range(5))) ** 0.75

    y = nf.max_pool2d(normalise(convolve("conv1", torch.from_numpy(x), stride=4, padding=2)), 3, 2)
    y = nf.max_pool2d(normalise(convolve("conv2", y, padding=2, groups=2)), 3, 2)
    y = convolve("conv4", convolve("conv3", y, padding=1), padding=1, groups=2)
    y = nf.max_pool2d(convolve("conv5", y, padding=1, groups=2), 3, 2).flatten(1)
    y = (w["fc7.weight"] @ (w["fc6.weight"] @ y.T + w["fc6.bias"][:, None]).relu() + w["fc7.bias"][:, None]).relu()
    expected = (w["fc8.weight"] @ y + w["fc8.bias"][:, None]).T
    with mc.no_grad():
        assert distance(network(mc.tensor(x)).numpy(), expected.numpy()) <= 5e-5


def test_response_norm_divides_by_the_sum_of_squares_of_5_channels():
    """Section 3.3, with its constants k = 2, n = 5, alpha = 1e-4, beta = 0.75."""
    x = 100 * images(1, 7, 1, 1)
    expected = [x[0, i, 0, 0] / (2 + 1e-4 * (x[0, max(0, i - 2):i + 3] ** 2).sum()) ** 0.75 for i in range(7)]
    np.testing.assert_allclose(alexnet.response_norm()(mc.tensor(x)).numpy().ravel(), expected, rtol=1e-5)


def test_initial_weights_of_the_paper():
    """Section 5: deviation 0.01, and biases of 1 where ReLUs must be kept alive."""
    mc.manual_seed(0)
    network = models.get("alexnet", variant="paper")
    for name in "conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8":
        layer = getattr(network, name)
        assert layer.weight.array.std() == pytest.approx(0.01, rel=0.03) and abs(layer.weight.array.mean()) < 2e-4
        assert (layer.bias.array == (name in ("conv2", "conv4", "conv5", "fc6", "fc7"))).all()


def test_dropout_is_before_torchvision_s_layers_and_after_the_paper_s():
    def kinds(layers):
        return [type(layer).__name__ for layer in layers]

    assert kinds(build("alexnet").classifier) == ["Dropout", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Linear"]
    assert kinds(build("alexnet", variant="paper").classifier()) == ["Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]


@pytest.mark.parametrize("variant", ["torchvision", "paper"])
def test_dense_is_forward_at_every_place(variant):
    """On an image of its own size, forward; on a larger one, the mean over all windows of the maps, of which there are 1 x 2 here."""
    network = randomise(build("alexnet", variant=variant, num_classes=10)).eval()
    x = mc.tensor(images(1, 3, 224, 256))
    with mc.no_grad():
        np.testing.assert_allclose(network.dense(x[:, :, :, :224]).numpy(), network(x[:, :, :, :224]).numpy(), rtol=1e-4, atol=1e-4)
        maps = network.features(x)
        assert maps.shape == (1, 256, 6, 7)
        layers = network.classifier if variant == "torchvision" else network.classifier()
        expected = 0
        for start in 0, 1:
            y = maps[:, :, :, start:start + 6].reshape(1, 9216)
            for layer in layers:
                y = layer(y)
            expected = expected + y.numpy() / 2
        np.testing.assert_allclose(network.dense(x).numpy(), expected, rtol=1e-4, atol=1e-4)


def test_recipe_is_the_paper_s():
    """Section 5: 90 passes, batches of 128, momentum 0.9, weight decay 0.0005, rate 0.01."""
    recipe = build("alexnet").recipe
    assert (recipe.epochs, recipe.batch_size, recipe.momentum, recipe.weight_decay, recipe.lr) == (90, 128, 0.9, 0.0005, 0.01)
    assert build("alexnet", variant="paper").recipe == recipe
