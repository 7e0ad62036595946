"""One crop, ten crops and dense evaluation, each against the paper's words, photo by photo."""
import numpy as np
import pytest
from PIL import Image, ImageOps

import minicnn
from minicnn import Tensor, evaluation, models, no_grad
from minicnn import functional as F
from minicnn.data import Dataset
from minicnn.errors import InputError
from minicnn.models.classifier import Preprocessing


@pytest.fixture(scope="module")
def photos():
    """21 images of 56 x 48 pixels, in random squares, so that crops differ."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (21, 3, 6, 8), np.uint8).repeat(8, axis=2).repeat(7, axis=3)
    return Dataset(images, np.arange(21) % 4, tuple("abcd"), (0.5,) * 3, (0.25,) * 3, "squares")


@pytest.fixture(scope="module")
def network(photos):
    """A network that has learned nothing, but says something else of each crop; it sees 32 x 32 pixels of photographs scaled to 40."""
    minicnn.manual_seed(1)
    model = models.get("resnet20", num_classes=4).eval()
    model.preprocessing = Preprocessing((32, 32), (0.5,) * 3, (0.25,) * 3, 40)
    model.fc.weight.copy_(30 * model.fc.weight.detach().numpy())
    with no_grad():
        model.fc.bias.copy_(-model(Tensor(photos.batch(np.arange(21)) * 4 - 2)).numpy().mean(0))
    return model


def scaled(photos, index):
    """A photo whose shorter side has 40 pixels."""
    height, width = photos.image_shape[1:]
    image = Image.fromarray(photos.images[index].transpose(1, 2, 0))
    return image.resize((40 * width // height, 40), Image.Resampling.BILINEAR)


def said(network, crops):
    """The mean of what the network says of PIL images."""
    arrays = np.stack([np.asarray(crop, np.float32).transpose(2, 0, 1) for crop in crops]) / 255
    with no_grad():
        return F.softmax(network(Tensor(np.ascontiguousarray((arrays - 0.5) / 0.25))), 1).array.mean(0)


def the_middle(photo):
    left = round((photo.width - 32) / 2)
    return [photo.crop((left, 4, left + 32, 36))]


def ten(photo):
    left = round((photo.width - 40) / 2)
    square = photo.crop((left, 0, left + 40, 40))
    five = [square.crop((x, y, x + 32, y + 32)) for x, y in ((0, 0), (8, 0), (0, 8), (8, 8), (4, 4))]
    return five + [ImageOps.mirror(crop) for crop in five]


def the_whole(photo):
    return [photo, ImageOps.mirror(photo)]


@pytest.mark.parametrize("crops, cut", [("1", the_middle), ("10", ten), ("dense", the_whole)])
def test_probabilities_are_those_of_the_crops(network, photos, crops, cut):
    result = evaluation.evaluate(network, photos, crops)
    expected = np.stack([said(network, cut(scaled(photos, index))) for index in range(len(photos))])
    assert result.scores == pytest.approx(expected, abs=1e-5) and (result.labels == photos.labels).all()
    assert result.loss == pytest.approx(-np.log(expected[np.arange(21), photos.labels]).mean(), rel=1e-4)
    assert result.accuracy == (expected.argmax(1) == photos.labels).mean()


def test_ways_of_looking_differ(network, photos):
    one, ten, dense = (evaluation.evaluate(network, photos, crops).scores for crops in evaluation.CROPS)
    assert min(abs(one - ten).max(), abs(ten - dense).max(), abs(one - dense).max()) > 0.01


def test_batches_are_counted(network, photos):
    seen = []
    evaluation.evaluate(network, photos.take(5), "10", lambda loader: (seen.append(len(loader)), loader)[1])
    assert seen == [3]


def test_no_ten_crops_of_what_is_seen_whole(network, photos):
    model = models.get("resnet20", num_classes=4)
    model.preprocessing = network.preprocessing._replace(resize=None)
    with pytest.raises(InputError, match="sees photographs whole"):
        evaluation.evaluate(model, photos, "10")
    assert evaluation.evaluate(model, photos, "dense").scores.shape == (21, 4)
