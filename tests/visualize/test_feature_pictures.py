"""The pictures of features and of DeconvNet show what they are given. Whether they are good to look at, eyes must tell."""
import numpy as np
import pytest
from matplotlib.text import Text

from minicnn import drawing
from minicnn.visualize.deconvnet import Answer
from minicnn.visualize.features import Column
from minicnn.visualize.layers import Layer
from minicnn.visualize.pictures import deconvnet, features, sheet
from minicnn.visualize.strongest import Strong

from kernels.geometry import ReceptiveField

LAYER = Layer("conv2", 3, (4, 5, 5), (ReceptiveField(6, 2, -2),) * 2)
CHANCE = np.random.default_rng(0)
PHOTO = CHANCE.random((3, 12, 14)).astype(np.float32)


@pytest.fixture
def texts(tmp_path):
    """texts(figure): draws it, where a warning would be an error, and returns all that is written in it."""
    def written(figure):
        drawing.save(figure, tmp_path / "figure.png")
        return [text.get_text() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    return written


def images(figure):
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.get_images()]


def answer(seen=(1, 2, 7, 8), activation=2.5, channels=3):
    x = CHANCE.random((channels, 12, 14)).astype(np.float32)
    return Answer(Strong(activation, (0, 0), seen, x, "source"), CHANCE.standard_normal(x.shape).astype(np.float32))


def test_a_patch_that_reaches_beyond_the_edges_is_white_there():
    for seen, rows, columns in (((1, 2, 7, 8), slice(1, 7), slice(2, 8)), ((-2, 10, 4, 16), slice(0, 4), slice(10, 14))):
        shown = sheet.patch(PHOTO, seen, sheet.colours)
        assert shown.shape == (6, 6, 3)
        inside = PHOTO[:, rows, columns].transpose(1, 2, 0)
        top, left = max(0, -seen[0]), max(0, -seen[1])
        np.testing.assert_array_equal(shown[top:top + inside.shape[0], left:left + inside.shape[1]], inside)
        assert (shown == 1).all(2).sum() == 36 - inside.shape[0] * inside.shape[1]
    assert (sheet.patch(PHOTO, (12, 0, 14, 2), sheet.colours) == 1).all()


def test_signals_are_around_grey():
    signal = np.zeros((3, 4, 4), np.float32)
    assert (sheet.around_grey(signal) == 0.5).all()
    signal[0, 1, 1], signal[1, 2, 2] = 2, -2
    shown = sheet.around_grey(signal)
    np.testing.assert_array_equal(shown[1, 1], [1, 0.5, 0.5])
    np.testing.assert_array_equal(shown[2, 2], [0.5, 0, 0.5])
    ink = sheet.around_grey(signal[:1])
    np.testing.assert_array_equal(ink[1, 1], [0, 0, 0])   # of one channel: the larger the darker, as the images are


def test_mosaic():
    tiles = [np.full((30, 30, 3), value, np.float32) for value in (0, 0.2, 0.4, 0.6)]
    whole = sheet.mosaic(tiles, 3)
    assert whole.shape == (122, 184, 3)   # enlarged to 60 pixels, with lines of 2
    assert (whole[:60, :60] == 0).all() and np.allclose(whole[62:, :60], 0.6) and (whole[62:, 62:] == 1).all()


def test_the_sheet_of_a_photograph(texts):
    rows = [[deconvnet.Feature(LAYER, 1, answer(), [answer() for _ in range(9)]),
             deconvnet.Feature(LAYER, 3, None, [answer((-2, 0, 4, 6))])],
            [deconvnet.Feature(LAYER._replace(name="conv3"), 0, answer(activation=1234.5), [])]]
    figure = deconvnet.sheet(rows, lambda x: x, "A sheet", PHOTO)
    written = texts(figure)
    assert {"A sheet", "conv2: a unit sees 6 × 6 pixels", "conv3: a unit sees 6 × 6 pixels", "map 1: 2.5", "map 3: 0 everywhere",
            "map 0: 1,234"} <= set(written)
    shown = images(figure)
    assert len(shown) == 2 + (4 + 2) + 2
    np.testing.assert_array_equal(shown[0], PHOTO.transpose(1, 2, 0))
    first = rows[0][0].own
    np.testing.assert_array_equal(shown[1], sheet.mosaic([sheet.patch(first.strong.x, first.strong.seen, sheet.colours)], 1))
    np.testing.assert_array_equal(shown[2], sheet.mosaic([sheet.patch(first.signal, first.strong.seen, sheet.around_grey)], 1))


def test_the_sheet_without_a_photograph(texts):
    figure = deconvnet.sheet([[deconvnet.Feature(LAYER, 1, None, [answer(channels=1)] * 4)]], lambda x: x, "Digits")
    assert "map 1" in texts(figure) and len(images(figure)) == 2


def test_projections_compared(texts):
    signals = {"one": CHANCE.standard_normal(PHOTO.shape), "another": CHANCE.standard_normal(PHOTO.shape)}
    figure = deconvnet.compared(PHOTO, {"a unit": ((0, 0, 6, 6), signals), "a second": ((-1, 0, 5, 6), signals)}, "Compared")
    assert {"one", "another", "a unit", "a second"} <= set(texts(figure))
    np.testing.assert_array_equal(images(figure)[2], sheet.patch(signals["another"], (0, 0, 6, 6), sheet.around_grey))
    assert len(images(figure)) == 6


def test_kernels_and_maps(texts):
    kernels, maps = CHANCE.standard_normal((5, 3, 3, 3)), abs(CHANCE.standard_normal((5, 6, 7)))
    figure = features.kernels_and_maps(PHOTO, kernels, maps, "Kernels")
    assert {"Kernels", "0", "4"} <= set(texts(figure))
    shown = images(figure)
    assert len(shown) == 1 + 2 * 5
    np.testing.assert_array_equal(shown[-1], maps[4])
    figure = features.kernels_and_maps(PHOTO[:1], kernels[:, :1], maps - 1, "Grey")
    np.testing.assert_array_equal(images(figure)[1], kernels[0, 0])


def test_maps(texts):
    outputs = {"low": abs(CHANCE.standard_normal((3, 6, 7))), "high": abs(CHANCE.standard_normal((40, 3, 3))), "dead": np.zeros((2, 3, 3))}
    figure = features.maps(PHOTO, outputs, "Maps")
    assert {"low: 3 maps of 6 × 7", "high: 40 maps of 3 × 3; the 12 with the highest activations"} <= set(texts(figure))
    shown = images(figure)
    assert len(shown) == 1 + 3 + 12
    np.testing.assert_array_equal(shown[4], outputs["high"][outputs["high"].max((1, 2)).argmax()])


def test_depth_columns(texts):
    columns = [Column(LAYER, (1, 2), (0, 2, 6, 8), np.array([0, 3, 1, 0.5])), Column(LAYER, (0, 0), (-2, -2, 4, 4), np.zeros(4))]
    figure = features.depth_columns(PHOTO, (3, 4), columns, "Columns")
    assert {"Columns", "conv2: row 1, column 2 of 4 maps, 3 not 0", "conv2: row 0, column 0 of 4 maps, 0 not 0"} <= set(texts(figure))
    photo, bars, _ = figure.axes
    np.testing.assert_allclose([bar.get_height() for bar in bars.patches], columns[0].activations)
    outline = photo.lines[1].get_xydata()
    assert outline.min(0).tolist() == [1.5, -0.5] and outline.max(0).tolist() == [7.5, 5.5]


def test_strongest(texts):
    figure = features.strongest({"map 0": [answer().strong] * 9, "map 1": [], "map 2": [answer().strong]}, lambda x: x, "Strongest")
    assert {"Strongest", "map 0", "map 1", "map 2"} <= set(texts(figure)) and len(images(figure)) == 2
