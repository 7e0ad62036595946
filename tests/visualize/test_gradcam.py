"""Grad-CAM: maps weighted by their mean gradients, at the last convolution unless told otherwise."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import models, nn
from minicnn.errors import InputError
from minicnn.visualize import channel, classes, logit
from minicnn.visualize.gradcam import enlarged, gradcam, guided_gradcam, layer_of
from minicnn.visualize.guided_backpropagation import guided_backpropagation

from tests.visualize.comparison import TorchSqueezeNet, distance, image, photograph, small, state_of


def by_hand():
    """Two maps of 2 x 2 pixels, which are the image's channels, and a score for each class."""
    model = nn.Sequential(nn.Conv2d(2, 2, 1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2, bias=False))
    model[0].weight.copy_(np.eye(2).reshape(2, 2, 1, 1))
    model[3].weight.copy_(np.array([[4.0, 4, 0, 0, -1, -1, -1, -1], [-1, -1, -1, -1, -1, -1, -1, -1]]))
    return model, mc.tensor(np.array([[1.0, 2, 0, 3], [1, 5, 2, 6]], np.float32).reshape(1, 2, 2, 2))


def test_by_hand_it_is():
    model, x = by_hand()
    found = gradcam(logit(0).of(model, (2, 2, 2)), x, "0").numpy()
    assert found.tolist() == [[[1, 0], [0, 0]]]   # ReLU(2 A - B): the mean gradients are 2 and -1


def test_nothing_speaks_for_the_class():
    model, x = by_hand()
    assert gradcam(logit(1).of(model, (2, 2, 2)), x, "0").numpy().tolist() == [[[0, 0], [0, 0]]]


@pytest.mark.parametrize("name, expected", [
    ("squeezenet", "fire9"), ("vgg16", "conv5_3"), ("alexnet", "conv5"), ("resnet18", "layer4.1"), ("resnet50", "layer4.2"),
    ("googlenet", "inception5b"), ("lenet", "conv2")])
def test_the_layer_is_the_last_convolution(name, expected):
    with nn.init.skipped():
        model = models.get(name)
    assert layer_of(logit(0).of(model), mc.zeros(1, *model.input_shape)).name == expected


def test_it_agrees_with_pytorch(torch, squeezenet):
    x, cat = photograph(squeezenet, "chelsea"), classes.find(squeezenet, "Egyptian cat")
    network = TorchSqueezeNet(torch, squeezenet)
    maps = network.maps(torch.tensor(x.numpy())).requires_grad_()
    network.scores(maps)[:, cat].sum().backward()
    coarse = (maps.grad.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True).relu()
    expected = torch.nn.functional.interpolate(coarse, x.shape[2:], mode="bilinear").detach().numpy()[:, 0]
    assert distance(gradcam(logit(cat).of(squeezenet), x).numpy(), expected) <= 1e-4


def test_a_layer_that_has_been_looked_up_will_do():
    model, x = small(), image()
    objective = logit(2).of(model, (2, 9, 11))
    layer = layer_of(objective, x, "0")
    found = gradcam(objective, x, layer).numpy()
    np.testing.assert_array_equal(found, gradcam(objective, x, "0").numpy())
    assert distance(found, gradcam(objective, x).numpy()) > 0.1


def test_guided_grad_cam_is_the_product():
    objective, x = logit(2).of(small(), (2, 9, 11)), image(2)
    found = guided_gradcam(objective, x).numpy()
    expected = guided_backpropagation(objective, x).numpy() * gradcam(objective, x).numpy()[:, None]
    assert found.any()
    np.testing.assert_array_equal(found, expected)


def test_images_do_not_influence_each_other():
    objective, x = logit(2).of(small(), (2, 9, 11)), image(3)
    found = gradcam(objective, x).numpy()
    assert found[0].any()
    np.testing.assert_allclose(found[:1], gradcam(objective, x[:1]).numpy(), rtol=1e-12)


def test_maps_are_enlarged_to_the_image():
    maps = mc.tensor(np.array([[[1.0, -1], [0, 3]]]))
    found = enlarged(maps, mc.zeros(1, 3, 4, 4)).numpy()
    assert found.shape == (1, 4, 4) and found[0, 0, 0] == 1 and found[0, 3, 3] == 3 and found[0, 1, 0] == 0.75 and found[0, 0, 3] == 0


@pytest.mark.parametrize("layer, sentence", [("8", "gives 3 numbers and no maps"), ("first", "there is no layer 'first'")])
def test_what_has_no_maps_is_one_sentence(layer, sentence):
    with pytest.raises(InputError, match=sentence):
        gradcam(logit(0).of(small(), (2, 9, 11)), image(), layer)


def test_a_layer_above_what_is_asked_about_is_one_sentence():
    with pytest.raises(InputError, match="layer '5' comes after what is asked about, '0'"):
        gradcam(channel("0", 1).of(small(), (2, 9, 11)), image(), "5")


def test_the_network_is_left_as_it_was():
    model = small().train()
    before = state_of(model)
    guided_gradcam(logit(0).of(model, (2, 9, 11)), image())
    assert state_of(model) == before
