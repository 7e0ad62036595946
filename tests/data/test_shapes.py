"""Shapes that the program draws: the same ones every time, told apart by their outlines alone."""
import numpy as np
import pytest

from minicnn import data
from minicnn.data import shapes
from minicnn.errors import InputError


@pytest.fixture(scope="module")
def train():
    return data.get("shapes")


@pytest.fixture(scope="module")
def test_set():
    return data.get("shapes", train=False)


def test_what_there_is(train, test_set):
    for dataset, count in ((train, 10_000), (test_set, 2_000)):
        assert dataset.image_shape == (3, 32, 32) and dataset.images.dtype == np.uint8 and dataset.labels.dtype == np.int64
        assert np.bincount(dataset.labels).tolist() == [count / 10] * 10
        assert set(dataset.take(10).labels) == set(range(10))   # any first images are of all classes
    assert train.classes == ("arrow", "crescent", "cross", "disc", "heart", "ring", "spiral", "square", "star", "triangle")
    pixels = train.images / 255
    assert pixels.mean((0, 2, 3)) == pytest.approx(train.mean, abs=5e-4) and pixels.std((0, 2, 3)) == pytest.approx(train.std, abs=5e-4)


def test_every_time_the_same_and_no_image_twice(train, test_set):
    np.testing.assert_array_equal(data.get("shapes", train=False).images, test_set.images)
    everything = np.concatenate([train.images, test_set.images]).reshape(12_000, -1)
    assert len({image.tobytes() for image in everything}) == 12_000


def test_any_size():
    images = shapes.draw(np.arange(20) % 10, 96, np.random.default_rng(0))
    assert images.shape == (20, 3, 96, 96) and images.min() < 30 and images.max() > 225
    assert shapes.Shapes(train=False, size=8).image_shape == (3, 8, 8)


class Plain(shapes._Painter):
    """One upright thing in the middle of 64 x 64 pixels, as the share that it has of each."""

    def __init__(self, weight):
        super().__init__(10, 64, None)
        self.weight = np.float32(weight)

    def shares(self):
        u, v = np.broadcast_arrays(self.x, self.y)
        images = np.zeros((10, 3, 64, 64), np.float32)
        distances = np.concatenate([outline(u, v, self.weight) for outline in shapes._OUTLINES.values()])
        self._lay(images, distances, np.ones((10, 1, 1, 1), np.float32))
        return dict(zip(shapes._OUTLINES, images[:, 0]))


@pytest.mark.parametrize("weight", [0, 1])
def test_outlines_are_those_of_the_things(weight):
    things = Plain(weight).shares()
    for name, share in things.items():
        assert share.min() == 0 and share.max() == 1 and 0.05 < share.mean() < 0.7, name
        grey = ((share > 0.01) & (share < 0.99)).mean()
        assert 0.01 < grey < 0.3, name   # edges are smooth, and nothing else is
        if name != "spiral":
            upright = share if name in ("heart", "star", "square", "cross", "ring", "disc") else share.T
            if name != "star":   # whose first point looks along the axis of u
                np.testing.assert_allclose(upright, upright[:, ::-1], atol=1e-4)
    np.testing.assert_allclose(things["star"], things["star"][::-1], atol=1e-4)
    assert things["disc"].mean() * 4 == pytest.approx(np.pi * (0.75 + 0.1 * weight) ** 2, rel=0.02)
    assert things["disc"][32, 32] == things["star"][32, 32] == things["square"][32, 32] == 1 and things["ring"][32, 32] == 0
    assert things["cross"][32, 8] == things["cross"][8, 32] == 1 and things["cross"][12, 12] == 0


def crossings(share, radius):
    """How often a circle around the middle enters the thing."""
    angle = np.linspace(0, 2 * np.pi, 720)
    rows, columns = (np.rint(31.5 + 32 * radius * direction(angle)).astype(int) for direction in (np.sin, np.cos))
    inside = share[rows, columns] > 0.5
    return int((inside[1:] & ~inside[:-1]).sum())


def test_a_star_has_five_points_a_cross_four_and_a_spiral_turns():
    things = Plain(0).shares()
    for name, radius, times in (("star", 0.65, 5), ("cross", 0.65, 4), ("square", 0.85, 4), ("triangle", 0.65, 3), ("ring", 0.9, 0)):
        assert crossings(things[name], radius) == times, name
    across = things["spiral"][32] > 0.5
    assert (across[1:] & ~across[:-1]).sum() == 5   # two turns and a half: two arms on one side, three on the other


def test_things_are_anywhere_and_turned_any_way():
    triangle = list(shapes._OUTLINES).index("triangle")
    share = (shapes._Painter(4000, 16, np.random.default_rng(0))._thing(np.full(4000, triangle)) < 0).mean(0)
    for other in (share.T, share[::-1], share[:, ::-1]):
        np.testing.assert_allclose(share, other, atol=0.05)
    assert 0.4 < share[8, 8] < 0.95 and share[2, 8] > 0.03


def test_colours_and_places_say_nothing_of_the_class(train, test_set):
    """A linear classifier, the least-squares one of the pixels, is hardly better than chance."""
    pixels = train.images[:, :, ::2, ::2].reshape(10_000, -1) / np.float32(255) - 0.5
    codes = np.eye(10, dtype=np.float32)[train.labels] - 0.1
    weights = np.linalg.solve(pixels.T @ pixels + 100 * np.eye(pixels.shape[1], dtype=np.float32), pixels.T @ codes)
    tests = test_set.images[:, :, ::2, ::2].reshape(2_000, -1) / np.float32(255) - 0.5
    assert ((tests @ weights).argmax(1) == test_set.labels).mean() < 0.25


def test_some_classes():
    part = data.get("shapes", train=False, classes=["star", "ring"])
    assert part.classes == ("ring", "star") and len(part) == 400
    with pytest.raises(InputError, match="shapes has no class 'circle'"):
        data.get("shapes", classes=["circle", "ring"])
