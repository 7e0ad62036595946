"""python -m minicnn.summary: a table, and a sentence for everything that cannot be summed up."""
import pytest

from minicnn import models, random, summary


def test_the_table_of_a_network(call):
    code, out, err = call(summary.main, "lenet")
    assert (code, err) == (0, "") and out == f"{models.summary(models.get('lenet'))}\n"
    assert "61,706 parameters" in out and "416,520 multiply-adds" in out


def test_no_weights_are_drawn_to_be_counted(call):
    state = random.get_state()
    assert call(summary.main, "lenet")[0] == 0 and random.get_state() == state


def test_variant_and_size(call):
    code, out, err = call(summary.main, "lenet", "--variant", "paper", "--size", "32x35")
    assert (code, err) == (0, "") and "for images of 1 x 32 x 35" in out and "60,000 parameters" in out


@pytest.mark.parametrize("text, size", [("224", (224, 224)), ("1x320", (1, 320))])
def test_sizes(text, size):
    assert summary.read_size(text) == size


@pytest.mark.parametrize("text", ["0", "-3", "axb", "3x", "3x4x5", "", "3.5", "3x0"])
def test_what_is_no_size(call, text):
    code, out, err = call(summary.main, "lenet", f"--size={text}")
    assert (code, out) == (2, "") and err == (
        f"minicnn: --size must be a number of pixels, such as 224, or rows x columns, such as 224x320, not {text!r}\n")


def test_what_cannot_be_summed_up(call):
    code, out, err = call(summary.main, "lenett")
    assert (code, out) == (2, "") and err.startswith("minicnn: there is no model called 'lenett': did you mean 'lenet'?")
    code, out, err = call(summary.main, "lenet", "--variant", "x")
    assert (code, out) == (2, "") and "'x'" in err and err.count("\n") == 1
    code, out, err = call(summary.main, "lenet", "--size", "12")
    assert (code, out) == (2, "") and "cannot take images of 1 x 12 x 12 (it is made for 1 x 28 x 28)" in err and err.count("\n") == 1
