"""F.cross_entropy and F.mse_loss."""
import math
import re

import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from tests.functional.checks import case, three_questions

LABELS = np.array([3, 0, 6, 3, 1])
PARTLY_IGNORED = np.array([3, -100, 6, -100, 1])

TestCrossEntropy = three_questions(
    case("cross_entropy", (5, 7), LABELS),
    case("cross_entropy", (5, 7), LABELS, reduction="sum"),
    case("cross_entropy", (5, 7), LABELS, reduction="none"),
    case("cross_entropy", (5, 7), LABELS, label_smoothing=0.1),
    case("cross_entropy", (5, 7), PARTLY_IGNORED),
    case("cross_entropy", (5, 7), PARTLY_IGNORED, reduction="none", label_smoothing=0.2),
    case("cross_entropy", (5, 7), LABELS, ignore_index=3),
    case("cross_entropy", (64, 10), np.arange(64) % 10, low=-20, high=20),
)

TestMeanSquaredError = three_questions(
    case("mse_loss", (4, 3), (4, 3)),
    case("mse_loss", (4, 3), (4, 3), reduction="sum"),
    case("mse_loss", (4, 3), (4, 3), reduction="none"),
)


def test_guessing_costs_the_logarithm_of_the_number_of_classes():
    assert F.cross_entropy(mc.zeros(8, 10), mc.zeros(8, dtype="int64")).item() == pytest.approx(math.log(10))


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_labels_may_be_any_integers(kind):
    loss = F.cross_entropy(mc.tensor([[0.0, 100.0], [100.0, 0.0]]), mc.tensor(np.array([1, 0], kind)))
    assert loss.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("label", [-1, 10, 2**40])
def test_a_label_out_of_range_is_named(label):
    labels = np.array([0, 3, label, 9])
    with pytest.raises(IndexError, match=f"cross_entropy: label {label} in row 2 is no class: logits have 10 classes, 0 to 9"):
        F.cross_entropy(mc.zeros(4, 10), mc.tensor(labels))


def test_an_ignored_label_does_not_hide_a_wrong_one():
    with pytest.raises(IndexError, match="label 12 in row 1"):
        F.cross_entropy(mc.zeros(3, 10), mc.tensor(np.array([-100, 12, 1])))


@pytest.mark.parametrize("logits, labels, error, sentence", [
    ((4, 10), np.zeros(3, int), ValueError, "logits (4, 10) must have the shape (N, C) and labels (3,) the shape (N,)"),
    ((4, 10, 2), np.zeros(4, int), ValueError, "logits (4, 10, 2) must have the shape (N, C)"),
    ((4, 10), np.zeros(4), TypeError, "labels must be a Tensor of integers, not of float64"),
])
def test_what_does_not_fit_is_named(logits, labels, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        F.cross_entropy(mc.zeros(logits), mc.tensor(labels))


def test_labels_must_be_a_tensor():
    with pytest.raises(TypeError, match="labels must be a Tensor of integers, not list"):
        F.cross_entropy(mc.zeros(2, 3), [0, 1])


def test_settings_are_checked():
    x, labels = mc.zeros(2, 3), mc.zeros(2, dtype="int64")
    with pytest.raises(ValueError, match="reduction must be 'mean', 'sum' or 'none', not 'average'"):
        F.cross_entropy(x, labels, reduction="average")
    with pytest.raises(ValueError, match="label_smoothing must be between 0 and 1, not 1.5"):
        F.cross_entropy(x, labels, label_smoothing=1.5)
    with pytest.raises(ValueError, match=re.escape("mse_loss: x (2, 3) and target (3, 2) must have the same shape")):
        F.mse_loss(x, mc.zeros(3, 2))
