"""All methods under one roof."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.visualize import gradients, logit
from minicnn.visualize.attribution import METHODS, by_pixel
from minicnn.visualize.deletion_insertion import insertion
from minicnn.visualize.gradcam import guided_gradcam
from minicnn.visualize.gradcam_plus_plus import gradcam_plus_plus
from minicnn.visualize.integrated_gradients import integrated_gradients
from minicnn.visualize.saliency import saliency
from minicnn.visualize.smoothgrad import smoothgrad

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


def test_another_device_computes_the_same():
    mc.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 2))
    x = mc.tensor(np.random.default_rng(0).uniform(-1, 1, (1, 1, 5, 5)).astype(np.float32))

    def results(where):
        objective, there = logit(1).of(model.to(where), (1, 5, 5)), x.to(where)
        mc.manual_seed(0)
        maps = [smoothgrad(objective, there, samples=2), integrated_gradients(objective, there, steps=2).attributions,
                guided_gradcam(objective, there), gradcam_plus_plus(objective, there)]
        assert {one.device for one in maps} == {where}
        return [*(one.cpu().numpy() for one in maps), insertion(objective, there, maps[-1][0], steps=1).values]

    for found, expected in zip(results("cuda-simulator"), results("cpu")):
        assert expected.any()
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
