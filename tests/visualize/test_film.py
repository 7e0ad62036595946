"""Films of dreams."""
import numpy as np
import pytest
from PIL import Image, ImageSequence

from minicnn.visualize import dreaming, film


def test_frames_are_those_that_were_given(tmp_path):
    frames = [np.full((3, 10, 14), shade, np.float32) for shade in (0.0, 0.5, 1.0)]
    film.save(iter(frames), tmp_path / "dream.gif")
    with Image.open(tmp_path / "dream.gif") as saved:
        shades = [np.asarray(frame.convert("L")).mean() for frame in ImageSequence.Iterator(saved)]
        assert saved.size == (14, 10) and saved.info["loop"] == 0
    assert shades == pytest.approx([0, 128, 255], abs=2)


def test_grey_frames(tmp_path):
    film.save([np.zeros((1, 8, 8)), np.ones((1, 8, 8))], tmp_path / "dream.gif")
    with Image.open(tmp_path / "dream.gif") as saved:
        assert saved.n_frames == 2


def test_closer_is_the_middle_enlarged():
    rows = np.linspace(-1, 1, 101)
    slope = np.broadcast_to(rows[None, :, None], (1, 101, 101)).astype(np.float32)
    near = film.closer(slope)
    assert near.shape == slope.shape
    assert near[0, 50, 50] == pytest.approx(0, abs=0.02) and near[0, 90, 3] == pytest.approx(slope[0, 90, 3] / 1.06, abs=0.02)


def test_a_journey_dreams_of_what_is_nearer_each_time(monkeypatch):
    seen = []
    monkeypatch.setattr(dreaming, "dream", lambda model, objective, pixels, steps, prior: seen.append(pixels) or pixels + 1)
    start = np.random.default_rng(0).uniform(size=(3, 30, 30)).astype(np.float32)
    frames = list(film.journey(None, None, start, 3, 2, None))
    np.testing.assert_array_equal(seen[0], start)
    np.testing.assert_array_equal(seen[2], film.closer(frames[1]))
    np.testing.assert_array_equal(frames[2], seen[2] + 1)
