import numpy as np
import pytest

from minicnn.data import Dataset
from minicnn.errors import InputError


def dataset(count=10, labels=None):
    images = np.arange(count * 6, dtype=np.uint8).reshape(count, 1, 2, 3)
    labels = np.arange(count, dtype=np.int64) % 3 if labels is None else np.array(labels)
    return Dataset(images, labels, ("a", "b", "c"), (0.5,), (0.2,), "letters")


def test_subset_has_the_chosen_images_and_all_that_is_known_of_them():
    whole = dataset()
    part = whole.subset([7, 2, 2])
    assert part.labels.tolist() == [1, 2, 2] and len(part) == 3
    np.testing.assert_array_equal(part.images, whole.images[[7, 2, 2]])
    assert (part.classes, part.mean, part.std, part.name) == (whole.classes, whole.mean, whole.std, whole.name)


def test_slices_share_memory():
    whole = dataset()
    assert np.shares_memory(whole.subset(slice(3, 8)).images, whole.images)
    assert len(whole.take(10)) == 10
    assert whole.take(4).labels.tolist() == [0, 1, 2, 0] and np.shares_memory(whole.take(4).images, whole.images)


@pytest.mark.parametrize("count", [0, -1, 11])
def test_more_than_there_are_cannot_be_taken(count):
    with pytest.raises(InputError, match="letters has 10 images"):
        dataset().take(count)


@pytest.mark.parametrize("wrong", [3, -1])
def test_label_out_of_range(wrong):
    with pytest.raises(InputError, match=f"letters: label {wrong} of image 1 is out of range: there are 3 classes, 0 to 2"):
        dataset(3, [0, wrong, 2])


def test_images_without_labels():
    with pytest.raises(InputError, match="3 images do not go with 2 labels"):
        dataset(3, [0, 1])


def test_repr():
    assert repr(dataset()) == "letters: 10 images of 1x2x3, 3 classes"
