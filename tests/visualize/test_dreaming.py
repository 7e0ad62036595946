"""Dreams: the objective rises, the network stays as it was, and SqueezeNet sees a banana where there was noise."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import models, nn
from minicnn.data import photographs
from minicnn.errors import InputError
from minicnn.models.classifier import Preprocessing
from minicnn.training.seeing import look
from minicnn.visualize import classes, dreaming, natural
from minicnn.visualize.objectives import channel, logit, whole

QUIET = natural.Prior(jitter=2, scales=(1,))


class Small(nn.Sequential):
    """(N, 1, 16, 16) -> (N, 3)."""

    input_shape, classes, num_classes, learned_from = (1, 16, 16), ("a", "b", "c"), 3, "mnist"
    preprocessing = Preprocessing((16, 16), (0.4,), (0.2,))

    def __init__(self):
        mc.manual_seed(1)
        super().__init__(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3), nn.ReLU(),
                         nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3))


@pytest.fixture(scope="module")
def squeezenet():
    return models.get("squeezenet", weights="imagenet")


@pytest.mark.parametrize("prior", [QUIET, natural.NONE, natural.NATURAL, QUIET._replace(variation=1.0, contrast=0.1, blur=(1.0, 0.2))])
@pytest.mark.parametrize("objective", [logit("b"), dreaming.of_class("c"), channel("0", 2), whole("4")])
def test_the_objective_rises(prior, objective):
    mc.manual_seed(0)
    model, values = Small(), []
    found = dreaming.dream(model, objective, steps=40, prior=prior, see=lambda step, pixels, value: values.append(value))
    assert found.shape == (1, 16, 16) and found.dtype == np.float32 and 0 <= found.min() <= found.max() <= 1
    assert np.mean(values[-5:]) > np.mean(values[:5])


def test_the_network_stays_as_it_was():
    model = Small().train()
    before = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    dreaming.dream(model, logit("a"), steps=2)
    assert all(module.training for module in model.modules()) and all(parameter.requires_grad for parameter in model.parameters())
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, tensor in model.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[name])


def test_the_same_seed_gives_the_same_dream():
    dreams = []
    for seed in (5, 5, 6):
        model = Small()
        mc.manual_seed(seed)
        dreams.append(dreaming.dream(model, logit("a"), steps=3))
    np.testing.assert_array_equal(dreams[0], dreams[1])
    assert (dreams[0] != dreams[2]).any()


def test_a_dream_in_an_image_begins_with_it():
    start, seen = np.random.default_rng(0).uniform(0.1, 0.9, (1, 20, 24)).astype(np.float32), []
    for prior in (natural.NONE, QUIET):
        dreaming.dream(Small(), channel("0", 1), start, 1, prior, see=lambda step, pixels, value: seen.append(pixels))
    np.testing.assert_array_equal(seen[0], start)
    np.testing.assert_allclose(seen[1], start, atol=1e-4)


def test_octaves_go_up_to_the_image():
    assert dreaming.octaves((227, 227)) == [(83, 83), (116, 116), (162, 162), (227, 227)]
    assert dreaming.octaves((28, 28)) == [(20, 20), (28, 28)] and dreaming.octaves((9, 9)) == [(9, 9)]


def test_what_was_dreamt_is_carried_on_to_the_next_octave(monkeypatch):
    """A dream that makes all brighter by a tenth at each of the sizes makes it brighter by as many tenths."""
    monkeypatch.setattr(dreaming, "dream", lambda model, objective, begin, *others: begin + np.float32(0.1))
    start = np.random.default_rng(0).uniform(0.1, 0.4, (1, 28, 30)).astype(np.float32)
    found = dreaming.in_octaves(Small(), whole("0"), start)
    np.testing.assert_allclose(found, start + 0.2, atol=1e-6)


def test_noise_becomes_a_banana(squeezenet):
    mc.manual_seed(0)
    found = dreaming.dream(squeezenet, dreaming.of_class("banana"), steps=24)
    assert dreaming.probabilities(squeezenet, found)[classes.find(squeezenet, "banana")] >= 0.95


def test_probabilities_are_those_of_the_saved_file(squeezenet, tmp_path):
    from PIL import Image

    seen = look(squeezenet, photographs.EXAMPLES / "chelsea.jpg")
    pixels = np.clip(seen.image + np.float32(0.001), 0, 1)
    Image.fromarray(np.rint(255 * pixels).astype(np.uint8).transpose(1, 2, 0)).save(tmp_path / "saved.png")
    image = np.asarray(Image.open(tmp_path / "saved.png"), np.float32).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(dreaming.probabilities(squeezenet, pixels), dreaming.probabilities(squeezenet, image), rtol=1e-5)
    assert dreaming.probabilities(squeezenet, pixels).argmax() == 285   # Egyptian cat


def test_dreams_on_a_device():
    model = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model.input_shape, model.classes, model.num_classes, model.preprocessing = (1, 16, 16), ("a", "b"), 2, Small.preprocessing
    found = []
    for device in ("cpu", "cuda-simulator"):
        mc.manual_seed(0)
        found.append(dreaming.dream(model.to(device), logit("a"), steps=2, prior=natural.Prior(jitter=1, scales=(1,))))
    np.testing.assert_allclose(*found, atol=1e-4)


@pytest.mark.parametrize("settings, words", [
    ({"steps": 0}, "one step at least"), ({"start": np.zeros((1, 5, 200), np.float32)}, "16 x 16 pixels at least, not 200 x 5"),
    ({"objective": logit("bb")}, "did you mean 'b'"), ({"objective": channel("1", 4)}, "channel"),
    ({"objective": whole("conv")}, "no layer 'conv'")])
def test_mistakes_are_sentences(settings, words):
    with pytest.raises(InputError, match=words):
        dreaming.dream(Small(), settings.pop("objective", logit("a")), **settings)
