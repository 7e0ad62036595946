"""SmoothGrad: a mean of gradients, with noise that the seed decides."""
import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import InputError
from minicnn.visualize import gradients, logit
from minicnn.visualize.smoothgrad import smoothgrad

from tests.visualize.comparison import distance, image, photograph, small, state_of


def test_it_is_the_mean_of_the_gradients_of_noisy_images():
    objective, x = logit(1).of(small(), (2, 9, 11)), image(2)
    mc.manual_seed(3)
    found = smoothgrad(objective, x, noise=0.2, samples=5, batch_size=2).numpy()
    chance = np.random.Generator(np.random.PCG64(3))
    for number, one in enumerate(x.numpy()):
        noisy = one + 0.2 * (one.max() - one.min()) * chance.standard_normal((5, 2, 9, 11))
        expected = gradients.by_image(objective, mc.tensor(noisy))[1].numpy().mean(0)
        np.testing.assert_allclose(found[number], expected, rtol=1e-12, atol=1e-15)
    assert distance(found, gradients.by_image(objective, x)[1].numpy()) > 0.1


def test_it_does_not_depend_on_the_batches(squeezenet):
    def found(objective, x, samples, batch_size):
        mc.manual_seed(0)
        return smoothgrad(objective, x, samples=samples, batch_size=batch_size).numpy()

    objective, x = logit(2).of(small(), (2, 9, 11)), image(2)
    first, *others = [found(objective, x, 7, size).tobytes() for size in (1, 3, 7)]
    assert others == [first, first]
    objective, x = logit("Egyptian cat").of(squeezenet), photograph(squeezenet, "chelsea")   # whose kernels depend on the batch
    assert distance(found(objective, x, 5, 4), found(objective, x, 5, 1)) < 1e-4


def test_without_noise_it_is_the_gradient():
    objective, x = logit(2).of(small(), (2, 9, 11)), image(2)
    expected = gradients.by_image(objective, x)[1].numpy()
    np.testing.assert_allclose(smoothgrad(objective, x, noise=0, samples=3).numpy(), expected, rtol=1e-12)


def test_the_network_is_left_as_it_was():
    model = small().train()
    before = state_of(model)
    smoothgrad(logit(0).of(model, (2, 9, 11)), image(), samples=2)
    assert state_of(model) == before


@pytest.mark.parametrize("settings", [{"noise": -0.1}, {"noise": np.nan}, {"samples": 0}, {"batch_size": 0}])
def test_what_cannot_be_done_is_one_sentence(settings):
    with pytest.raises(InputError, match="noise is at least 0, and there is at least 1 sample and 1 in a batch"):
        smoothgrad(logit(0).of(small(), (2, 9, 11)), image(), **settings)
