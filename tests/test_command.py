"""How commands end: one sentence and an exit code."""
import pathlib
import subprocess
import sys

import pytest

from minicnn import command
from minicnn.errors import InputError, RunError


def raising(problem):
    def main(arguments):
        raise problem
    return main


@pytest.mark.parametrize("problem, code, words", [
    (InputError("that cannot be"), 2, "minicnn: that cannot be\n"),
    (RunError("the disk is full"), 1, "minicnn: the disk is full\n"),
    (KeyboardInterrupt(), 130, "minicnn: interrupted\n"),
], ids=["input", "run", "Ctrl-C"])
def test_problem_is_one_sentence_and_a_code(call, problem, code, words):
    assert call(raising(problem)) == (code, "", words)


def test_what_main_returns_is_the_code(call):
    assert call(lambda arguments: len(arguments), "a", "b", "c") == (3, "", "")
    assert call(lambda arguments: None) == (None, "", "")


def test_mistakes_in_the_program_are_not_hidden(call):
    with pytest.raises(ZeroDivisionError):
        call(raising(ZeroDivisionError()))


def test_who_reads_the_output_may_stop():
    """As `| head` does: no traceback, whether the pipe is found closed while running or at the end."""
    for lines in 1, 100_000:
        program = f"from minicnn import command\ncommand.run(lambda _: print('line\\n' * {lines}))"
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 141)
        process.stderr.close()


def test_files_that_are_spared(tmp_path, monkeypatch):
    """Only what the command itself has left under its own name is replaced."""
    monkeypatch.chdir(tmp_path)
    own, other = pathlib.Path("own.png"), pathlib.Path("other.png")
    command.spare(own, own)
    command.spare(other, own)
    for path in own, other:
        path.write_bytes(b"")
    command.spare(own, own)
    command.spare(own, own, [other])
    command.spare(pathlib.Path("new.png"), own, [own])
    for path, inputs, option in [(other, [], "--out"), (own, [tmp_path / "own.png"], "--plot"), (own, [other, own], "--out")]:
        with pytest.raises(InputError) as problem:
            command.spare(path, own, inputs, option)
        assert str(problem.value) == f"{path} exists already and would be overwritten; choose another name for {option}"
    assert own.read_bytes() == other.read_bytes() == b""


@pytest.mark.parametrize("name", ["picture.bmp", "picture", "picture.png.gz"])
def test_a_file_is_what_its_name_says(name):
    with pytest.raises(InputError) as problem:
        command.spare(pathlib.Path(name), pathlib.Path("own.png"), option="--plot")
    assert str(problem.value) == f"PNG is what is written: choose a name for --plot that ends in .png, not {name}"
    command.spare(pathlib.Path("picture.PNG"), pathlib.Path("own.png"))
    command.spare(pathlib.Path("film.gif"), None)
