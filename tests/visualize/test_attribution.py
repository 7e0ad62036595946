"""All methods under one roof."""
import numpy as np
import pytest

import minicnn as mc
from minicnn.visualize import gradients, logit
from minicnn.visualize.attribution import METHODS, by_pixel
from minicnn.visualize.integrated_gradients import integrated_gradients
from minicnn.visualize.saliency import saliency

from tests.visualize.comparison import image, small


@pytest.mark.parametrize("name", METHODS)
def test_every_method_gives_a_map_of_each_image(name):
    objective, x = logit(2).of(small(), (2, 9, 11)), image(2)
    mc.manual_seed(0)
    found = METHODS[name](objective, x)
    assert found.shape in ((2, 9, 11), (2, 2, 9, 11)) and not found.requires_grad
    assert by_pixel(found).shape == (2, 9, 11) and by_pixel(found).numpy().any()


def test_by_pixel():
    objective, x = logit(2).of(small(), (2, 9, 11)), image(2)
    np.testing.assert_array_equal(by_pixel(METHODS["gradient"](objective, x)).numpy(), saliency(objective, x).numpy())
    shares = integrated_gradients(objective, x).attributions.numpy().sum(1)
    np.testing.assert_allclose(by_pixel(METHODS["integrated gradients"](objective, x)).numpy(), shares, atol=1e-15)
    values = np.array([[[[1.0, -3]], [[-2, 0]]]])
    assert gradients.strength(mc.tensor(values)).numpy().tolist() == [[[2, 3]]]
