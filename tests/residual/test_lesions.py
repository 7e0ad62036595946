"""Lesions: a plan runs what it says, wherever it starts, and nothing is left of it."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from minicnn import models
from minicnn.errors import InputError
from minicnn.models.resnet import BasicBlock, make_stage
from minicnn.residual import lesions


@pytest.fixture
def batches():
    mc.manual_seed(1)
    return [(mc.randn(count, 3, 8, 8), mc.tensor(np.arange(count) % 4)) for count in (100, 100, 27)]


@pytest.fixture(params=["a", "b", "c", "plain", "bottleneck"])
def model(request, small):
    return small(request.param)


def by_definition(model, batches, plan):
    """The error under a plan, from the images on."""
    wrong = count = 0
    with mc.no_grad():
        for images, labels in batches:
            x = model.stem(images)
            for own, number in zip(model.blocks(), plan):
                x = F.relu(own.shortcut(x)) if number is None else model.blocks()[number](x)
            wrong += int((model.head(x).argmax(1) != labels).numpy().sum())
            count += len(labels)
    return wrong / count


def test_the_whole_network_is_itself(model, batches):
    with mc.no_grad():
        wrong = np.concatenate([(model(images).argmax(1) != labels).numpy() for images, labels in batches])
    assert lesions.errors(model, batches, [lesions.whole(model)]) == [wrong.mean()]
    assert 0 < wrong.mean() < 1


def test_starting_late_gives_what_starting_early_gives(model, batches):
    places = lesions.removable(model, batches[0][0])
    plans = [lesions.without(model, {place}) for place in places] + [lesions.without(model, set(places[1:3]))]
    found = lesions.errors(model, batches, plans)
    np.testing.assert_array_equal(found, [by_definition(model, batches, plan) for plan in plans])
    assert len(set(found)) > 2   # they are not all alike, so they tell something


def test_what_remains_of_a_block_is_its_shortcut(small, batches):
    model = small("b")
    plan = lesions.without(model, {0, 3, 4})
    (without,) = lesions.errors(model, batches, [plan])
    for place in (0, 3, 4):   # a last normalisation that multiplies by 0 leaves the shortcut only
        for parameter in model.blocks()[place].bn2.parameters():
            parameter.copy_(np.zeros(parameter.shape, np.float32))
    assert lesions.errors(model, batches, [lesions.whole(model)]) == [without]


def test_errors_of_several_batches_count_images_not_batches(model, batches):
    together = [(mc.cat([images for images, _ in batches]), mc.cat([labels for _, labels in batches]))]
    plan = lesions.without(model, {0} if lesions.removable(model, batches[0][0])[0] == 0 else {1})
    assert lesions.errors(model, batches, [plan]) == pytest.approx(lesions.errors(model, together, [plan]))


def test_which_blocks_keep_the_shape(batches):
    images = batches[0][0]
    plain, residual = models.get("plain20"), models.get("resnet20")
    assert lesions.keeping_shape(residual, images) == lesions.keeping_shape(plain, images) == [[0, 1, 2], [4, 5], [7, 8]]
    assert lesions.removable(plain, images) == [0, 1, 2, 4, 5, 7, 8]
    assert lesions.removable(residual, images) == list(range(9))


def test_each_block_once(small, batches):
    plain, residual = small("plain"), small("a")
    assert np.isnan(lesions.delete_each(plain, batches)).tolist() == [False, False, False, True, False]
    found = lesions.delete_each(residual, batches)
    np.testing.assert_array_equal(found, lesions.errors(residual, batches, [lesions.without(residual, {place}) for place in range(5)]))


def test_random_sets_have_the_size_asked_for(batches, monkeypatch):
    model, plans = models.get("resnet20"), []
    monkeypatch.setattr(lesions, "errors", lambda model, batches, given: plans.extend(given) or np.arange(len(given)) / 10)
    found = lesions.delete_some(model, batches, [1, 4, 9], 5, np.random.default_rng(0))
    assert [plan.count(None) for plan in plans] == [1] * 5 + [4] * 5 + [9] * 5
    assert len({tuple(plan) for plan in plans[5:10]}) > 1
    np.testing.assert_array_equal(found, np.arange(15).reshape(3, 5) / 10)
    with pytest.raises(InputError, match="10 blocks cannot be taken out of 9"):
        lesions.delete_some(model, batches, [1, 10], 1, np.random.default_rng(0))


def test_swaps_stay_among_blocks_of_one_shape(batches, monkeypatch):
    model, plans = models.get("resnet20"), []
    monkeypatch.setattr(lesions, "errors", lambda model, batches, given: plans.extend(given) or np.zeros(len(given)))
    taus, found = lesions.swap_some(model, batches, [1, 20], 10, np.random.default_rng(0))
    assert taus.shape == found.shape == (2, 10)
    for plan in plans:
        assert plan[3] == 3 and plan[6] == 6   # these two change the shape
        assert set(plan[:3]) == {0, 1, 2} and set(plan[4:6]) == {4, 5} and set(plan[7:]) == {7, 8}
    assert all(sum(number != place for place, number in enumerate(plan)) == 2 for plan in plans[:10])
    assert max(taus[0]) == 1 - 2 / 36   # two neighbours
    assert [lesions.kendall_tau(plan) for plan in plans] == taus.ravel().tolist()


def test_swapped_blocks_run_in_their_new_order(model, batches):
    group = next(group for group in lesions.keeping_shape(model, batches[0][0]) if len(group) > 1)
    plan = lesions.whole(model)
    plan[group[0]], plan[group[1]] = plan[group[1]], plan[group[0]]
    assert lesions.errors(model, batches, [plan]) == [by_definition(model, batches, plan)]


def test_nothing_to_swap(small, batches):
    model = small("a")
    del model.layer1, model.layer2
    model.layer1 = make_stage(BasicBlock, "a", 8, 16, 1, stride=2)
    with pytest.raises(InputError, match="no two blocks"):
        lesions.swap_some(model, batches, [1], 1, np.random.default_rng(0))


@pytest.mark.parametrize("order, expected", [([0, 1, 2, 3], 1), ([3, 2, 1, 0], -1), ([1, 0, 2, 3], 1 - 2 / 6), ([2, 1, 0, 3], 0)])
def test_kendall_s_tau(order, expected):
    assert lesions.kendall_tau(order) == pytest.approx(expected)


def test_the_network_stays_as_it_was(model, batches):
    state = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    blocks = model.blocks()
    lesions.delete_each(model.train(), batches)
    assert all(before is after for before, after in zip(blocks, model.blocks(), strict=True))
    assert all(np.array_equal(state[name], tensor.numpy()) for name, tensor in model.state_dict().items())
