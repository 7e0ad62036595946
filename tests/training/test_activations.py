"""The picture of an image on its way through a network shows the right numbers, of few layers and of many."""
import numpy as np
import pytest
from matplotlib.image import AxesImage

from minicnn import data, models
from minicnn.training import layers, preparation
from minicnn.training.activations import activations
from tests.training.figures import save, texts

CLASSES = tuple("0123456789")


def images(figure):
    return [image.get_array() for image in figure.findobj(AxesImage)]


@pytest.mark.parametrize("variant", ["modern", "paper"])
def test_activations_name_every_layer_and_its_shape(tmp_path, variant):
    model = models.get("lenet", variant=variant)
    test_set = data.get("mnist", train=False)
    preprocessing = model.preprocessing_for(test_set.mean, test_set.std)
    figure = activations(model, preprocessing, test_set.images[0], CLASSES, 7)
    save(figure, tmp_path / "activations.png")
    heads = {"modern": ["input\n1 × 28 × 28", "conv1\n6 × 28 × 28", "MaxPool2d\n6 × 14 × 14", "conv2\n16 × 10 × 10",
                        "MaxPool2d\n16 × 5 × 5", "fc1\n120", "fc2\n84", "fc3\n10 probabilities"],
             "paper": ["input\n1 × 32 × 32", "c1\n6 × 28 × 28", "s2\n6 × 14 × 14", "c3\n16 × 10 × 10", "s4\n16 × 5 × 5",
                       "c5\n120 × 1 × 1", "f6\n84", "output\n10 probabilities"]}[variant]
    assert [text for text in texts(figure) if text in heads] == heads
    assert len(figure.findobj(AxesImage)) == 1 + 6 + 6 + 16 + 16 + 1 + 1
    assert any("true 7, said" in text for text in texts(figure))
    bars = [bar.get_width() for bar in figure.axes[1].patches]
    assert len(bars) == 10 and sum(bars) == pytest.approx(1)


def test_activations_of_a_dead_network_are_white(tmp_path):
    model = models.get("lenet")
    model.conv1.bias.copy_(np.full(6, -1e6))
    model.conv2.bias.copy_(np.full(16, -1e6))
    figure = activations(model, model.preprocessing_for((0,), (1,)), np.zeros((1, 28, 28), np.uint8), CLASSES, 0)
    save(figure, tmp_path / "activations.png")
    maps = figure.findobj(AxesImage)[1:7]
    assert all(image.norm(0) == 0.5 for image in maps)


def photograph(height, width):
    return np.random.default_rng(0).integers(0, 255, (3, height, width), np.uint8)


def test_some_of_many_layers_are_shown(tmp_path):
    model = models.get("resnet20")
    preprocessing = model.preprocessing_for((0.5, 0.4, 0.3), (0.2, 0.2, 0.2))
    image = photograph(32, 32)
    figure = activations(model, preprocessing, image, CLASSES, 3)
    save(figure, tmp_path / "activations.png")
    shown = images(figure)
    np.testing.assert_allclose(shown[0], image.transpose(1, 2, 0) / 255, atol=1e-6)   # in the colours that it had
    assert len(shown) == 1 + 7 * 16
    heads = [text.partition("\n")[0] for text in texts(figure) if "×" in text]
    assert heads[:2] == ["input", "conv1"] and heads[-1] == "layer3.2.conv2" and len(heads) == 8
    assert not {"Pad", "Index"} & set(heads)   # shortcuts without weights
    assert any(text.startswith("hidden layers (7 are shown): white is 0") for text in texts(figure))
    last = next(layer for layer in layers.outputs(model, preparation.seen(preprocessing, image)) if layer.name == "layer3.2.conv2")
    np.testing.assert_array_equal(shown[-16], last.output[0])


def test_the_most_probable_of_many_classes_are_shown(tmp_path):
    model = models.get("resnet20", num_classes=100)
    classes = tuple(f"class {number}" for number in range(100))
    figure = activations(model, model.preprocessing_for((0.5,) * 3, (0.2,) * 3), photograph(50, 70), classes, 42)
    save(figure, tmp_path / "activations.png")
    bars = [bar.get_width() for bar in figure.axes[1].patches]
    assert len(bars) == 10 and bars == sorted(bars, reverse=True) and sum(bars) < 1
    assert "fc\n100 probabilities\n(the 10 highest)" in texts(figure)
    said = figure.axes[1].get_yticklabels()[0].get_text()
    assert f"What the layers make of a test image (true class 42, said {said})" in texts(figure)
    assert images(figure)[0].shape == (32, 32, 3)


def test_networks_that_end_with_a_mean(tmp_path):
    model = models.get("squeezenet", num_classes=3)
    figure = activations(model, model.preprocessing_for((0.5,) * 3, (0.2,) * 3), photograph(40, 50), ("a", "b", "c"), 1)
    save(figure, tmp_path / "activations.png")
    bars = [bar.get_width() for bar in figure.axes[1].patches]
    assert len(bars) == 3 and sum(bars) == pytest.approx(1)
