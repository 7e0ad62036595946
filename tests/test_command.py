"""How commands end: one sentence and an exit code."""
import pytest

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
