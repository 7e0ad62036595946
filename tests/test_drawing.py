"""What all pictures share."""
import numpy as np
import pytest

from minicnn import drawing


@pytest.mark.parametrize("heights, expected", [
    ([], []), ([0.5], [0.5]), ([0.1, 0.9], [0.1, 0.9]), ([0.5, 0.5], [0.6, 0.4]), ([0.9, 0.1, 0.5], [0.9, 0.1, 0.5]),
    ([0.5, 0.5, 0.5], [0.7, 0.5, 0.3]), ([0.55, 0.45, 0.0], [0.6, 0.4, 0.0])])
def test_words_are_moved_apart_no_further_than_they_must(heights, expected):
    np.testing.assert_allclose(drawing.apart(heights, 0.2), expected, atol=1e-3)


@pytest.mark.parametrize("heights, expected", [([0.02], [0.1]), ([0.15, 0.15], [0.3, 0.1]), ([0.9, 0.0, 0.05], [0.9, 0.1, 0.3])])
def test_words_are_not_moved_below_the_lowest_height(heights, expected):
    np.testing.assert_allclose(drawing.apart(heights, 0.2, 0.1), expected, atol=1e-3)
