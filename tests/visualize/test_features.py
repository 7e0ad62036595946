"""Maps, depth columns, and what a unit sees, against the definition: change a pixel and see which units change."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F, models, nn
from minicnn.errors import InputError
from minicnn.visualize import features, layers


class Small(nn.Module):
    input_shape = (1, 20, 24)

    def __init__(self):
        mc.manual_seed(0)
        self.conv1, self.conv2 = nn.Conv2d(1, 3, 5, stride=2, padding=1), nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        return self.conv2(F.max_pool2d(F.relu(self.conv1(x)), 2)).mean((2, 3))


@pytest.fixture
def small():
    return Small()


def image(seed=0):
    return np.random.default_rng(seed).random((1, 1, 20, 24)).astype(np.float32)


def test_a_unit_depends_on_what_it_sees_and_nothing_else(small):
    x, chosen = image(), [layers.find(small, name) for name in ("conv1", "MaxPool2d", "conv2")]
    before = features.maps(small, mc.tensor(x), chosen)
    changed = [np.zeros(output.shape[1:] + (20, 24), bool) for output in before]
    for row in range(20):
        for column in range(24):
            other = x.copy()
            other[0, 0, row, column] += 5
            for mark, old, new in zip(changed, before, features.maps(small, mc.tensor(other), chosen)):
                mark[:, :, row, column] = (old != new).any(0)
    for layer, mark in zip(chosen, changed):
        for row in range(mark.shape[0]):
            for column in range(mark.shape[1]):
                top, left, bottom, right = layer.seen_from(row, column)
                inside = np.zeros((20, 24), bool)
                inside[max(top, 0):bottom, max(left, 0):right] = True
                assert not mark[row, column][~inside].any(), (layer.name, row, column)
        assert mark.any()


def test_the_unit_above_a_pixel_sees_it_in_its_middle(small):
    for name in ("conv1", "MaxPool2d", "conv2"):
        layer = layers.find(small, name)
        height, width = layer.shape[1:]
        assert layer.unit_above(0, 0) == (0, 0) and layer.unit_above(19, 23) == (height - 1, width - 1)
        for row, column in ((10, 12), (5, 8)):
            top, left, bottom, right = layer.seen_from(*layer.unit_above(row, column))
            stride = layer.fields[0].stride
            assert abs((top + bottom - 1) / 2 - row) <= stride / 2 and abs((left + right - 1) / 2 - column) <= stride / 2


def test_depth_columns_are_all_maps_at_one_place(small):
    x, chosen = mc.tensor(image()), [layers.find(small, name) for name in ("conv1", "conv2")]
    for column, output in zip(features.depth_columns(small, x, chosen, (11, 4)), features.maps(small, x, chosen)):
        assert column.position == column.layer.unit_above(11, 4) and column.seen == column.layer.seen_from(*column.position)
        np.testing.assert_array_equal(column.activations, [values[column.position] for values in output])


def test_most_active():
    output = np.zeros((5, 2, 2), np.float32)
    output[1, 0, 1], output[3], output[4, 1, 1] = 3, 2, -1
    assert features.most_active(output, 9) == [1, 3] and features.most_active(output, 1) == [1]
    assert features.most_active(np.array([0.5, 0, 2]), 5) == [2, 0]


def test_several_layers_from_low_to_high():
    squeezenet = models.get("squeezenet")
    names = [layer.name for layer in layers.several(squeezenet, 5)]
    assert names[0] == "conv1" and names[-1] == "fire9" and len(names) == 5
    assert [layer.name for layer in layers.several(squeezenet, 1)] == ["conv1"]
    lenet = [layer for layer in layers.several(models.get("lenet"), 9)]
    assert [layer.name for layer in lenet] == ["conv1", "MaxPool2d", "conv2", "MaxPool2d (2)"] and all(layer.has_maps for layer in lenet)
    with pytest.raises(InputError, match="no layer of Sequential has maps"):
        layers.several(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), 3, input_shape=(1, 2, 2))


def test_a_layer_found_by_the_path_of_its_module_has_the_paper_s_name():
    assert layers.find(models.get("squeezenet"), "features.0").name == "conv1"
    assert layers.find(models.get("resnet20"), "layer1").name == "layer1"
