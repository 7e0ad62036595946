"""The pictures of a run show the right numbers, in every case there can be. Whether they are good to look at, eyes must tell."""
import matplotlib
import numpy as np
import pytest
from matplotlib.image import AxesImage
from matplotlib.text import Text
from PIL import Image

from minicnn import data, drawing, models
from minicnn.data import Dataset
from minicnn.predict import Prediction
from minicnn.training import metrics, pictures

CLASSES = tuple("0123456789")


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]


def save(figure, path):
    """Everything is laid out and drawn; a warning would be an error."""
    drawing.save(figure, path)
    with Image.open(path) as image:
        assert image.format == "PNG"
        return image.size


def rows(test_errors):
    return [{"epoch": epoch, "train_loss": 1 / epoch, "test_loss": 2 * error,
             "train_accuracy": 1 - 0.5 / epoch, "test_accuracy": 1 - error}
            for epoch, error in enumerate(test_errors, 1)]


def evaluation(labels, wrong):
    """Of a network that takes each image i in `wrong` for wrong[i] = (class, score), and knows the others."""
    scores = np.eye(10, dtype=np.float32)[labels] * 5
    for place, (label, score) in wrong.items():
        scores[place] = np.eye(10)[label] * score
    return metrics.Evaluation(scores, labels, 0.1)


@pytest.fixture
def test_set():
    images = np.random.default_rng(0).integers(0, 255, (60, 1, 28, 28), np.uint8)
    return Dataset(images, np.arange(60) % 10, CLASSES, (0.1,), (0.3,), "noise")


@pytest.mark.parametrize("errors", [[0.1], [0.2, 0.1], [0.2, 0.05, 0.1], [0.0], [0.1, 0.0], list(0.3 / np.arange(1, 101))])
def test_curves_mark_the_lowest_error_of_the_test(tmp_path, errors):
    figure = pictures.curves(rows(errors), "lenet on mnist")
    save(figure, tmp_path / "curves.png")
    best = int(np.argmin(errors))
    assert f"lenet on mnist: {100 * (1 - errors[-1]):.2f} % of the test images recognised" in texts(figure)
    assert sum(text.endswith(f"in epoch {best + 1}") for text in texts(figure)) == 2
    loss_axes, error_axes = figure.axes
    for axes, factor in (loss_axes, 2), (error_axes, 100):
        train, test, ring = axes.lines
        low, high = axes.get_ylim()
        np.testing.assert_array_equal(test.get_xdata(), np.arange(len(errors)) + 1)
        np.testing.assert_allclose(test.get_ydata(), np.maximum(np.array(errors) * factor, low))
        assert low <= min(train.get_ydata()) and max(train.get_ydata()) < high
        assert ring.get_xdata() == [best + 1]
        assert any(label.get_text() for label in axes.get_yticklabels())


def test_names_of_curves_that_end_together_do_not_overlap(tmp_path):
    together = [row | {"train_accuracy": row["test_accuracy"], "train_loss": row["test_loss"]} for row in rows([0.2, 0.1])]
    figure = pictures.curves(together, "x")
    save(figure, tmp_path / "curves.png")
    for axes in figure.axes:
        train, test = (text.get_window_extent() for text in axes.texts)
        assert not train.overlaps(test)


@pytest.mark.parametrize("variant, name", [("modern", "conv1"), ("paper", "c1")])
def test_filters_share_one_symmetric_scale(tmp_path, variant, name):
    model = models.get("lenet", variant=variant)
    figure = pictures.filters(model)
    save(figure, tmp_path / "filters.png")
    images = [image for axes in figure.axes for image in axes.get_images()]
    weight = model.named_parameters()[0][1].array
    most = abs(weight).max()
    assert {image.get_clim() for image in images} == {(-most, most)}
    for number, (image, kernel) in enumerate(zip(images, weight), 1):
        np.testing.assert_array_equal(image.get_array(), kernel[0])
        assert image.axes.get_title() == str(number)
    assert f"{name}: 6 kernels of 5 × 5 weights" in texts(figure)


@pytest.mark.parametrize("variant", ["modern", "paper"])
def test_activations_name_every_layer_and_its_shape(tmp_path, variant):
    model = models.get("lenet", variant=variant)
    test_set = data.get("mnist", train=False)
    preprocessing = model.preprocessing_for(test_set.mean, test_set.std)
    figure = pictures.activations(model, preprocessing, test_set.images[0], CLASSES, 7)
    save(figure, tmp_path / "activations.png")
    heads = {"modern": ["input\n1 × 28 × 28", "conv1\n6 × 28 × 28", "MaxPool2d\n6 × 14 × 14", "conv2\n16 × 10 × 10",
                        "MaxPool2d\n16 × 5 × 5", "fc1\n120", "fc2\n84", "fc3\n10 probabilities"],
             "paper": ["input\n1 × 32 × 32", "c1\n6 × 28 × 28", "s2\n6 × 14 × 14", "c3\n16 × 10 × 10", "s4\n16 × 5 × 5",
                       "c5\n120 × 1 × 1", "f6\n84", "output\n10 probabilities"]}[variant]
    assert [text for text in texts(figure) if text in heads] == heads
    assert len(figure.findobj(AxesImage)) == 1 + 6 + 6 + 16 + 16 + 1 + 1
    assert any("true 7, said" in text for text in texts(figure))
    bars = [bar.get_width() for bar in figure.axes[1].patches]
    assert len(bars) == 10 and sum(bars) == pytest.approx(1)


def test_activations_of_a_dead_network_are_white(tmp_path):
    model = models.get("lenet")
    model.conv1.bias.copy_(np.full(6, -1e6))
    model.conv2.bias.copy_(np.full(16, -1e6))
    figure = pictures.activations(model, model.preprocessing_for((0,), (1,)), np.zeros((1, 28, 28), np.uint8), CLASSES, 0)
    save(figure, tmp_path / "activations.png")
    maps = figure.findobj(AxesImage)[1:7]
    assert all(image.norm(0) == 0.5 for image in maps)


def test_confusion_colours_mistakes_only(tmp_path):
    figure = pictures.confusion(evaluation(np.arange(1000) % 10, {4: (9, 1), 14: (9, 1), 5: (3, 1)}), CLASSES)
    save(figure, tmp_path / "confusion.png")
    counts = figure.axes[0].get_images()[0].get_array()
    assert counts[4, 9] == 2 and counts[5, 3] == 1 and counts.count() == 2
    assert {"3 of 1,000 test images not recognised (0.30 %)", "98.0 %\n98", "99.0 %\n99", "100.0 %\n100"} <= set(texts(figure))


def test_confusion_without_a_mistake_and_without_a_class(tmp_path):
    figure = pictures.confusion(evaluation(np.zeros(5, int), {}), ("T-shirt/top", *CLASSES[1:]))
    save(figure, tmp_path / "confusion.png")
    assert "0 of 5 test images not recognised (0.00 %)" in texts(figure)


def test_worst_mistakes_come_first(tmp_path, test_set):
    wrong = {place: ((place + 1) % 10, 1 + place / 10) for place in range(30)}
    figure = pictures.mistakes(evaluation(test_set.labels, wrong), test_set)
    save(figure, tmp_path / "mistakes.png")
    assert "The 24 worst of 30 mistakes among 60 test images" in texts(figure)
    titles = [axes.get_title() for axes in figure.axes]
    assert len(titles) == 24 and titles[0].startswith("true 9\nsaid 0 (") and titles[23].startswith("true 6\nsaid 7 (")
    np.testing.assert_array_equal(figure.axes[0].get_images()[0].get_array(), test_set.images[29, 0])
    assert titles[0].endswith(f"({100 * np.exp(3.9) / (np.exp(3.9) + 9):.1f} %)")


def test_few_mistakes_or_none(tmp_path, test_set):
    figure = pictures.mistakes(evaluation(test_set.labels, {3: (0, 9)}), test_set)
    save(figure, tmp_path / "one.png")
    assert "All 1 mistakes among 60 test images" in texts(figure) and sum(bool(axes.get_images()) for axes in figure.axes) == 1
    figure = pictures.mistakes(evaluation(test_set.labels, {}), test_set)
    save(figure, tmp_path / "none.png")
    assert texts(figure) == ["No mistakes among 60 test images"]


def test_predictions_show_file_and_what_is_seen(tmp_path):
    made = [Prediction(tmp_path / name, np.ones((20, 30)), np.zeros((1, 28, 28)), np.eye(10)[3])
            for name in ("digit.png", "a very long name of a picture of a digit.jpeg")]
    figure = pictures.predictions(made, CLASSES)
    save(figure, tmp_path / "predictions.png")
    assert {"digit.png", "…" + "of a picture of a digit.jpeg"[-25:], ">99.9 %"} <= set(texts(figure))


def test_of_many_classes_the_most_probable_are_drawn(tmp_path):
    probabilities = np.full(1000, 1e-4)
    probabilities[[3, 999]] = 0.4, 0.5
    names = [f"class {place}" for place in range(1000)]
    made = [Prediction(tmp_path / "photo.jpg", np.ones((20, 30, 3)), np.zeros((3, 28, 28)), probabilities)]
    for top, count in ((1, 5), (7, 7), (99, 10)):
        *_, bars = pictures.predictions(made, names, top).axes
        shown = [label.get_text() for label in bars.get_yticklabels()]
        assert shown[:3] == ["class 999", "class 3", "class 0"] and len(shown) == count


def test_drawing_changes_nothing_global(tmp_path):
    before = dict(matplotlib.rcParams)
    save(pictures.curves(rows([0.1]), "x"), tmp_path / "x.png")
    assert dict(matplotlib.rcParams) == before


def test_style_does_not_depend_on_what_is_set_outside(tmp_path):
    with matplotlib.rc_context({"font.size": 30}):
        figure = pictures.curves(rows([0.1]), "x")
    assert figure.axes[0].xaxis.label.get_fontsize() == drawing.STYLE["axes.labelsize"]


def test_everything_of_a_run_is_there(small_run):
    for name in "curves.png", "filters.png", "activations.png", "confusion.png", "mistakes.png":
        with Image.open(small_run / name) as image:
            assert min(image.size) >= 500
