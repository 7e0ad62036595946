"""A colour as the network takes it."""
import numpy as np
import pytest

from minicnn.errors import InputError
from minicnn.models.classifier import Preprocessing
from minicnn.visualize.colour import colour

from tests.visualize.comparison import image, small


@pytest.mark.parametrize("brightness, plain, normalised", [(0, [0, 0], [-2, -2]), (0.5, [0.5, 0.5], [0, 3]), ((1, 0.2), [1, 0.2], [2, 0])])
def test_it_is_normalised_where_the_network_takes_it_so(brightness, plain, normalised):
    model = small()
    for expected in plain, normalised:
        found = colour(model, image(3), brightness)
        assert found.shape == (1, 2, 1, 1) and found.dtype == np.float64
        np.testing.assert_allclose(found.numpy().ravel(), expected, rtol=1e-6, atol=1e-6)
        model.preprocessing = Preprocessing((9, 11), (0.5, 0.2), (0.25, 0.1))


def test_there_is_one_number_or_one_for_each_channel():
    with pytest.raises(InputError, match="a colour is one number or 2, one for each channel, not 3"):
        colour(small(), image(), (0, 0, 0))
