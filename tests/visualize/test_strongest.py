"""The strongest activations are those that sorting all of them gives, whatever comes first and in whatever batches."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F, nn
from minicnn.errors import InputError
from minicnn.visualize import layers
from minicnn.visualize.crops import Crop
from minicnn.visualize.strongest import strongest


class Small(nn.Module):
    input_shape = (1, 9, 8)

    def __init__(self):
        mc.manual_seed(0)
        self.conv1, self.conv2, self.fc = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 4, 3, stride=2), nn.Linear(4 * 4 * 3, 5)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return self.fc(self.dropout(F.flatten(x, 1)))


@pytest.fixture
def small():
    return Small()


@pytest.fixture
def images():
    return np.random.default_rng(0).standard_normal((40, 1, 9, 8)).astype(np.float32)


def maps_of(small, images, name):
    with mc.no_grad():
        output, = layers.outputs(small, mc.tensor(images), [layers.find(small, name)])
    return output.numpy()


def test_sorting_all_finds_the_same(small, images):
    maps = [(layers.find(small, "conv2"), 1), (layers.find(small, "conv1"), 2), (layers.find(small, "conv2"), 3)]
    for (layer, channel), found in zip(maps, strongest(small, maps, images, 5, batch_size=7)):
        values = maps_of(small, images, layer.name)[:, channel]
        highest = values.max((1, 2))
        expected = [number for number in np.argsort(-highest)[:5] if highest[number] > 0]
        assert [strong.source for strong in found] == expected and len(expected) >= 3
        np.testing.assert_allclose([strong.activation for strong in found], highest[expected], rtol=1e-5)
        for strong in found:
            assert strong.position == np.unravel_index(values[strong.source].argmax(), values.shape[1:])
            np.testing.assert_array_equal(strong.x, images[strong.source])
            assert strong.seen == layer.seen_from(*strong.position)


@pytest.mark.parametrize("batch_size", [1, 3, 40, 100])
def test_the_size_of_batches_does_not_matter(small, images, batch_size):
    maps = [(layers.find(small, "conv2"), channel) for channel in range(4)]
    expected = strongest(small, maps, images, 9)
    found = strongest(small, maps, iter(images), 9, batch_size)
    assert [[strong.source for strong in one] for one in found] == [[strong.source for strong in one] for one in expected]
    reversed_order = strongest(small, maps, images[::-1], 9)
    assert [[39 - strong.source for strong in one] for one in reversed_order] == [[strong.source for strong in one] for one in expected]


def test_no_more_is_kept_than_is_wanted(small, images):
    """Of a stream of images, those that are out of the race are let go."""
    alive, most = 0, 0

    class Counted(np.ndarray):
        def __new__(cls, values):
            nonlocal alive, most
            alive += 1
            most = max(most, alive)
            made = values.copy().view(cls)
            made.counted = True
            return made

        def __del__(self):
            nonlocal alive
            alive -= getattr(self, "counted", False)

    stream = (Counted(images[number % 40] * (1 + number / 1000)) for number in range(400))
    found, = strongest(small, [(layers.find(small, "conv2"), 1)], stream, 3, batch_size=10)
    assert len(found) == 3 and most <= 10 + 10 + 3


def test_of_the_same_ninth_of_a_photograph_the_strongest_counts(small, images):
    layer = layers.find(small, "conv2")
    highest = maps_of(small, images, "conv2")[:, 1].max((1, 2))
    there = (0, 0, 0.3, 0.3)   # small pieces, all in the first ninth
    crops = [Crop(image, "one photograph", there) for image in images[:10]]
    crops += [Crop(image, "another", there) for image in images[10:20]]
    crops += [Crop(image, "another", (0.7, 0.7, 1, 1)) for image in images[20:40]]
    found, = strongest(small, [(layer, 1)], crops, 9)
    expected = sorted([highest[:10].max(), highest[10:20].max(), highest[20:].max()], reverse=True)
    np.testing.assert_allclose([strong.activation for strong in found], expected, rtol=1e-5)
    assert {strong.source for strong in found} == {"one photograph", "another"}


def test_maps_that_are_0_everywhere_have_none(small, images):
    small.conv2.bias.copy_(np.full(4, -100))
    assert strongest(small, [(layers.find(small, "conv2"), 0)], images) == [[]]
    assert strongest(small, [(layers.find(small, "conv2"), 0)], []) == [[]]


def test_rows_of_numbers_are_maps_of_one_pixel_and_may_be_negative(small, images):
    small.fc.bias.copy_(np.full(5, -100))
    found, = strongest(small, [(layers.find(small, "fc"), 3)], images, 2)
    scores = small.eval()(mc.tensor(images)).detach().numpy()[:, 3]
    assert [strong.source for strong in found] == np.argsort(-scores)[:2].tolist() and found[0].activation < 0
    assert found[0].position == (0, 0)


def test_the_network_is_left_as_it_was(small, images):
    small.train()
    strongest(small, [(layers.find(small, "conv2"), 0)], images)
    assert small.training and small.dropout.training and all(parameter.requires_grad for parameter in small.parameters())


def test_an_unknown_channel(small, images):
    with pytest.raises(InputError, match="layer 'conv2' has channels 0 to 3, and no channel 4"):
        strongest(small, [(layers.find(small, "conv2"), 4)], images)
