"""The picture of the occlusion experiment: maps lie where the image is, and colours mean what the legend says."""
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from minicnn import models, nn
from minicnn.visualize import layers, occlusion
from minicnn.visualize.deconvnet import Answer
from minicnn.visualize.pictures import occlusion as pictures
from minicnn.visualize.strongest import Strong


def experiment(best, size=6, stride=4):
    """An Occlusion of an image of 16 x 24 pixels, 4 x 6 places, with `best` as the most probable classes out of 20."""
    probabilities = np.full((4, 6, 20), 0.01)
    np.put_along_axis(probabilities, np.reshape(best, (4, 6, 1)), 0.5, 2)
    activations = np.arange(48, dtype=float).reshape(4, 6, 2)[::-1]
    layer = layers.Layer("late", 3, (2, 4, 6), ())
    return occlusion.Occlusion(occlusion.starts(16, size, stride), occlusion.starts(24, size, stride), size, stride, layer, probabilities,
                               activations, np.eye(20)[3], np.array([10.0, 30.0]))


@pytest.fixture
def places():
    """Class 3 nearly everywhere, 7 in a corner, and one place each for others."""
    best = np.full((4, 6), 3)
    best[:2, :2] = 7
    best[3] = 10, 11, 12, 13, 14, 15
    return best


def draw(found, **settings):
    drawn = pictures.occlusion(np.full((3, 16, 24), 0.25), found, nn.Sequential(), 3, "a title", **settings)
    drawn.canvas.draw()   # or colour bars would have no numbers
    return drawn, drawn.axes[:4]


def test_maps_lie_on_the_image(places):
    found = experiment(places)
    _, (image, *maps) = draw(found)
    assert image.get_images()[0].get_array().shape == (16, 24, 3)
    for axes in maps:
        assert axes.get_images()[0].get_extent() == [0, 24, 16, 0]   # 6 x 4 places of 4 pixels
        assert axes.get_xlim() == (0, 24) and axes.get_ylim() == (16, 0)
    np.testing.assert_array_equal(maps[0].get_images()[0].get_array(), found.probabilities[:, :, 3])
    np.testing.assert_array_equal(maps[2].get_images()[0].get_array(), found.activations[:, :, 1])
    assert [axes.get_images()[0].get_clim() for axes in (maps[0], maps[2])] == [(0, 1), (0, 47)]   # the mark is on the scale
    assert "map 1 of late" in maps[2].get_title(loc="left") and "30" in maps[2].get_title(loc="left")


def test_crosses_are_where_numbers_are_lowest(places):
    found = experiment(places)
    _, (_, probability, _, activation) = draw(found)
    assert probability.lines[0].get_xydata().tolist() == [[2, 2]]     # of the corner's place, whose middle is 2 pixels from the edges
    assert activation.lines[0].get_xydata().tolist() == [[2, 14]]     # rows of numbers rise from the lowest one on


def test_the_square_is_drawn_to_scale_in_its_colour(places):
    found = experiment(places)
    _, (image, *_) = draw(found, fill=(1, 0.5, 0))
    square, = (patch for patch in image.patches if isinstance(patch, Rectangle))
    assert (square.get_width(), square.get_height()) == (6, 6)
    assert square.get_xy() == (2 - 3 - 0.5, 2 - 3 - 0.5)
    assert square.get_facecolor()[:3] == (1, 0.5, 0)


def test_grey_images_are_ink_and_so_is_the_square(places):
    drawn = pictures.occlusion(np.zeros((1, 16, 24)), experiment(places), nn.Sequential(), 3, "a title", fill=0.9)
    square, = (patch for patch in drawn.axes[0].patches if isinstance(patch, Rectangle))
    assert square.get_facecolor()[:3] == pytest.approx((0.1, 0.1, 0.1))


def test_frequent_classes_have_colours_and_names_and_rare_ones_share_a_grey(places):
    _, (_, _, best, _) = draw(experiment(places))
    legend = best.get_legend()
    colours = {text.get_text(): to_rgb(handle.get_facecolor()) for text, handle in zip(legend.get_texts(), legend.legend_handles)}
    assert list(colours) == ["3", "7", "10", "11", "12", "13", "2 others"]
    shown = best.get_images()[0]
    painted = shown.cmap(shown.norm(shown.get_array()))[:, :, :3]
    for row, column, name in ((0, 0, "7"), (2, 4, "3"), (3, 1, "11"), (3, 4, "2 others"), (3, 5, "2 others")):
        assert tuple(painted[row, column]) == pytest.approx(colours[name])
    assert len(set(colours.values())) == 7


def test_one_class_everywhere_has_no_others():
    _, (_, _, best, _) = draw(experiment(np.full((4, 6), 3)))
    assert [text.get_text() for text in best.get_legend().get_texts()] == ["3"]


def test_classes_are_called_by_their_names(places):
    model = models.get("lenet", num_classes=20)
    model.classes = tuple(f"kind {number}" for number in range(20))
    drawn = pictures.occlusion(np.zeros((1, 16, 24)), experiment(places), model, 3, "a title")
    assert drawn.axes[1].get_title(loc="left").startswith("p(kind 3)")
    assert drawn.axes[2].get_legend().get_texts()[0].get_text() == "kind 3"


def test_what_else_the_map_answers_to_is_below(places):
    x, signal = np.random.default_rng(0).uniform(0, 1, (2, 3, 16, 24)).astype(np.float32)
    answers = [Answer(Strong(activation, (0, 0), (2, 4, 10, 12), x, 0), signal) for activation in (30, 20)]
    drawn, _ = draw(experiment(places), answers=answers, look=lambda x: 1 - x)
    shown = [axes.get_images()[0].get_array() for axes in drawn.axes if axes.get_images()]
    patches = [image for image in shown if image.shape == (8, 8, 3)]
    assert len(patches) == 4
    np.testing.assert_allclose(patches[0], (1 - x[:, 2:10, 4:12]).transpose(1, 2, 0), rtol=1e-6)
    titles = {axes.get_title() for axes in drawn.axes}
    assert {"30", "20"} <= titles


def test_experiments_are_compared_on_one_scale(places):
    found = experiment(places)
    image = np.full((3, 16, 24), 0.25)
    drawn = pictures.compare({"three": (image, found, 3, 0.5), "seven": (image, found, 7, (1, 0, 0))}, "a title")
    covered, probability = drawn.axes[:2], drawn.axes[2:4]
    assert [axes.get_title(loc="left") for axes in covered] == ["three", "seven"]
    assert [axes.get_title(loc="left") for axes in probability] == ["1.0 % to 50.0 %"] * 2
    assert [axes.get_images()[0].get_clim() for axes in probability] == [(0, 1)] * 2
    np.testing.assert_array_equal(probability[1].get_images()[0].get_array(), found.probabilities[:, :, 7])
    assert covered[1].patches[0].get_facecolor()[:3] == (1, 0, 0)


def test_the_scale_of_a_comparison_reaches_to_the_highest_of_all(places):
    found = experiment(places)._replace(whole_probabilities=np.full(20, 0.2))
    image = np.full((3, 16, 24), 0.25)
    drawn = pictures.compare({"often": (image, found, 3, 0.5), "never": (image, found, 0, 0.5)}, "a title")
    assert [axes.get_images()[0].get_clim() for axes in drawn.axes[2:4]] == [(0, 0.5)] * 2
