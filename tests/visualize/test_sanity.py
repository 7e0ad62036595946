"""Random weights: which become so, that they are put back, and what becomes of maps. Guided backpropagation fails, as it must."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import InputError
from minicnn.visualize import logit, sanity
from minicnn.visualize.attribution import METHODS
from minicnn.visualize.saliency import saliency

from tests.visualize.comparison import image, photograph, small, state_of

SHAPE = (2, 9, 11)


def test_rank_correlation():
    assert sanity.rank_correlation([1, 2, 3, 4], [10, 20, 25, 1000]) == 1
    assert sanity.rank_correlation([1, 2, 3, 4], [4, 3, 2, -1]) == -1
    assert sanity.rank_correlation([[1, 2], [3, 4]], [[2, 1], [4, 3]]) == pytest.approx(1 - 6 * 4 / (4 * 15))
    assert sanity.rank_correlation([1, 2, 3], [5, 5, 5]) == 0


def test_equal_values_share_the_mean_of_their_ranks():
    first, second = np.array([0, 1.5, 1.5, 3]), np.array([2.5, 0, 1, 2.5])   # ranks of the values below
    expected = np.corrcoef(first, second)[0, 1]
    assert sanity.rank_correlation([-1, 7, 7, 9], [4, 1, 2, 4]) == pytest.approx(expected)


def test_stages_go_from_the_scores_down(squeezenet):
    found = sanity.stages(squeezenet, photograph(squeezenet, "chelsea"))
    assert [stage.name for stage in found] == ["conv10", *(f"fire{number}" for number in range(9, 1, -1)), "conv1"]
    assert sorted(name for stage in found for name in stage.weights) == sorted(squeezenet.state_dict())
    assert found[0].weights == ("classifier.1.weight", "classifier.1.bias")
    names = [(stage.name, sorted(stage.weights)) for stage in sanity.stages(small(), image())]
    norm = ["1.bias", "1.running_mean", "1.running_var", "1.weight"]
    assert names == [("8", ["8.bias", "8.weight"]), ("5", ["5.bias", "5.weight"]), ("0", ["0.bias", "0.weight", *norm])]


def test_weights_are_shuffled_and_statistics_begin_again():
    model = small()
    model[1].running_var.copy_(np.arange(1.0, 5))
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    names = ["0.weight", "0.bias", "1.running_mean", "1.running_var"]
    sanity.randomise(model, names, np.random.default_rng(0))
    after = {name: value.numpy() for name, value in model.state_dict().items()}
    for name in before:
        if name in names[:2]:
            assert not np.array_equal(after[name], before[name])
            np.testing.assert_array_equal(np.sort(after[name].ravel()), np.sort(before[name].ravel()))
        elif name not in names:
            np.testing.assert_array_equal(after[name], before[name])
    assert after["1.running_mean"].tolist() == [0] * 4 and after["1.running_var"].tolist() == [1] * 4


@pytest.mark.parametrize("cascade", [True, False])
def test_stage_by_stage(cascade):
    """Done by hand: what is random so far, or only what it is the turn of."""
    model, x = small(), image()
    found = sanity.randomise_weights(saliency, logit(1).of(model, SHAPE), x, cascade, seed=5)
    generator, expected, by_hand = np.random.default_rng(5), [], small()
    for stage in sanity.stages(model, x):
        if not cascade:
            by_hand = small()
        sanity.randomise(by_hand, stage.weights, generator)
        expected.append(saliency(logit(1).of(by_hand, SHAPE), x).numpy()[0])
    np.testing.assert_array_equal(found.original, saliency(logit(1).of(small(), SHAPE), x).numpy()[0])
    np.testing.assert_array_equal(found.maps, expected)
    assert found.absolute.tolist() == [sanity.rank_correlation(found.original, one) for one in expected]
    assert len({one.tobytes() for one in expected}) == 3


def test_correlations_with_and_without_signs():
    found = sanity.Randomised(np.array([[1.0, -2, 3, -4]]), (), np.array([[[-1.0, 2, -3, 4]], [[1.0, -2, 3, -4]]]))
    np.testing.assert_allclose(found.absolute, [1, 1])
    np.testing.assert_allclose(found.signed, [-1, 1])


def test_stages_can_be_chosen():
    objective = logit(1).of(small(), SHAPE)
    found = sanity.randomise_weights(saliency, objective, image(), some=["0", "8"])
    assert [stage.name for stage in found.stages] == ["0", "8"]
    with pytest.raises(InputError, match="there is no stage 'conv1' that could become random: choose from 8, 5, 0"):
        sanity.randomise_weights(saliency, objective, image(), some=["conv1"])


def test_afterwards_the_network_is_as_it_was():
    model = small().train()
    before = state_of(model)
    for cascade in (True, False):
        sanity.randomise_weights(saliency, logit(0).of(model, SHAPE), image(), cascade)
        assert state_of(model) == before

    calls = []

    def breaks(objective, x):
        calls.append(state_of(model) == before)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return saliency(objective, x)

    with pytest.raises(KeyboardInterrupt):
        sanity.randomise_weights(breaks, logit(0).of(model, SHAPE), image())
    assert calls == [True, False, False] and state_of(model) == before


def test_another_device_draws_the_same():
    mc.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 2))
    x = mc.tensor(np.random.default_rng(0).uniform(-1, 1, (1, 1, 5, 5)).astype(np.float32))
    expected = sanity.randomise_weights(saliency, logit(1).of(model, (1, 5, 5)), x)
    model.to("cuda-simulator")
    found = sanity.randomise_weights(saliency, logit(1).of(model, (1, 5, 5)), x.to("cuda-simulator"))
    np.testing.assert_allclose(found.maps, expected.maps, rtol=1e-4, atol=1e-6)


def test_a_method_that_ignores_the_network_is_seen_to():
    found = sanity.randomise_weights(lambda objective, x: x.abs().amax(1), logit(0).of(small(), SHAPE), image())
    np.testing.assert_allclose(found.absolute, 1)


def test_of_squeezenet_random_from_top_to_bottom_every_map_has_changed(squeezenet):
    """Smooth maps of 13 x 13 pixels resemble each other by chance, one way or the other: of these the mean over draws counts."""
    objective, x = logit("Egyptian cat").of(squeezenet), photograph(squeezenet, "chelsea")
    weights = [name for stage in sanity.stages(squeezenet, x) for name in stage.weights]
    trained = {name: method(objective, x).numpy() for name, method in METHODS.items()}
    found = {name: [] for name in METHODS}
    for seed in range(4):
        with sanity.restored(squeezenet):
            sanity.randomise(squeezenet, weights, np.random.default_rng(seed))
            for name, method in METHODS.items():
                if seed == 0 or name in ("Grad-CAM", "Grad-CAM++"):
                    found[name].append(sanity.rank_correlation(abs(trained[name]), abs(method(objective, x).numpy())))
    mean = {name: abs(np.mean(values)) for name, values in found.items()}
    guided = {name: mean.pop(name) for name in ("guided backpropagation", "Guided Grad-CAM")}
    assert all(value < 0.3 for value in mean.values()), mean
    assert all(value < 0.5 for value in guided.values()), guided


def test_guided_backpropagation_hardly_depends_on_the_upper_layers(squeezenet):
    objective, x = logit("Egyptian cat").of(squeezenet), photograph(squeezenet, "chelsea")
    upper = ["conv10", "fire9", "fire8", "fire7"]
    guided, gradient = (sanity.randomise_weights(METHODS[name], objective, x, some=upper)
                        for name in ("guided backpropagation", "gradient"))
    assert guided.signed.min() > 0.95 and guided.absolute.min() > 0.9
    assert abs(gradient.signed).max() < 0.3 and gradient.absolute.max() < 0.6


@pytest.mark.parametrize("method", [lambda objective, x: x[:, :, 1:], lambda objective, x: objective(x)])
def test_what_is_no_map_is_one_sentence(method):
    with pytest.raises(InputError, match=r"a method must give a tensor \(1, 9, 11\) or \(1, 2, 9, 11\)"):
        sanity.randomise_weights(method, logit(0).of(small(), SHAPE), image())


def test_one_image_at_a_time():
    with pytest.raises(InputError, match="of one image"):
        sanity.randomise_weights(saliency, logit(0).of(small(), SHAPE), image(2))
