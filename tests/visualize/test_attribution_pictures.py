"""The pictures show the maps that they are given. Whether they are good to look at, eyes must tell."""
import numpy as np
import pytest
from matplotlib.text import Text

from minicnn import drawing
from minicnn.visualize import sanity
from minicnn.visualize.deletion_insertion import Curve
from minicnn.visualize.pictures import attribution as pictures

CHANCE = np.random.default_rng(0)
IMAGE, COLOURS, SIGNED, PLAIN = (CHANCE.uniform(0, 1, (3, 8, 9)), CHANCE.normal(size=(3, 8, 9)), CHANCE.normal(size=(8, 9)),
                                 CHANCE.uniform(0, 1, (8, 9)))


@pytest.fixture
def texts(tmp_path):
    """texts(figure): draws it, where a warning would be an error, and returns all that is written in it."""
    def written(figure):
        drawing.save(figure, tmp_path / "figure.png")
        return [text.get_text() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    return written


def test_sheet(texts):
    maps = {"guided": COLOURS, "integrated": SIGNED, "saliency": PLAIN, "Grad-CAM": PLAIN, "nothing": 0 * PLAIN}
    figure = pictures.sheet(IMAGE, maps, "A title", over=["Grad-CAM"], note="a remark")
    assert {"A title", "a remark", *maps} <= set(texts(figure))
    seen, guided, integrated, saliency, over, nothing = figure.axes[:6]
    np.testing.assert_array_equal(seen.images[0].get_array(), IMAGE.transpose(1, 2, 0))
    drawn = guided.images[0].get_array()
    most = np.percentile(abs(COLOURS), 99)
    np.testing.assert_allclose(drawn, np.clip(0.5 + COLOURS / (2 * most), 0, 1).transpose(1, 2, 0))
    np.testing.assert_array_equal(integrated.images[0].get_array(), SIGNED)
    assert integrated.images[0].get_clim()[0] == -integrated.images[0].get_clim()[1] < 0   # 0 is white
    np.testing.assert_array_equal(saliency.images[0].get_array(), PLAIN)
    assert saliency.images[0].get_clim()[0] == 0
    photograph, colour = over.images
    np.testing.assert_allclose(photograph.get_array(), IMAGE.mean(0))
    np.testing.assert_allclose(colour.get_array(), PLAIN / PLAIN.max())
    assert not nothing.images[0].get_array().any()


def test_sheet_of_a_grey_image(texts):
    figure = pictures.sheet(IMAGE[:1], {"guided": COLOURS[:1], "Grad-CAM": PLAIN}, "Grey", over=["Grad-CAM"])
    assert "Grey" in texts(figure)
    np.testing.assert_allclose(figure.axes[2].images[0].get_array(), 1 - IMAGE[0])   # as ink, like the image itself


def test_by_class(texts):
    rows = {name: {"Grad-CAM": PLAIN * scale, "Guided Grad-CAM": COLOURS} for name, scale in (("cat", 1), ("espresso", 0))}
    figure = pictures.by_class(IMAGE, rows, "Two classes", "a remark")
    written = texts(figure)
    assert {"cat", "espresso", "a remark"} <= set(written) and written.count("Grad-CAM") == 2
    assert len(figure.axes) == 6
    np.testing.assert_allclose(figure.axes[1].images[1].get_array(), PLAIN / PLAIN.max())
    assert not figure.axes[4].images[1].get_array().any()


def randomised(original, *maps):
    stages = tuple(sanity.Stage(f"layer{number}", ()) for number in range(len(maps)))
    return sanity.Randomised(original, stages, np.array(maps))


def test_cascade(texts):
    found = {"gradient": randomised(COLOURS, -COLOURS, 2 * COLOURS), "Grad-CAM": randomised(PLAIN, -PLAIN + 1, 0 * PLAIN)}
    figure = pictures.cascade(found, "A cascade")
    written = texts(figure)
    assert {"trained", "layer0", "layer1", "gradient", "Grad-CAM"} <= set(written)
    assert (written.count("1.00"), written.count("-1.00"), written.count("0.00")) == (2, 1, 1)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), abs(COLOURS).max(0))
    np.testing.assert_array_equal(figure.axes[4].images[0].get_array(), 1 - PLAIN)


def test_correlations(texts):
    found = {"gradient": randomised(SIGNED, -SIGNED, SIGNED)}
    figure = pictures.correlations(found, "How alike")
    assert {"of absolute values", "of values with their signs", "trained", "layer0"} <= set(texts(figure))
    absolute, signed = figure.axes
    np.testing.assert_allclose(absolute.lines[0].get_ydata(), [1, 1, 1])
    np.testing.assert_allclose(signed.lines[0].get_ydata(), [1, -1, 1])


def test_deletion_insertion(texts):
    shares = np.array([0, 0.5, 1])
    curves = {"good": (Curve(shares, np.array([1, 0, 0])), Curve(shares, np.array([0, 1, 1]))),
              "by chance": (Curve(shares, np.array([1, 0.5, 0])), Curve(shares, np.array([0, 0.5, 1])))}
    figure = pictures.deletion_insertion(curves, "Curves", ["by chance"])
    assert {"0.250  good", "0.750  good", "0.500  by chance"} <= set(texts(figure))
    left, right = figure.axes
    np.testing.assert_array_equal(left.lines[0].get_xydata(), [[0, 1], [0.5, 0], [1, 0]])
    np.testing.assert_array_equal(right.lines[0].get_ydata(), [0, 1, 1])
    assert [line.get_color() for line in right.lines] == [drawing.BLUE, drawing.GREY]
