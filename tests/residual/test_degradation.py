"""The degradation experiment: what is measured is what happened, and it happens."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import data, models
from minicnn.residual import degradation


@pytest.fixture(scope="module")
def patterns():
    """Ten patterns of 8 x 8 pixels, 40 noisy images of each."""
    chance = np.random.default_rng(0)
    labels = np.arange(400) % 10
    images = chance.integers(0, 160, (10, 3, 8, 8))[labels] + chance.integers(0, 96, (400, 3, 8, 8))
    return data.Dataset(images.astype(np.uint8), labels, tuple("0123456789"), (0.5,) * 3, (0.2,) * 3, "patterns")


def learn(name, dataset, **settings):
    mc.manual_seed(0)
    model = models.get(name)
    normalize = data.transforms.Normalize(dataset.mean, dataset.std)
    loader = data.DataLoader(dataset, 20, shuffle=True, transform=normalize)
    return model, degradation.learn(model, loader, lr=0.05, **settings), loader


def test_a_deep_plain_network_learns_its_images_worse_than_a_shallow_one_and_a_residual_one_does_not(patterns):
    found = {}
    for name in ("plain20", "plain56", "resnet56"):
        model, curve, loader = learn(name, patterns, epochs=4)
        found[name] = degradation.error(model, loader.epoch(0))
    assert found["plain20"] < 0.2 and found["resnet56"] < 0.2 and found["plain56"] > 0.5


def test_points_of_a_curve_are_means_of_what_was_seen(patterns, monkeypatch):
    few = patterns.take(60)
    rows = []
    monkeypatch.setattr(degradation.optim.SGD, "step", lambda self: rows.append(self.lr))   # nothing is learned
    model, curve, loader = learn("resnet20", few, epochs=10, points=5)
    assert len(rows) == 30
    np.testing.assert_allclose(curve.when, [2, 4, 6, 8, 10])
    assert np.ptp(curve.errors) < 0.1   # but for which images share a batch
    model.train()
    with mc.no_grad():
        wrong = [(model(images).argmax(1) != labels).numpy().mean() for images, labels in loader.epoch(0)]
    assert curve.errors[0] == pytest.approx(np.mean(wrong), abs=0.1)
    assert rows[0] < rows[1] < max(rows) == pytest.approx(0.05) and rows[-1] < 0.001   # it rises, then falls


def test_error_counts_images_in_evaluation_mode(patterns):
    model = models.get("resnet20").train()
    before = model.bn1.running_mean.numpy().copy()
    normalize = data.transforms.Normalize(patterns.mean, patterns.std)
    uneven, whole = (data.DataLoader(patterns.take(50), size, transform=normalize) for size in (40, 50))
    with mc.no_grad():
        images, labels = next(whole.epoch(0))
        expected = (model.eval()(images).argmax(1) != labels).numpy().mean()
    assert degradation.error(model.train(), uneven.epoch(0)) == pytest.approx(expected)
    np.testing.assert_array_equal(model.bn1.running_mean.numpy(), before)
