"""ZFNet: Zeiler & Fergus 2014, Figure 3 and section 3."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import models
from minicnn.models import zfnet
from tests.models.comparison import as_torch, build, count, distance, images, randomise

# Figure 3: filters, their size, the maps that they see.
CONVOLUTIONS = {"conv1": (96, 7, 3), "conv2": (256, 5, 96), "conv3": (384, 3, 256), "conv4": (384, 3, 384), "conv5": (256, 3, 384)}
CONNECTED = {"fc6": (4096, 6 * 6 * 256), "fc7": (4096, 4096), "fc8": (1000, 4096)}


def test_parameters_of_each_layer_of_figure_3():
    expected = {name: filters * (maps * size ** 2 + 1) for name, (filters, size, maps) in CONVOLUTIONS.items()}
    expected |= {name: outputs * (inputs + 1) for name, (outputs, inputs) in CONNECTED.items()}
    network = build("zfnet")
    assert {name: count(layer) for name, layer in network.named_children() if count(layer)} == expected
    assert count(network) == 62_357_608


def test_shapes_of_figure_3():
    """Its sizes are 110, 55, 26, 13 (three times) and 6."""
    shapes = []
    with mc.no_grad(), mc.watch(lambda function, inputs, output: shapes.append(output.shape[1:])):
        build("zfnet").eval()(mc.zeros(1, 3, 224, 224))
    assert list(dict.fromkeys(shapes)) == [(96, 110, 110), (96, 55, 55), (256, 26, 26), (256, 13, 13), (384, 13, 13), (256, 6, 6), (9216,),
                                           (4096,), (1000,)]


def test_scores_as_in_pytorch(torch):
    network, x, nf = randomise(build("zfnet")).eval(), images(2, 3, 224, 224), torch.nn.functional
    w = as_torch(torch, network)

    def layer(function, name, y, *settings):
        return function(y, w[f"{name}.weight"], w[f"{name}.bias"], *settings)

    def normalise(y):
        return nf.local_response_norm(y, 5, alpha=5e-4, beta=0.75, k=2)   # PyTorch's alpha is for the mean of 5 squares

    y = layer(nf.conv2d, "conv1", torch.from_numpy(x), 2, 1).relu()
    y = layer(nf.conv2d, "conv2", normalise(nf.max_pool2d(y, 3, 2, 1)), 2).relu()
    y = layer(nf.conv2d, "conv3", normalise(nf.max_pool2d(y, 3, 2, 1)), 1, 1).relu()
    y = layer(nf.conv2d, "conv5", layer(nf.conv2d, "conv4", y, 1, 1).relu(), 1, 1).relu()
    y = layer(nf.linear, "fc6", nf.max_pool2d(y, 3, 2).flatten(1)).relu()
    expected = layer(nf.linear, "fc8", layer(nf.linear, "fc7", y).relu())
    with mc.no_grad():
        assert distance(network(mc.tensor(x)).numpy(), expected.numpy()) <= 5e-5


def test_dense_is_forward_on_an_image_of_its_own_size():
    network, x = randomise(build("zfnet", num_classes=10)).eval(), mc.tensor(images(1, 3, 224, 224))
    with mc.no_grad():
        np.testing.assert_allclose(network.dense(x).numpy(), network(x).numpy(), rtol=1e-4, atol=1e-4)
        assert network.dense(mc.zeros(1, 3, 256, 288)).shape == (1, 10)


def test_initial_weights():
    """Section 3: deviation 0.01, biases 0."""
    mc.manual_seed(0)
    network = models.get("zfnet")
    for name in (*CONVOLUTIONS, *CONNECTED):
        layer = getattr(network, name)
        assert layer.weight.array.std() == pytest.approx(0.01, rel=0.03) and not layer.bias.array.any()


def test_filters_are_scaled_back_to_the_radius():
    """Section 3. Filters that are smaller, and the layers that are not convolutions, are left to the bit."""
    network = build("zfnet")
    for name in (*CONVOLUTIONS, "fc8"):
        weight = getattr(network, name).weight
        weight.copy_(0.05 * images(*weight.shape))
        weight.array[::3] *= 10   # root mean square about 0.5 instead of 0.05
    before = {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}
    versions = {name: parameter.version for name, parameter in network.named_parameters()}
    network.after_step()
    for name, parameter in network.named_parameters():
        after, was = parameter.array, before[name]
        if name.partition(".")[0] in CONVOLUTIONS and name.endswith("weight"):
            large = np.arange(len(was)) % 3 == 0
            np.testing.assert_allclose(np.sqrt((after[large].astype(np.float64) ** 2).mean((1, 2, 3))), zfnet.RADIUS, rtol=1e-5)
            ratio = after[large] / was[large]
            np.testing.assert_allclose(ratio, ratio[:, :1, :1, :1] + np.zeros_like(ratio), rtol=1e-5)
            np.testing.assert_array_equal(after[~large], was[~large])
            assert parameter.version > versions[name]   # what was worked out from the old filters is not used again
        else:
            np.testing.assert_array_equal(after, was)


def test_what_was_kept_of_large_filters_is_not_used_after_they_were_scaled():
    network, x = build("zfnet").eval(), mc.tensor(images(1, 3, 32, 32))
    with mc.no_grad():
        network.conv1.weight.copy_(images(96, 3, 7, 7))
        before = network.conv1(x).numpy().copy()
        network.after_step()
        size = np.sqrt((images(96, 3, 7, 7) ** 2).mean((1, 2, 3), keepdims=True))[:, 0]
        np.testing.assert_allclose(network.conv1(x).numpy(), before * zfnet.RADIUS / size, rtol=1e-4, atol=1e-4)
