"""Downloads against a server on this machine that misbehaves in every way mirrors do."""
import errno
import hashlib
import pathlib

import numpy as np
import pytest

from minicnn.data import download
from minicnn.errors import RunError
from tests.data.mirror import Mirror, running

BODY = np.random.default_rng(1).bytes(300_000)
SHA256 = "sha256:" + hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with running(Mirror(BODY)) as server:
        yield server


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some" / "folder" / "file.bin"


def leftovers(path):
    return [each.name for each in path.parent.iterdir() if each != path]


@pytest.mark.parametrize("checksum", [SHA256, SHA256[:15], "md5:" + hashlib.md5(BODY).hexdigest()])
def test_file_arrives_whole_and_alone(mirror, path, checksum):
    assert download.fetch([mirror.address], path, checksum) == path
    assert path.read_bytes() == BODY and leftovers(path) == []


def test_file_that_is_there_is_not_fetched(mirror, path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b"here")
    download.fetch([mirror.address], path, SHA256)
    assert path.read_bytes() == b"here" and mirror.ranges == []


def test_cut_connection_is_taken_up_where_it_broke(mirror, path):
    mirror.cut_after = 140_000
    download.fetch([mirror.address], path, SHA256)
    assert path.read_bytes() == BODY
    assert mirror.ranges == [None, "bytes=140000-", "bytes=280000-"]


def test_next_call_goes_on_where_the_last_one_stopped(mirror, path):
    path.parent.mkdir(parents=True)
    path.with_name("file.bin.part").write_bytes(BODY[:123_456])
    download.fetch([mirror.address], path, SHA256)
    assert path.read_bytes() == BODY and mirror.ranges == ["bytes=123456-"]


def test_part_that_was_complete_is_only_renamed(mirror, path):
    path.parent.mkdir(parents=True)
    path.with_name("file.bin.part").write_bytes(BODY)
    download.fetch([mirror.address], path, SHA256)
    assert path.read_bytes() == BODY and leftovers(path) == []


@pytest.mark.parametrize("part", [b"something else", b"something else" * 100_000])
def test_part_of_another_file_is_fetched_afresh(mirror, path, part):
    path.parent.mkdir(parents=True)
    path.with_name("file.bin.part").write_bytes(part)
    download.fetch([mirror.address], path, SHA256)
    assert path.read_bytes() == BODY and mirror.ranges == [f"bytes={len(part)}-", None]


def test_mirror_that_does_not_resume_starts_again(mirror, path):
    mirror.resumes = False
    path.parent.mkdir(parents=True)
    path.with_name("file.bin.part").write_bytes(BODY[:1000])
    download.fetch([mirror.address], path, SHA256)
    assert path.read_bytes() == BODY


def test_mirror_that_keeps_cutting_is_left_for_the_next_which_resumes(mirror, path):
    mirror.cut_after, mirror.resumes = 140_000, False
    with running(Mirror(BODY)) as second:
        download.fetch([mirror.address, second.address], path, SHA256)
        assert second.ranges == ["bytes=140000-"]
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("fault", [{"status": 404}, {"status": 503}, {"body": b"not the file"},
                                   {"kind": "text/html; charset=utf-8"}])
def test_second_mirror_helps(mirror, path, fault):
    vars(mirror).update(fault)
    with running(Mirror(BODY)) as second:
        download.fetch([mirror.address, second.address], path, SHA256)
    assert path.read_bytes() == BODY and leftovers(path) == []


@pytest.mark.parametrize("fault, words", [
    ({"status": 404}, "answered 404 Not Found"),
    ({"body": b"x" * 300_000}, "wrong checksum"),
    ({"body": BODY[:-1]}, "wrong checksum"),
    ({"cut_after": 1000, "says_length": False}, "wrong checksum"),
    ({"cut_after": 1000, "resumes": False}, "cut the connection after 1,000 of 300,000 bytes"),
    ({"kind": "text/html"}, "a web page instead of the file"),
    ({"body": b"\n<!DOCTYPE html><html>"}, "a web page instead of the file"),
    ({"body": b"<HTML><head>"}, "a web page instead of the file"),
])
def test_failure_is_told_in_a_sentence(mirror, path, fault, words):
    vars(mirror).update(fault)
    with pytest.raises(RunError, match=r"^could not download file\.bin \(127\.0\.0\.1:\d+ .*" + words) as caught:
        download.fetch([mirror.address], path, SHA256)
    assert "run the same command again" in str(caught.value) and str(path.parent) in str(caught.value)
    assert not path.exists()


def test_checksum_s_beginning_must_be_right(mirror, path):
    with pytest.raises(RunError, match="wrong checksum"):
        download.fetch([mirror.address], path, "sha256:" + SHA256[8:15])   # what is in the middle
    assert not path.exists()


def test_no_network(mirror, path):
    with running(Mirror(BODY)) as gone:
        pass
    with pytest.raises(RunError, match="cannot be reached"):
        download.fetch([gone.address, "http://name.invalid/file.bin"], path, SHA256)


def test_folder_that_cannot_be_written(mirror, tmp_path):
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(RunError, match="^cannot write .*set MINICNN_DATA"):
        download.fetch([mirror.address], tmp_path / "file" / "file.bin", SHA256)


def test_full_disk_keeps_what_there_was_room_for(mirror, path, monkeypatch):
    class FullDisk:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, piece):
            if self.file.tell() > 100_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.file.write(piece)

    with monkeypatch.context() as patch:
        patch.setattr(download, "open", lambda *arguments: FullDisk(open(*arguments)), raising=False)
        with pytest.raises(RunError, match=r"^cannot write .*No space left on device.*make room"):
            download.fetch([mirror.address], path, SHA256)
    download.fetch([mirror.address], path, SHA256)
    assert path.read_bytes() == BODY and mirror.ranges[1] not in (None, "bytes=0-")


def test_progress_bar_is_for_terminals_only(mirror, path, capsys):
    download.fetch([mirror.address], path, SHA256)
    assert capsys.readouterr() == ("", "")


def test_folder_follows_minicnn_data(monkeypatch, tmp_path):
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path))
    assert download.folder("mnist") == tmp_path / "mnist"
    monkeypatch.setenv("MINICNN_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert download.folder("mnist").name == "mnist" and "minicnn" in pathlib.Path(download.folder("mnist")).parts
