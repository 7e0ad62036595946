"""CIFAR in its author's binary form: small files written by hand, and real images where there are some."""
import io
import itertools
import os
import pathlib
import runpy
import tarfile

import numpy as np
import pytest

from minicnn import data
from minicnn.data import download
from minicnn.errors import InputError, RunError

FILES = {"cifar10": ("cifar-10-batches-bin", 1, [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]),
         "cifar100": ("cifar-100-binary", 2, ["train.bin", "test.bin"])}


def written(name, place, count=4):
    """The bytes of file number `place`: image i is of class 10 place + i (modulo 10 for CIFAR-10), and has pixels from 0 to 255."""
    records = []
    for image in range(count):
        label = (10 * place + image) % (10 if name == "cifar10" else 100)
        pixels = np.random.default_rng([place, image]).integers(0, 256, 3072, dtype=np.uint8)
        records.append((bytes([label]) if name == "cifar10" else bytes([label // 5, label])) + pixels.tobytes())
    return b"".join(records)


def contents(name):
    return {file: written(name, place) for place, file in enumerate(FILES[name][2])}


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """MINICNN_DATA, and no network."""
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path))

    def fetch(addresses, path, checksum):
        if path.exists():
            return path
        raise RunError(f"could not download {path.name}")

    monkeypatch.setattr(download, "fetch", fetch)
    return tmp_path


def put(folder, files):
    folder.mkdir(parents=True)
    for file, some in files.items():
        (folder / file).write_bytes(some)


def archive(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as target:
        for name, some in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(some)
            target.addfile(member, io.BytesIO(some))


def check(name):
    for train, places in ((True, range(len(FILES[name][2]) - 1)), (False, [len(FILES[name][2]) - 1])):
        dataset = data.get(name, train=train)
        count = 10 if name == "cifar10" else 100
        assert dataset.labels.tolist() == [(10 * place + image) % count for place, image in itertools.product(places, range(4))]
        assert dataset.labels.dtype == np.int64 and dataset.images.dtype == np.uint8 and dataset.images.flags.c_contiguous
        assert dataset.image_shape == (3, 32, 32) and len(dataset.mean) == len(dataset.std) == 3 and dataset.name == name
        pixels = np.random.default_rng([places[0], 3]).integers(0, 256, 3072, dtype=np.uint8)
        np.testing.assert_array_equal(dataset.image(3), pixels.reshape(3, 32, 32))
        assert len(dataset.classes) == len(set(dataset.classes)) == count and list(dataset.classes) == sorted(dataset.classes)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("unpacked", [True, False])
def test_files_that_are_there_are_used(folder, name, unpacked):
    put(folder / name / (FILES[name][0] if unpacked else ""), contents(name))
    check(name)


def test_whether_files_are_there_can_be_asked(folder):
    assert not data.CIFAR10.is_here()
    files = contents("cifar10")
    put(folder / "cifar10", {file: some for file, some in files.items() if file != "test_batch.bin"})
    assert not data.CIFAR10.is_here()
    (folder / "cifar10" / "test_batch.bin").write_bytes(files["test_batch.bin"])
    assert data.CIFAR10.is_here() and not data.CIFAR100.is_here()


@pytest.mark.parametrize("name", FILES)
def test_archive_is_fetched_and_unpacked_once(folder, monkeypatch, name):
    path, asked = folder / name / f"{FILES[name][0].replace('batches-bin', 'binary')}.tar.gz", []

    def fetch(addresses, where, checksum):
        asked.append(checksum)
        assert where == path and len(addresses) >= 2 and all(address.endswith("/" + path.name) for address in addresses)
        archive(path, {f"{FILES[name][0]}/{file}": some for file, some in contents(name).items()})
        return path

    monkeypatch.setattr(download, "fetch", fetch)
    check(name)
    assert asked == [{"cifar10": "md5:c32a1d4ab5d03f1284b67883e8d87530", "cifar100": "md5:03b5dce01913d631647c71ecec9e9cb8"}[name]]
    assert sorted(each.name for each in (folder / name / FILES[name][0]).iterdir()) == sorted(FILES[name][2])


def test_only_what_counts_is_unpacked_and_only_into_the_folder(folder):
    files = contents("cifar100")
    archive(folder / "cifar100" / "cifar-100-binary.tar.gz", {
        "../../outside.bin": b"x", "/tmp/minicnn-outside.bin": b"x", "cifar-100-binary/readme.html": b"x",
        "../train.bin": files["train.bin"], "cifar-100-binary/test.bin": files["test.bin"]})
    check("cifar100")
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "cifar100/cifar-100-binary.tar.gz", "cifar100/cifar-100-binary/test.bin", "cifar100/cifar-100-binary/train.bin"]
    assert not pathlib.Path("/tmp/minicnn-outside.bin").exists()


def test_a_link_in_the_archive_is_no_file(folder):
    path = folder / "cifar100" / "cifar-100-binary.tar.gz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as target:
        link = tarfile.TarInfo("cifar-100-binary/train.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        target.addfile(link)
    with pytest.raises(InputError, match=r"cifar-100-binary.tar.gz lacks test.bin, train.bin: delete it"):
        data.get("cifar100")


def test_damaged_archive(folder):
    path = folder / "cifar10" / "cifar-10-binary.tar.gz"
    archive(path, {f"x/{file}": some for file, some in contents("cifar10").items()})
    whole = path.read_bytes()
    for broken in (b"no archive", whole[:len(whole) // 2], whole[:1000] + b"\xff" * 1000 + whole[2000:]):
        path.write_bytes(broken)
        with pytest.raises(InputError, match="cifar-10-binary.tar.gz") as caught:
            data.get("cifar10")
        assert "delete it, and the same command downloads it again" in str(caught.value)


def test_without_network_there_are_shapes(folder):
    with pytest.raises(RunError, match="^could not download cifar-10-binary.tar.gz; or take --data shapes, which .* needs no network$"):
        data.get("cifar10")


@pytest.mark.parametrize("broken, words", [
    (written("cifar10", 0)[:-1], r"is truncated, or no file of cifar10: its 12,291 bytes are no whole number of records of 3,073 bytes"),
    (b"", "is truncated"), (b"\x0a" + bytes(3072), "is no file of cifar10: it has an image of class 10, and classes are 0 to 9"),
])
def test_damaged_file_is_named(folder, broken, words):
    put(folder / "cifar10", {**contents("cifar10"), "data_batch_3.bin": broken})
    with pytest.raises(InputError, match=words) as caught:
        data.get("cifar10")
    assert str(caught.value).startswith(str(folder / "cifar10" / "data_batch_3.bin"))
    assert "delete it, and the same command unpacks it again" in str(caught.value)
    assert len(data.get("cifar10", train=False)) == 4


def test_file_that_cannot_be_opened(folder):
    put(folder / "cifar100", {"test.bin": written("cifar100", 1)})
    (folder / "cifar100" / "train.bin").mkdir()
    with pytest.raises(InputError, match="train.bin cannot be read: Is a directory"):
        data.get("cifar100")


@pytest.fixture(scope="session")
def real_images(tmp_path_factory):
    """MINICNN_DATA with 600 of the real test images, 100 in each of the six files."""
    script = pathlib.Path(os.environ.get("MINICNN_DATA", "")) / "cifar10" / "unpack.py"
    if not script.is_file():
        pytest.skip("MINICNN_DATA has no cifar10/unpack.py, so there are no real images to read")
    records = list(itertools.islice(runpy.run_path(str(script))["records"]("test"), 600))
    parts = [b"".join(records[100 * part:100 * part + 100]) for part in range(6)]
    folder = tmp_path_factory.mktemp("data")
    put(folder / "cifar10" / "cifar-10-batches-bin", dict(zip(FILES["cifar10"][2], parts)))
    return folder


def test_real_images(real_images, monkeypatch):
    monkeypatch.setenv("MINICNN_DATA", str(real_images))
    train, test = data.get("cifar10"), data.get("cifar10", train=False)
    assert np.bincount(train.labels).tolist() == [50] * 10 and len(test) == 100
    pixels = train.images / 255
    assert pixels.mean((0, 2, 3)) == pytest.approx(train.mean, abs=0.02) and pixels.std((0, 2, 3)) == pytest.approx(train.std, abs=0.02)
    steps = np.abs(np.diff(pixels, axis=3)).mean(), np.abs(np.diff(pixels, axis=1)).mean()
    assert steps[0] < 0.06 and steps[1] < 0.1   # neighbours are alike: rows, columns and colours are what they are taken for
    ships = train.only(["ship", "frog"])
    blue = [ships.images[ships.labels == label, 2].mean() for label in range(2)]
    assert ships.classes == ("frog", "ship") and blue[1] > blue[0] + 20   # the sea
