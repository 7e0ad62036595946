"""What a person sees: lines everywhere, a bar in a terminal only."""
import io

from minicnn.training.console import Console
from minicnn.training.metrics import Running

ROW = {"epoch": 3, "train_loss": 0.1234, "train_accuracy": 0.9654, "test_accuracy": 0.9876, "images_per_second": 12345.6}


def train_a_little(console):
    running = Running()
    with console.epoch(2, 12, 100, 40) as bar:
        for _ in range(60):
            running.add(0.5, 8, 10, 0.001)
            bar.step(running)
    console.epoch_done(ROW, 12)


def test_without_a_terminal_there_are_lines_only():
    stream = io.StringIO()
    train_a_little(Console(stream))
    assert stream.getvalue() == "epoch  3/12   loss 0.1234   train 96.54 %   test 98.76 %   12,346 images/s\n"


def test_five_guesses_are_told_where_they_count():
    stream = io.StringIO()
    Console(stream).epoch_done(ROW | {"test_top5_accuracy": 0.999}, 3)
    assert "   test 98.76 %   top 5 99.90 %   12,346 images/s\n" in stream.getvalue()


def test_bar_tells_of_loss_accuracy_and_speed_and_goes_away():
    stream = io.StringIO()
    train_a_little(Console(stream, terminal=True))
    assert "epoch 3/12" in stream.getvalue() and "40/100" in stream.getvalue()
    assert "loss 0.5000  accuracy 80.00 %  10,000 images/s" in stream.getvalue()
    *_, bar, line, end = stream.getvalue().replace("\n", "\r").split("\r")
    assert not bar.strip() and line.startswith("epoch  3/12") and end == ""
