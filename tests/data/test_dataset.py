import numpy as np
import pytest

from minicnn.data import Dataset, photographs
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


def coloured(count=6, size=8):
    images = np.random.default_rng(0).integers(0, 256, (count, 3, size, size), dtype=np.uint8)
    return Dataset(images, np.arange(count, dtype=np.int64) % 3, ("a", "b", "c"), (0.5,) * 3, (0.2,) * 3, "colours")


def test_one_image_and_its_shape():
    assert dataset().image_shape == (1, 2, 3)
    assert dataset().image(4).tolist() == [[[24, 25, 26], [27, 28, 29]]]


def test_batch_has_the_chosen_images_from_0_to_1():
    whole = coloured()
    batch = whole.batch(np.array([4, 1, 1]))
    assert batch.dtype == np.float32
    np.testing.assert_array_equal(batch, whole.images[[4, 1, 1]].astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("whole", [dataset(), coloured()], ids=["grey", "colour"])
def test_crop_is_given_each_image_as_pillow_has_it(whole):
    seen = []
    batch = whole.batch([2, 0], lambda photo, generator: seen.append((photo.mode, generator.integers(100))) or photo,
                        np.random.default_rng(1))
    np.testing.assert_array_equal(batch, whole.batch([2, 0]))
    draws = np.random.default_rng(1)
    assert seen == [("L" if whole.image_shape[0] == 1 else "RGB", draws.integers(100)) for _ in range(2)]


def test_crop_changes_the_size():
    """How AlexNet is shown CIFAR."""
    crop = photographs.Compose([photographs.ScaleShorterSide(16), photographs.RandomCrop(12)])
    batch = coloured().batch([0, 1], crop, np.random.default_rng(1))
    assert batch.shape == (2, 3, 12, 12) and batch.dtype == np.float32 and 0.5 < batch.max() <= 1


def test_crops_of_different_sizes_make_no_batch():
    def crop(photo, generator):
        return photo.resize((3, int(generator.integers(1000))))

    with pytest.raises(InputError, match=r"colours: images of 3x\d+x3 and of 3x\d+x3 do not go into one batch: a crop must"):
        coloured().batch([0, 1], crop, np.random.default_rng(1))


def test_only_some_classes_in_the_order_of_the_whole():
    whole = coloured()
    part = whole.only(["c", "a"])
    assert part.classes == ("a", "c") and part.labels.tolist() == [0, 1, 0, 1] and part.labels.dtype == np.int64
    np.testing.assert_array_equal(part.images, whole.images[[0, 2, 3, 5]])
    assert whole.classes == ("a", "b", "c") and len(whole) == 6 and part.name == "colours"


@pytest.mark.parametrize("classes, words", [(["a", "bb"], r"colours has no class 'bb': did you mean 'b'\? There are a, b, c\."),
                                            (["a", 7], "has no class 7: There are a, b, c"), (["a", "a"], "at least two classes .* not 1"),
                                            ([], "not 0")])
def test_classes_that_cannot_be_chosen(classes, words):
    with pytest.raises(InputError, match=words):
        coloured().only(classes)


def test_of_many_classes_twenty_are_named():
    names = tuple(f"class {number}" for number in range(50))
    with pytest.raises(InputError, match=r"class 19 and 30 more\.$"):
        Dataset(np.zeros((1, 1, 1, 1), np.uint8), np.zeros(1, np.int64), names, (0,), (1,), "many").only(["x"])
