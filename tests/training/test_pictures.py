"""The pictures of a run show the right numbers, in every case there can be. Whether they are good to look at, eyes must tell."""
import itertools

import matplotlib
import numpy as np
import pytest
from PIL import Image

from minicnn import drawing, models, nn
from minicnn.data import Dataset
from minicnn.predict import Prediction
from minicnn.training import metrics, pictures
from tests.training.figures import save, texts

CLASSES = tuple("0123456789")


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


def test_curves_of_five_guesses(tmp_path):
    with_five = [row | {"test_top5_accuracy": 1 - error / 2} for row, error in zip(rows([0.2, 0.1]), (0.2, 0.1))]
    figure = pictures.curves(with_five, "x")
    save(figure, tmp_path / "curves.png")
    train, test, five, ring = figure.axes[1].lines
    np.testing.assert_allclose(five.get_ydata(), [10, 5])
    assert "test, top 5: 5 %" in texts(figure) and len(figure.axes[0].lines) == 3
    assert ring.get_ydata() == pytest.approx(10)


@pytest.mark.parametrize("errors", [(0.1, 0.1), (0.1, 0.099), (0.2, 0.01), (0.0, 0.0)])
def test_names_of_three_curves_do_not_overlap(tmp_path, errors):
    error, five = errors
    together = [row | {"train_accuracy": 1 - error, "test_top5_accuracy": 1 - five} for row in rows([error, error])]
    figure = pictures.curves(together, "x")
    save(figure, tmp_path / "curves.png")
    places = [text.get_window_extent() for text in figure.axes[1].texts]
    assert len(places) == 3 and not any(one.overlaps(other) for one, other in itertools.combinations(places, 2))


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
    for number, (image, kernel) in enumerate(zip(images, weight)):
        np.testing.assert_array_equal(image.get_array(), kernel[0])
        assert image.axes.get_title() == str(number)
    assert f"{name}: 6 kernels of 5 × 5 weights" in texts(figure)


@pytest.mark.parametrize("kernels, numbered", [(6, True), (64, False)])
def test_filters_of_colours_are_colours(tmp_path, kernels, numbered):
    model = nn.Sequential(nn.Conv2d(3, kernels, 5))
    model[0].weight.array[1] = 0
    figure = pictures.filters(model)
    save(figure, tmp_path / "filters.png")
    shown = [axes.get_images()[0].get_array() for axes in figure.axes if axes.get_images()]
    assert len(shown) == kernels and f"0: {kernels} kernels of 3 × 5 × 5 weights" in texts(figure)
    assert (shown[1] == 0.5).all() and figure.axes[1].get_title() == ("1" if numbered else "")
    for image, kernel in zip(shown[2:], model[0].weight.array[2:]):
        assert max(0.5 - image.min(), image.max() - 0.5) == pytest.approx(0.5)
        np.testing.assert_array_equal(image > 0.5, kernel.transpose(1, 2, 0) > 0)


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


def test_frequent_confusions_of_many_classes(tmp_path):
    """Among 100 classes, 7 is taken for 8 three times and 9 for 0 twice."""
    classes = tuple(f"class {number}" for number in range(100))
    labels = np.array([7, 7, 7, 7, 9, 9, 50])
    scores = np.eye(100)[[8, 8, 8, 7, 0, 0, 50]]
    figure = pictures.confusion(metrics.Evaluation(scores, labels, 0.1), classes)
    save(figure, tmp_path / "confusion.png")
    assert {"5 of 7 test images not recognised (71.43 %)", "the 2 most frequent mistakes", "class 7, said class 8",
            "class 9, said class 0", " 3 of 4", " 2 of 2"} <= set(texts(figure))
    assert [bar.get_width() for bar in figure.axes[0].patches] == [3, 2]


def test_many_classes_without_a_mistake_and_with_many(tmp_path):
    classes, labels = tuple(map(str, range(30))), np.arange(300) % 30
    figure = pictures.confusion(metrics.Evaluation(np.eye(30)[labels], labels, 0.1), classes)
    save(figure, tmp_path / "none.png")
    assert "0 of 300 test images not recognised (0.00 %)" in texts(figure) and not figure.axes[0].patches
    figure = pictures.confusion(metrics.Evaluation(np.eye(30)[(labels + 1) % 30], labels, 0.1), classes)
    save(figure, tmp_path / "many.png")
    assert len(figure.axes[0].patches) == 20


def test_tables_of_few_and_of_twenty_classes(tmp_path):
    for count in 2, 20:
        labels = np.arange(100) % count
        figure = pictures.confusion(metrics.Evaluation(np.eye(count)[labels], labels, 0.1), tuple(map(str, range(count))))
        save(figure, tmp_path / "confusion.png")
        assert len(figure.axes[0].get_xticks()) == count


def test_worst_mistakes_come_first(tmp_path, test_set):
    wrong = {place: ((place + 1) % 10, 1 + place / 10) for place in range(30)}
    figure = pictures.mistakes(evaluation(test_set.labels, wrong), test_set)
    save(figure, tmp_path / "mistakes.png")
    assert "The 24 worst of 30 mistakes among 60 test images" in texts(figure)
    titles = [axes.get_title() for axes in figure.axes]
    assert len(titles) == 24 and titles[0].startswith("true 9\nsaid 0 (") and titles[23].startswith("true 6\nsaid 7 (")
    np.testing.assert_array_equal(figure.axes[0].get_images()[0].get_array(), test_set.images[29, 0])
    assert titles[0].endswith(f"({100 * np.exp(3.9) / (np.exp(3.9) + 9):.1f} %)")


def test_mistakes_among_photographs_of_many_sizes(tmp_path):
    class Photographs(Dataset):
        def image(self, index):
            return np.full((3, 20 + index, 30), 10 * index, np.uint8)

    classes = ("a class with a very long name", *CLASSES[1:])
    labels = np.arange(20) % 10
    photographs = Photographs(np.zeros((20, 1)), labels, classes, (0,) * 3, (1,) * 3, "photographs")
    figure = pictures.mistakes(evaluation(labels, {3: (0, 9), 10: (2, 8)}), photographs)
    save(figure, tmp_path / "mistakes.png")
    assert [axes.get_images()[0].get_array().shape for axes in figure.axes if axes.get_images()] == [(23, 30, 3), (30, 30, 3)]
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0].startswith("true 3\nsaid a class with a… (") and titles[1].startswith("true a class with a…\nsaid 2 (")


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
