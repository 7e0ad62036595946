import csv

import numpy as np
import pytest

from minicnn.training import metrics


def test_averages_weigh_batches_by_their_images():
    running = metrics.Running()
    running.add(loss=1.0, correct=3, images=6, seconds=0.5)
    running.add(loss=4.0, correct=0, images=2, seconds=1.5)
    assert running.averages() == (1.75, 3 / 8, 4.0)


def test_running_sums_come_back_from_their_attributes():
    running = metrics.Running()
    running.add(1.0, 3, 6, 0.5)
    assert vars(metrics.Running(**vars(running))) == vars(running)


def test_confusion_has_a_row_for_each_true_class():
    scores = np.eye(3)[[0, 1, 1, 2, 0]]
    evaluation = metrics.Evaluation(scores, np.array([0, 1, 2, 2, 2]), 0.5)
    assert evaluation.accuracy == pytest.approx(3 / 5)
    np.testing.assert_array_equal(evaluation.confusion(), [[1, 0, 0], [0, 1, 0], [1, 1, 1]])


def test_accuracy_within_the_best_guesses():
    scores = np.random.default_rng(0).integers(0, 9, (200, 7)).astype(np.float32)   # many are equal
    labels = np.random.default_rng(1).integers(0, 7, 200)
    evaluation = metrics.Evaluation(scores, labels, 0.5)
    order = np.argsort(-scores, axis=1, kind="stable")
    for count in range(1, 8):
        assert evaluation.accuracy_within(count) == (order[:, :count] == labels[:, None]).any(1).mean()
    assert evaluation.accuracy_within(1) == evaluation.accuracy and evaluation.accuracy_within(7) == 1


@pytest.mark.parametrize("classes, has", [(5, False), (6, True)])
def test_five_guesses_count_where_there_are_more_classes(classes, has):
    evaluation = metrics.Evaluation(np.arange(classes)[None].repeat(2, 0), np.array([0, 1]), 0.7)
    row = metrics.Running(1.0, 1, 1, 1.0).row(1, 1, 0.1, evaluation)
    assert row.get("test_top5_accuracy") == (0.5 if has else None) and row["test_accuracy"] == 0


def test_table_can_be_read_again(tmp_path):
    evaluation = metrics.Evaluation(np.eye(2), np.array([0, 0]), 0.7)
    running = metrics.Running(loss=3.0, correct=5, images=10, seconds=2.0)
    metrics.write([running.row(epoch, 100 * epoch, 0.1 / epoch, evaluation) for epoch in (1, 2)], tmp_path / "metrics.csv")
    with open(tmp_path / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {name: float(value) for name, value in rows[1].items()} == {
        "epoch": 2, "step": 200, "lr": 0.05, "train_loss": 0.3, "train_accuracy": 0.5, "test_loss": 0.7, "test_accuracy": 0.5,
        "seconds": 2.0, "images_per_second": 5.0}
