"""What a person sees while a network trains: a progress bar in a terminal, a line per epoch elsewhere."""
import contextlib
import sys
import time

from minicnn.wording import percent


class Console:
    """Prints to `stream`; `terminal` says whether lines there can be drawn over."""

    def __init__(self, stream=None, terminal=None):
        self.stream = stream or sys.stdout
        self.terminal = self.stream.isatty() if terminal is None else terminal

    def line(self, text):
        print(text, file=self.stream, flush=True)

    @contextlib.contextmanager
    def epoch(self, epoch, epochs, batches, done):
        """A bar for the batches of an epoch, of which `done` were before; gone when the epoch is."""
        from tqdm import tqdm

        with tqdm(total=batches, initial=done, desc=f"epoch {epoch + 1}/{epochs}", unit="batch", leave=False, file=self.stream,
                  disable=not self.terminal, dynamic_ncols=True, bar_format="{desc} |{bar}| {n_fmt}/{total_fmt} {postfix}") as bar:
            yield _Bar(bar)

    def epoch_done(self, row, epochs):
        within = f"top 5 {percent(row['test_top5_accuracy'])}   " if "test_top5_accuracy" in row else ""
        self.line(f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}   loss {row['train_loss']:.4f}   "
                  f"train {percent(row['train_accuracy'])}   test {percent(row['test_accuracy'])}   {within}"
                  f"{row['images_per_second']:,.0f} images/s")


class _Bar:
    """The bar of one epoch. Its text changes ten times a second, not with every batch: a batch of digits takes a millisecond."""

    def __init__(self, bar):
        self.bar, self.due = bar, 0.0

    def step(self, running):
        if self.bar.disable:
            return
        self.bar.update()
        now = time.monotonic()
        if now >= self.due:
            loss, accuracy, speed = running.averages()
            self.bar.set_postfix_str(f"loss {loss:.4f}  accuracy {percent(accuracy)}  {speed:,.0f} images/s", refresh=True)
            self.due = now + 0.1
