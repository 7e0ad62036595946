"""The occlusion experiment: what is measured is what the definition says, and a cat is known by its face."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from minicnn import models, nn
from minicnn.data import photographs
from minicnn.errors import InputError
from minicnn.models.classifier import Preprocessing
from minicnn.training import preparation
from minicnn.training.seeing import look
from minicnn.visualize import layers, occlusion


def small():
    """(N, 2, 9, 11) -> scores (N, 3)."""
    mc.manual_seed(2)
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.5),
                         nn.Conv2d(4, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(30, 3))


def image(*shape):
    return mc.tensor(np.random.default_rng(0).uniform(-2, 2, (1, *shape)).astype(np.float32))


@pytest.fixture(scope="module")
def squeezenet():
    return models.get("squeezenet", weights="imagenet")


@pytest.fixture(scope="module")
def chelsea(squeezenet):
    """The cat, 227 x 227 pixels, and a quarter as many places as usual."""
    x = look(squeezenet, photographs.EXAMPLES / "chelsea.jpg").x
    return x, occlusion.occlude(squeezenet, x, stride=16)


# Rows and columns of pixels in which there are the eyes, the nose and the mouth: looked up in the crop that SqueezeNet sees.
FACE, LEFT_EYE = ((60, 220), (35, 215)), ((60, 110), (35, 90))
CAT = 285   # "Egyptian cat"


def lies_in(place, box):
    return all(first <= pixel <= last for pixel, (first, last) in zip(place, box))


def test_places_are_a_stride_apart_and_as_far_from_both_edges():
    assert occlusion.starts(6, 2, 2).tolist() == [0, 2, 4]
    assert occlusion.starts(7, 3, 2).tolist() == [-1, 1, 3, 5]      # middles at 0.5, 2.5, 4.5, 6.5 of 7
    assert occlusion.starts(227, 56, 8).tolist() == list(range(-27, 198, 8))
    assert occlusion.starts(10, 4, 30).tolist() == [3]


@pytest.mark.parametrize("length, size, stride", [(28, 7, 1), (32, 8, 8), (31, 9, 4), (224, 50, 8), (13, 13, 5)])
def test_every_pixel_is_covered_and_as_often_on_both_sides(length, size, stride):
    squares = occlusion.starts(length, size, stride)
    often = np.array([((squares <= pixel) & (pixel < squares + size)).sum() for pixel in range(length)])
    assert often.min() >= 1
    slack = (length - size - (len(squares) - 1) * stride) % 2
    np.testing.assert_array_equal(often[:length - slack], often[:length - slack][::-1])
    middles = squares + size / 2
    assert middles.min() >= -0.5 and middles.max() <= length


def test_squares_are_filled_and_nothing_else_changes():
    x, fill = image(2, 5, 6), mc.tensor(np.array([3.0, -0.25], np.float32).reshape(1, 2, 1, 1))
    tops, lefts = np.array([-2, 0, 3, 1]), np.array([1, -1, 4, 2])
    expected = np.repeat(x.numpy(), 4, 0)
    for number, (top, left) in enumerate(zip(tops, lefts)):
        for row in range(5):
            for column in range(6):
                if top <= row < top + 3 and left <= column < left + 3:
                    expected[number, :, row, column] = 3, -0.25
    np.testing.assert_array_equal(occlusion.covered(x, tops, lefts, 3, fill).numpy(), expected)


def test_it_is_what_the_definition_says():
    model, x = small().eval(), image(2, 9, 11)
    found = occlusion.occlude(model, x, size=3, stride=2, fill=(0.5, -1), batch_size=7)
    assert found.tops.tolist() == [-1, 1, 3, 5, 7] and found.lefts.tolist() == [-1, 1, 3, 5, 7, 9]
    assert found.layer.name == "5" and found.probabilities.shape == (5, 6, 3) and found.activations.shape == (5, 6, 5)
    for i, top in enumerate(found.tops):
        for j, left in enumerate(found.lefts):
            hidden = x.numpy().copy()
            hidden[0, 0, max(top, 0):top + 3, max(left, 0):left + 3] = 0.5
            hidden[0, 1, max(top, 0):top + 3, max(left, 0):left + 3] = -1
            maps = nn.Sequential(*list(model)[:7])(mc.tensor(hidden))
            scores = model(mc.tensor(hidden)).detach().numpy()[0]
            np.testing.assert_allclose(found.probabilities[i, j], np.exp(scores) / np.exp(scores).sum(), rtol=1e-5)
            np.testing.assert_allclose(found.activations[i, j], maps.detach().numpy()[0].sum((1, 2)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.whole_probabilities, F.softmax(model(x), 1).detach().numpy()[0], rtol=1e-5)
    totals = nn.Sequential(*list(model)[:7])(x).detach().numpy()[0].sum((1, 2))
    np.testing.assert_allclose(found.whole_activations, totals, rtol=1e-4, atol=1e-5)
    assert found.most_active == totals.argmax()


def test_a_network_that_sees_one_pixel_loses_it_where_the_square_is_over_it():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 64, 2))
    model[0].weight.copy_(np.array([1.0, -1.0]).reshape(2, 1, 1, 1))   # the second map sees nothing
    model[0].bias.copy_(np.zeros(2))
    model[3].weight.copy_(np.repeat([[1.0], [-1.0]], 128, 1))
    model[3].bias.copy_(np.array([0.0, 1.0]))
    x = np.zeros((1, 1, 8, 8), np.float32)
    x[0, 0, 2, 5] = 3
    found = occlusion.occlude(model, mc.tensor(x), "0", size=2, stride=1, fill=0)
    over = np.zeros((8, 8), bool)
    rows, columns = np.flatnonzero((found.tops <= 2) & (found.tops + 2 > 2)), np.flatnonzero((found.lefts <= 5) & (found.lefts + 2 > 5))
    over[np.ix_(rows, columns)] = True
    assert over.sum() == 4 and found.most_active == 0
    np.testing.assert_array_equal(found.activations[:, :, 0], np.where(over, 0, 3))
    np.testing.assert_array_equal(found.best, np.where(over, 1, 0))
    seen, lost = 1 / (1 + np.exp(1 - 6)), 1 / (1 + np.exp(1))   # scores 3 and 1 - 3, and 0 and 1
    np.testing.assert_allclose(found.probabilities[:, :, 0], np.where(over, lost, seen), rtol=1e-5)
    assert lies_in(found.lowest(found.probabilities[:, :, 0]), ((2, 3), (5, 6)))


def test_it_agrees_with_pytorch(torch):
    model, x = small(), image(2, 9, 11)
    conv1, norm, _, _, _, conv2, _, _, linear = [{name: torch.tensor(value.numpy()) for name, value in layer.state_dict().items()}
                                                 for layer in model]
    found = occlusion.occlude(model, x, size=4, stride=3, fill=0.25)
    for i, top in enumerate(found.tops):
        for j, left in enumerate(found.lefts):
            hidden = torch.tensor(x.numpy().copy())
            hidden[:, :, max(top, 0):top + 4, max(left, 0):left + 4] = 0.25
            functional = torch.nn.functional
            y = functional.conv2d(hidden, conv1["weight"], conv1["bias"], padding=1)
            y = functional.batch_norm(y, norm["running_mean"], norm["running_var"], norm["weight"], norm["bias"])
            maps = functional.conv2d(functional.max_pool2d(y.relu(), 2), conv2["weight"], conv2["bias"]).relu()
            expected = functional.linear(maps.flatten(1), linear["weight"], linear["bias"]).softmax(1)[0]
            np.testing.assert_allclose(found.probabilities[i, j], expected.numpy(), rtol=1e-4)
            np.testing.assert_allclose(found.activations[i, j], maps.sum((2, 3))[0].numpy(), rtol=1e-4, atol=1e-4)


def test_not_a_bit_depends_on_the_batch_size(squeezenet, chelsea):
    def bits(model, x, batch_size, **settings):
        found = occlusion.occlude(model, x, batch_size=batch_size, **settings)
        return found.probabilities.tobytes(), found.activations.tobytes()

    for model, x, settings in ((squeezenet, chelsea[0], {"stride": 76}), (models.get("lenet"), image(1, 28, 28), {"stride": 7}),
                               (small(), image(2, 9, 11), {"size": 3})):
        first, *others = [bits(model, x, batch_size, **settings) for batch_size in (1, 4, 9)]
        assert others == [first, first]


def test_the_network_is_left_as_it_was():
    model, x = small().train(), image(2, 9, 11)
    model[4].eval()
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    occlusion.occlude(model, x, size=3)
    assert [module.training for module in model.modules()] == modes
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])


def test_the_square_has_a_quarter_of_the_shorter_side_and_a_place_for_each_28th():
    model = models.get("lenet")
    found = occlusion.occlude(model, image(1, 28, 28))
    assert (found.size, found.stride, found.best.shape) == (7, 1, (28, 28))
    found = occlusion.occlude(small(), image(2, 9, 11))
    assert (found.size, found.stride, found.best.shape) == (2, 1, (9, 11))


def test_the_layer_is_the_last_whose_maps_are_not_the_classes(squeezenet):
    assert layers.last_with_maps(squeezenet).name == "fire9"
    assert layers.last_with_maps(models.get("alexnet")).name == "pool5"
    assert layers.last_with_maps(small(), (2, 9, 11)).name == "5"
    ends_with_maps = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert layers.last_with_maps(ends_with_maps, (1, 8, 8)).name == "0"   # there are no others
    with pytest.raises(InputError, match="no layer of Sequential has maps"):
        layers.last_with_maps(nn.Sequential(nn.Flatten(), nn.Linear(9, 2)), (1, 3, 3))


def test_the_colour_is_one_that_a_photograph_could_have():
    """A network with a preprocessing gets the same as if the pixels had been covered before it."""
    model = models.get("lenet")
    model.remember("shapes", tuple("0123456789"), Preprocessing((28, 28), (0.3,), (0.2,)))
    pixels = np.random.default_rng(1).uniform(0, 1, (1, 28, 28)).astype(np.float32)
    x = mc.tensor(preparation.normalised(model.preprocessing, pixels)[None])
    found = occlusion.occlude(model, x, size=10, stride=9, fill=0.8)
    top, left = found.tops[1], found.lefts[2]
    pixels[:, top:top + 10, left:left + 10] = 0.8
    scores = model.eval()(mc.tensor(preparation.normalised(model.preprocessing, pixels)[None]))
    np.testing.assert_allclose(found.probabilities[1, 2], F.softmax(scores, 1).detach().numpy()[0], rtol=1e-4)


def test_the_minimum_of_the_cat_lies_on_its_face(chelsea):
    _, found = chelsea
    in_place = found.probabilities[:, :, CAT]
    assert found.whole_probabilities.argmax() == CAT and lies_in(found.lowest(in_place), FACE)
    assert in_place.min() < 0.25 * found.whole_probabilities[CAT]


def test_of_the_whole_photograph_as_well(squeezenet):
    """150 x 225 pixels, of which the eyes, the nose and the mouth take a third; around them are ears, a cushion and a blanket."""
    photo = photographs.ScaleShorterSide(150)(photographs.read(photographs.EXAMPLES / "chelsea.jpg"), None)
    pixels = photographs.pixels(photo).astype(np.float32) / 255
    x = mc.tensor(preparation.normalised(squeezenet.preprocessing, pixels)[None])
    found = occlusion.occlude(squeezenet, x, size=50, stride=16)
    in_place = found.probabilities[:, :, CAT]
    assert in_place.shape == (10, 15) and lies_in(found.lowest(in_place), ((41, 138), (64, 179)))
    assert in_place.min() < 0.5 * found.whole_probabilities[CAT]


def test_the_most_active_map_is_about_eyes(chelsea):
    """The square costs most of its activation over the left eye, less over the right one, which is seen from the side, and nearly nothing
    at the mouth."""
    _, found = chelsea
    total, whole = found.activations[:, :, found.most_active], found.whole_activations[found.most_active]
    assert lies_in(found.lowest(total), LEFT_EYE)
    at = {name: total[abs(found.tops + 28 - row).argmin(), abs(found.lefts + 28 - column).argmin()]
          for name, (row, column) in {"right eye": (102, 193), "mouth": (212, 145), "forehead": (10, 110)}.items()}
    assert total.min() < 0.4 * whole and at["right eye"] < 0.8 * whole
    assert at["mouth"] > 0.9 * whole and at["forehead"] > 0.85 * whole


def test_another_device_computes_the_same():
    mc.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 2))
    x = image(1, 5, 5)
    expected = occlusion.occlude(model, x, size=2, stride=3)
    found = occlusion.occlude(model.to("cuda-simulator"), x.to("cuda-simulator"), size=2, stride=3)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, rtol=1e-5)
    np.testing.assert_allclose(found.activations, expected.activations, rtol=1e-5)


@pytest.mark.parametrize("settings, sentence", [
    ({"size": 10}, "a square of 10 x 10 pixels does not fit into the image, which has 9 x 11: choose a smaller one"),
    ({"size": 0}, "at least 1 pixel and move by at least 1, not 0 and 1"),
    ({"stride": 0}, "at least 1 pixel and move by at least 1, not 2 and 0"),
    ({"fill": (1, 2, 3)}, "one number or 2, one for each channel, not 3"),
    ({"layer": "8"}, "gives 3 numbers and no maps"),
    ({"layer": "7"}, "there is no layer '7'")])
def test_what_cannot_be_done_is_one_sentence(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        occlusion.occlude(small(), image(2, 9, 11), **settings)


def test_there_must_be_one_image_and_scores_that_are_numbers():
    with pytest.raises(InputError, match="slides over one image"):
        occlusion.occlude(small(), mc.zeros(2, 2, 9, 11))
    model = small()
    model[8].bias.copy_(np.array([0, np.nan, 0]))
    with pytest.raises(InputError, match="no finite numbers"):
        occlusion.occlude(model, image(2, 9, 11))
