"""SqueezeNet v1.1: torchvision's names and results, and the ImageNet weights that ship with the package."""
import numpy as np
import pytest

from minicnn import Tensor, models, no_grad
from minicnn import functional as F
from minicnn.data import photographs
from minicnn.models import imagenet, squeezenet
from minicnn.training import preparation, weights


@pytest.fixture(scope="module")
def trained():
    return weights.load(squeezenet.EMBEDDED)


def pytorch_model(torch, variant):
    """The same network in PyTorch, its parts called as in torchvision."""
    nn = torch.nn
    padding, ceil_mode = (1, False) if variant == "padded" else (0, True)

    class Fire(nn.Module):
        def __init__(self, channels, squeeze, expand):
            super().__init__()
            self.squeeze = nn.Conv2d(channels, squeeze, 1)
            self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
            self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

        def forward(self, x):
            x = self.squeeze(x).relu()
            return torch.cat([self.expand1x1(x).relu(), self.expand3x3(x).relu()], 1)

    class SqueezeNet(nn.Module):
        def __init__(self):
            super().__init__()
            pool = nn.MaxPool2d(3, 2, ceil_mode=ceil_mode)
            self.features = nn.Sequential(
                nn.Conv2d(3, 64, 3, 2, padding), nn.ReLU(), pool, Fire(64, 16, 64), Fire(128, 16, 64), pool, Fire(128, 32, 128),
                Fire(256, 32, 128), pool, Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256))
            self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

        def forward(self, x):
            return self.classifier(self.features(x)).flatten(1)

    return SqueezeNet().eval()


@pytest.mark.parametrize("variant, size, maps", [("padded", 227, 13), ("torchvision", 224, 13), ("torchvision", 227, 14)])
def test_scores_are_pytorch_s(torch, variant, size, maps):
    theirs, ours = pytorch_model(torch, variant), models.get("squeezenet", variant=variant)
    state = {name: value.numpy() for name, value in ours.state_dict().items()}   # PyTorch's own would let signals die out
    assert list(state) == list(theirs.state_dict())
    theirs.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    x = np.random.default_rng(0).standard_normal((2, 3, size, size)).astype(np.float32)
    with no_grad(), torch.no_grad():
        scores, expected = ours.eval()(Tensor(x)).numpy(), theirs(torch.from_numpy(x)).numpy()
        assert ours.features(Tensor(x)).shape == (2, 512, maps, maps)
    assert np.linalg.norm(scores - expected) <= 5e-5 * np.linalg.norm(expected)


@pytest.mark.parametrize("variant, side", [(None, 227), ("torchvision", 224)])
def test_size(variant, side):
    model = models.get("squeezenet", variant=variant)
    assert sum(parameter.numel() for parameter in model.parameters()) == 1_235_496
    assert model.input_shape == (3, side, side) and model.recipe.crop[-1].size == (side, side)
    assert models.get("squeezenet", num_classes=5).classifier[1].weight.shape == (5, 512, 1, 1)


def test_weights_begin_as_in_torchvision():
    state = {name: value.numpy() for name, value in models.get("squeezenet").state_dict().items()}
    bound = np.sqrt(6 / (16 * 9))   # He's variance 2 / fan_in, as a uniform distribution
    weight = state["features.3.expand3x3.weight"]
    assert 0.98 * bound < weight.max() <= bound and abs(weight.mean()) < 0.02 * bound
    assert state["classifier.1.weight"].std() == pytest.approx(0.01, rel=0.02)
    assert not any(value.any() for name, value in state.items() if name.endswith("bias"))


def test_what_ships_says_how_it_is_used(trained):
    assert (trained.name, trained.variant, trained.learned_from) == ("squeezenet", "padded", "imagenet")
    assert trained.classes == imagenet.names()
    assert trained.preprocessing.size == (227, 227) and trained.preprocessing.resize == 256
    assert np.allclose(255 * np.array(trained.preprocessing.mean), (123.68, 116.779, 103.939))
    assert np.allclose(255 * np.array(trained.preprocessing.std), 1)


@pytest.mark.parametrize("name, expected, least", [("chelsea", "Egyptian cat", 0.35), ("coffee", "espresso", 0.95)])
def test_photographs_are_recognised(trained, name, expected, least):
    """With red and blue exchanged, or without the means, it is much less sure of the coffee."""
    crop, transform = preparation.for_tests(trained.preprocessing, None)
    image = photographs.pixels(crop(photographs.read(photographs.EXAMPLES / f"{name}.jpg"), None))
    with no_grad():
        scores = trained.eval()(Tensor(transform(image[None].astype(np.float32) / 255, None)))
    probabilities = F.softmax(scores, 1).numpy()[0]
    assert trained.classes[probabilities.argmax()] == expected and probabilities.max() > least
