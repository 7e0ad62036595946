"""A file is replaced whole, or not at all."""
import errno
import os

import pytest

from minicnn import files
from minicnn.errors import RunError


def test_new_contents_take_the_place_of_the_old(tmp_path):
    path = tmp_path / "file.txt"
    for text in "one", "two, longer":
        files.write_text(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


def test_until_it_is_whole_the_old_file_is_there(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with files.replacing(path) as partial:
        partial.write_text("half of the new")
        assert path.read_text() == "old"
    assert path.read_text() == "half of the new"


def test_failure_of_the_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), files.replacing(path) as partial:
        partial.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_full_disk_gets_a_sentence(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="file.txt cannot be written: No space left on device.*make room there, or"):
        files.write_text(tmp_path / "file.txt", "new")
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_none_gets_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    for path in tmp_path / "none" / "a.txt", tmp_path / "file" / "a.txt":
        with pytest.raises(RunError, match="a.txt cannot be written: "):
            files.write_text(path, "text")


def test_leftovers_of_a_kill_do_no_harm(tmp_path):
    (tmp_path / ".file.txt.partial").write_text("left over, and longer than what comes now")
    files.write_text(tmp_path / "file.txt", "new")
    assert (tmp_path / "file.txt").read_text() == "new" and len(list(tmp_path.iterdir())) == 1
