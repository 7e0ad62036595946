"""The pictures show the numbers that they are given. Whether they are good to look at, eyes must tell."""
import numpy as np
import pytest
from matplotlib.text import Text

from minicnn import drawing
from minicnn.residual import degradation, gradients, paths, pictures


@pytest.fixture
def texts(tmp_path):
    """texts(figure): draws it, where a warning would be an error, and returns all that is written in it."""
    def written(figure):
        drawing.save(figure, tmp_path / "figure.png")
        return [text.get_text() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    return written


def by_depth(layers, size):
    return gradients.ByDepth(tuple(map(str, range(layers))), np.geomspace(size, 0.1, layers), np.linspace(0, 0.9, layers))


def test_gradients(texts):
    measured = {"plain20": by_depth(19, 1), "plain56": by_depth(55, 100), "resnet56": by_depth(55, 2)}
    figure = pictures.gradients(measured, "At the start")
    assert {"At the start", "plain20", "plain56", "resnet56"} <= set(texts(figure))
    left, right, *_ = figure.axes
    for line, other, found in zip(left.lines, right.lines, measured.values()):
        np.testing.assert_array_equal(line.get_ydata(), found.sizes)
        np.testing.assert_array_equal(other.get_ydata(), found.agreement)
        assert line.get_xdata()[0] == 1 and line.get_xdata()[-1] == len(found.names)
    assert [line.get_color() for line in left.lines] == [drawing.ORANGE, drawing.ORANGE, drawing.BLUE]
    assert [line.get_linestyle() for line in left.lines] == ["--", "-", "-"]


def test_degradation(texts):
    curves = {name: degradation.Curve(np.arange(1, 4), np.array([0.9, 0.5, last]))
              for name, last in (("plain20", 0.1), ("plain56", 0.4), ("resnet20", 0.05), ("resnet56", 0.055))}
    figure = pictures.degradation(curves, "Depth")
    assert {"plain20\n10.0 %", "plain56\n40.0 %", "resnet20\n5.0 %", "resnet56\n5.5 %"} <= set(texts(figure))
    plain, residual = figure.axes
    assert [len(axes.lines) for axes in figure.axes] == [2, 2]
    np.testing.assert_array_equal(plain.lines[1].get_ydata(), curves["plain56"].errors)
    heights = [text.xy[1] for text in residual.texts]
    assert abs(heights[1] - heights[0]) > 0.1   # names of lines that end together do not


def test_degradation_of_one_kind_only(texts):
    figure = pictures.degradation({"resnet20": degradation.Curve(np.array([1.0]), np.array([0.5]))}, "One")
    assert "resnet20\n50.0 %" in texts(figure)


def test_lesions(texts):
    found = {"resnet20": np.linspace(0.1, 0.3, 9), "plain20": np.array([0.9] * 3 + [np.nan] + [0.9] * 5)}
    figure = pictures.lesions(found, {"resnet20": 0.08, "plain20": 0.09}, "Lesions")
    assert {"whole:\n8.0 %", "whole:\n9.0 %", "shape\nchanges"} <= set(texts(figure))
    residual, plain = figure.axes
    np.testing.assert_allclose([bar.get_height() for bar in residual.patches], found["resnet20"])
    assert sum(np.isnan(bar.get_height()) for bar in plain.patches) == 1


@pytest.mark.parametrize("taus", [np.array([[0.9, 0.8], [0.5, 0.4]]), np.ones((2, 2))])
def test_deletions_and_swaps(texts, taus):
    deleted = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    figure = pictures.deletions_and_swaps([1, 4], deleted, taus, np.full((2, 2), 0.3), 0.05, "Several")
    assert {"whole:\n5.0 %", "random blocks swapped"} <= set(texts(figure))
    left, right = figure.axes
    np.testing.assert_allclose(left.lines[0].get_xydata(), [[1, 0.2], [4, 0.5]])
    np.testing.assert_allclose(right.lines[0].get_xdata(), taus.ravel())
    low, high = right.get_xlim()
    assert low >= 1 >= high and high <= taus.min()   # the right order is on the left


def test_path_lengths(texts):
    norms = np.geomspace(1, 1e-4, 10)
    figure = pictures.path_lengths(norms, "Paths")
    first, last = paths.middle(paths.share_of_gradient(norms))
    assert f"number × gradient\n95 % have length {first} to {last}" in texts(figure)
    number, carried, together = figure.axes
    np.testing.assert_allclose([bar.get_height() for bar in number.patches], paths.share_of_paths(9))
    np.testing.assert_allclose([bar.get_height() for bar in together.patches], paths.share_of_gradient(norms))
    np.testing.assert_array_equal(carried.lines[0].get_ydata(), norms)
