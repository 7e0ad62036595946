import os
import pathlib
import shutil

import numpy as np
import pytest

from minicnn import data
from minicnn.data import download
from minicnn.errors import InputError, RunError


@pytest.fixture(params=["mnist", "fashion-mnist"])
def name(request):
    if request.param == "fashion-mnist" and not (download.folder("fashion-mnist") / "t10k-images-idx3-ubyte.gz").exists():
        pytest.skip("Fashion-MNIST is not there: set MINICNN_DATA to a folder that has it in fashion-mnist/")
    return request.param


def test_training_and_test_images(name):
    train, test = data.get(name), data.get(name, train=False)
    for dataset, count in (train, 60_000), (test, 10_000):
        assert dataset.images.shape == (count, 1, 28, 28) and dataset.images.dtype == np.uint8
        assert dataset.labels.shape == (count,) and dataset.labels.dtype == np.int64
        assert set(dataset.labels) == set(range(10)) and len(dataset.classes) == 10
        assert dataset.name == name and len(dataset) == count
    pixels = train.images / 255
    assert train.mean == pytest.approx([pixels.mean()], abs=5e-5) and train.std == pytest.approx([pixels.std()], abs=5e-5)


def test_first_digits_are_those_of_the_paper():
    assert data.MNIST().labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert data.MNIST(train=False).labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_mnist_needs_no_network_and_no_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path / "none"))
    monkeypatch.setattr("urllib.request.urlopen", None)
    assert len(data.get("mnist", train=False)) == 10_000
    assert not (tmp_path / "none").exists()


def test_fashion_mnist_is_fetched_file_by_file_when_it_is_asked_for(monkeypatch, tmp_path):
    asked = []

    def fetch(addresses, path, checksum):
        asked.append((path, checksum))
        assert len(addresses) >= 2 and all(address.endswith("/" + path.name) for address in addresses)
        raise RunError("no network")

    monkeypatch.setenv("MINICNN_DATA", str(tmp_path))
    monkeypatch.setattr(download, "fetch", fetch)
    with pytest.raises(RunError, match="^no network$"):
        data.get("fashion-mnist")
    assert asked == [(tmp_path / "fashion-mnist" / "train-images-idx3-ubyte.gz", "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d")]


def test_fashion_mnist_that_lies_in_the_folder_is_checked_by_its_contents(monkeypatch, tmp_path):
    """MNIST in its place is complete and of the right shape, and still not it."""
    shutil.copytree(data.MNIST._folder, tmp_path / "fashion-mnist")
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path))
    with pytest.raises(InputError, match="t10k-images-idx3-ubyte.gz is not what it should be.*delete it, and the same command"):
        data.get("fashion-mnist", train=False)


def test_damaged_file_is_named_and_how_to_mend_it(monkeypatch, tmp_path):
    shutil.copytree(data.MNIST._folder, tmp_path / "mnist")
    file = tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz"
    os.truncate(file, 1000)
    monkeypatch.setattr(data.MNIST, "_folder", tmp_path / "mnist")
    with pytest.raises(InputError, match="is truncated.*install minicnn again") as caught:
        data.get("mnist", train=False)
    assert str(caught.value).startswith(str(file))


def test_unknown_name_gets_the_nearest():
    assert data.names() == ["cifar10", "cifar100", "fashion-mnist", "folder:PATH", "mnist", "shapes"]
    with pytest.raises(InputError, match="'fashion-mnist'"):
        data.get("fashion_mnist")


def test_the_source_of_mnist_is_told_beside_it():
    text = pathlib.Path(data.MNIST._folder, "ATTRIBUTION").read_text(encoding="utf-8")
    assert "LeCun" in text and "CC BY-SA 3.0" in text
