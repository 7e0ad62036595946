"""Photographs in a folder for each class, in every arrangement that a person might have."""
import numpy as np
import pytest
from PIL import Image

from minicnn import data
from minicnn.data import folder, photographs
from minicnn.errors import InputError

COLOURS = {"cat": (200, 40, 40), "dog": (40, 200, 40), "n02123597": (40, 40, 200)}
CROP = photographs.Compose([photographs.ScaleShorterSide(20), photographs.CenterCrop(16)])


def fill(path, count, classes=COLOURS, extension="jpg"):
    """`count` images of each class, all of different sizes, of the class's colour; the number of an image is in its width."""
    for name in classes:
        (path / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (30 + number, 40), COLOURS[name]).save(path / name / f"{number:03}.{extension}")


@pytest.fixture
def ilsvrc(tmp_path):
    fill(tmp_path / "train", 4)
    fill(tmp_path / "val", 2)
    return tmp_path


def get(path, **options):
    return data.get(f"folder:{path}", **options)


def widths(dataset):
    return [dataset.image(index).shape[2] for index in range(len(dataset))]


def test_training_and_test_images_as_ilsvrc_has_them(ilsvrc):
    train, test = get(ilsvrc), get(ilsvrc, train=False)
    for dataset, count in ((train, 4), (test, 2)):
        assert dataset.classes == ("cat", "dog", "n02123597") and dataset.labels.dtype == np.int64
        assert dataset.labels.tolist() == np.repeat([0, 1, 2], count).tolist() and widths(dataset) == 3 * list(range(30, 30 + count))
        assert dataset.image_shape is None and dataset.name == f"folder:{ilsvrc}"
        assert dataset.mean == (0.485, 0.456, 0.406) and dataset.std == (0.229, 0.224, 0.225)
        for index in range(len(dataset)):
            image = dataset.image(index)
            assert image.dtype == np.uint8 and image.shape[:2] == (3, 40)
            assert np.abs(image.mean((1, 2)) - COLOURS[dataset.classes[dataset.labels[index]]]).max() < 3
    assert repr(test) == f"folder:{ilsvrc}: 6 images of different sizes, 3 classes"


def test_without_train_and_val_every_tenth_image_is_held_out(tmp_path):
    fill(tmp_path, 21)
    train, test = get(tmp_path), get(tmp_path, train=False)
    assert widths(test) == 3 * [30, 40, 50] and len(train) == 3 * 18
    assert np.bincount(train.labels).tolist() == [18] * 3 and np.bincount(test.labels).tolist() == [3] * 3
    assert not set(train.files) & set(test.files) and set(get(tmp_path, train=False).files) == set(test.files)
    assert len(folder.everything(tmp_path)) == 63
    assert repr(train).endswith("54 images of different sizes, 3 classes; every tenth image is held out for the test")
    assert repr(test).endswith("9 images of different sizes, 3 classes; every tenth image is held out for the test")


def test_two_images_are_enough_and_one_is_not(tmp_path):
    fill(tmp_path, 2)
    assert len(get(tmp_path)) == len(get(tmp_path, train=False)) == 3
    (tmp_path / "dog" / "001.jpg").unlink()
    with pytest.raises(InputError, match="dog has one image only, and one is needed to test: put more there$"):
        get(tmp_path)


def test_batches_through_a_crop(ilsvrc):
    batch = get(ilsvrc).batch([0, 5, 11], CROP)
    assert batch.shape == (3, 3, 16, 16) and batch.dtype == np.float32
    np.testing.assert_allclose(batch.mean((2, 3)), np.array(list(COLOURS.values())) / 255, atol=0.02)


def test_loader_hands_them_out(ilsvrc):
    crop = photographs.RandomResizedCrop(16)
    loaders = [data.DataLoader(get(ilsvrc), 5, shuffle=True, seed=3, crop=crop, workers=workers) for workers in (0, 2)]
    for (images, labels), (same, same_labels) in zip(*loaders):
        np.testing.assert_array_equal(images.array, same.array)
        np.testing.assert_array_equal(labels.array, same_labels.array)
        assert (images.array.mean((2, 3)).argmax(1) == labels.array).all()


def test_without_a_crop_sizes_must_be_equal(ilsvrc):
    assert get(ilsvrc).batch([1, 5]).shape == (2, 3, 40, 31)
    with pytest.raises(InputError, match="images of 3x40x30 and of 3x40x31 do not go into one batch: a crop must bring"):
        get(ilsvrc).batch([0, 1])


def test_large_photographs_are_decoded_no_larger_than_the_crop_needs(tmp_path, monkeypatch):
    fill(tmp_path, 2)
    asked = []
    monkeypatch.setattr(photographs, "read", lambda path, least=None: asked.append(least) or Image.new("RGB", (40, 40)))
    get(tmp_path).batch([0, 1], CROP)
    assert asked == [20, 20]


def test_subset_and_take(ilsvrc):
    train = get(ilsvrc)
    assert widths(train.take(3)) == [30, 31, 32] and len(train.take(3).labels) == 3
    part = train.subset([7, 0])
    assert widths(part) == [33, 30] and part.labels.tolist() == [1, 0] and part.classes == train.classes
    with pytest.raises(InputError, match="has 12 images: 13 cannot be taken"):
        train.take(13)
    assert widths(train.only(["dog", "cat"]).subset(slice(6, 8))) == [32, 33]


@pytest.mark.parametrize("train", [True, False])
def test_some_classes(ilsvrc, tmp_path, train):
    (ilsvrc / "train" / "dog" / "000.jpg").write_text("is not looked at")
    dataset = get(ilsvrc, train=train, classes=["n02123597", "cat"])
    assert dataset.classes == ("cat", "n02123597")
    assert dataset.labels.tolist() == np.repeat([0, 1], 4 if train else 2).tolist()
    assert {photo.split("/")[-2] for photo in dataset.files} == {"cat", "n02123597"}


def test_some_classes_need_only_theirs(ilsvrc):
    """Class folders that are missing or empty do not matter if they are not asked for."""
    for file in (ilsvrc / "val" / "dog").iterdir():
        file.unlink()
    (ilsvrc / "val" / "dog").rmdir()
    (ilsvrc / "train" / "ant").mkdir()
    for train in (True, False):
        assert len(get(ilsvrc, train=train, classes=["cat", "n02123597"]).classes) == 2


def test_other_files_are_passed_over(tmp_path):
    fill(tmp_path, 2)
    fill(tmp_path / "cat" / "nested", 1)
    (tmp_path / "cat" / "looks like one.jpg").mkdir()
    for name in ("notes.txt", ".hidden.jpg", "Thumbs.db", "._001.jpg", "noextension"):
        (tmp_path / "cat" / name).write_text("x")
    (tmp_path / "README.md").write_text("x")
    (tmp_path / ".git").mkdir()
    dataset = folder.everything(tmp_path)
    assert dataset.classes == ("cat", "dog", "n02123597") and np.bincount(dataset.labels).tolist() == [2] * 3


def test_extensions_in_any_letters(tmp_path):
    for extension in ("JPEG", "png", "Jpg", "webp", "TIF"):
        fill(tmp_path / extension, 1, extension=extension)
    for extension in ("JPEG", "png", "Jpg", "webp", "TIF"):
        assert len(folder.everything(tmp_path / extension)) == 3


def test_home_folder(tmp_path, monkeypatch):
    fill(tmp_path / "photos", 2)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert len(get("~/photos")) == 3


def remove(path):
    for file in path.iterdir():
        file.unlink()
    path.rmdir()


@pytest.mark.parametrize("spoil, words", [
    (lambda path: remove(path / "val" / "dog"), "val has no folder dog, which .*train has: a class needs images in both$"),
    (lambda path: remove(path / "train" / "dog"), "train has no folder dog, which .*val has"),
    (lambda path: (path / "train" / "ant").mkdir(), "val has no folder ant, which"),
    (lambda path: [(path / part / "ant").mkdir() for part in ("train", "val")],
     "ant has no images in it: put some there, or remove the folder$"),
    (lambda path: [remove(path / part / name) for part in ("train", "val") for name in ("dog", "cat")],
     "train: there must be at least two classes to tell apart, not 1$"),
    (lambda path: (path / "val").rename(path / "test"), "has a folder train, but no folder val beside it"),
    (lambda path: (path / "train").rename(path / "test"), "has a folder val, but no folder train beside it"),
], ids=["val class", "train class", "new class", "empty", "one class", "no val", "no train"])
@pytest.mark.parametrize("train", [True, False])
def test_what_is_wrong_with_the_folders_is_told(ilsvrc, spoil, words, train):
    spoil(ilsvrc)
    with pytest.raises(InputError, match=words):
        get(ilsvrc, train=train)


def test_folders_that_are_none(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg")
    for path, words in (("none", r"^there is no folder .*none$"), ("a.jpg", "a.jpg is a file, not a folder with"),
                        (".", "has no folders in it: put the photographs of each class into one of its own, .*cat/1.jpg and so on$")):
        with pytest.raises(InputError, match=words):
            get(tmp_path / path)
    with pytest.raises(InputError, match="no folder PATH"):
        data.get("folder:PATH")
    with pytest.raises(InputError, match="no folder is named: write its path after the colon"):
        data.get("folder:")
    with pytest.raises(InputError, match="did you mean 'folder:PATH'"):
        data.get("folder")


def test_unknown_class(ilsvrc):
    with pytest.raises(InputError, match="train has no class 'cats': did you mean 'cat'. There are cat, dog, n02123597"):
        get(ilsvrc, classes=["cats", "dog"])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_mistaken_photograph_in_the_middle_of_an_epoch_is_named_at_once(tmp_path, workers):
    fill(tmp_path / "train", 40)
    fill(tmp_path / "val", 1)
    broken = tmp_path / "train" / "dog" / "007.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    seen = 0
    with pytest.raises(InputError) as caught:
        for _ in data.DataLoader(get(tmp_path), 2, crop=CROP, workers=workers):
            seen += 1
    assert str(caught.value).startswith(f"{broken} ") and seen == 23   # batches before it
