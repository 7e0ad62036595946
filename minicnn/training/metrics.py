"""What is measured: within an epoch, on the test images, and in the table that a run leaves."""
import csv
import io

import numpy as np

from minicnn.files import write_text

FILE = "metrics.csv"


class Running:
    """Sums over the batches of an epoch so far."""

    def __init__(self, loss=0.0, correct=0, images=0, seconds=0.0):
        self.loss, self.correct, self.images, self.seconds = loss, correct, images, seconds

    def add(self, loss, correct, images, seconds):
        """A batch: its mean loss, how many of its images were recognised, how many it has, how long it took."""
        self.loss += loss * images
        self.correct += correct
        self.images += images
        self.seconds += seconds

    def averages(self):
        """(loss per image, share recognised, images per second)."""
        return self.loss / self.images, self.correct / self.images, self.images / self.seconds

    def row(self, epoch, step, lr, evaluation):
        """A row of metrics.csv."""
        loss, accuracy, speed = self.averages()
        test = {"test_loss": evaluation.loss, "test_accuracy": evaluation.accuracy}
        if evaluation.scores.shape[1] > 5:
            test["test_top5_accuracy"] = evaluation.accuracy_within(5)
        return {"epoch": epoch, "step": step, "lr": lr, "train_loss": loss, "train_accuracy": accuracy, **test,
                "seconds": self.seconds, "images_per_second": speed}


class Evaluation:
    """A network's scores (N, classes) for images with labels (N,), and their mean loss."""

    def __init__(self, scores, labels, loss):
        self.scores, self.labels, self.loss = scores, labels, loss
        self.predictions = scores.argmax(1)
        self.accuracy = float((self.predictions == labels).mean())

    def accuracy_within(self, count):
        """The share of images whose class is among the `count` with the highest scores. What is not found is the top-5 error of
        ILSVRC (Russakovsky et al., "ImageNet large scale visual recognition challenge", 2015) if the count is 5."""
        true = np.take_along_axis(self.scores, self.labels[:, None], 1)
        # Of equal scores the first counts as the highest, as for `predictions`.
        before = (self.scores == true) & (np.arange(self.scores.shape[1]) < self.labels[:, None])
        return float((((self.scores > true) | before).sum(1) < count).mean())

    def confusion(self):
        """confusion[true, predicted]: how many images."""
        classes = self.scores.shape[1]
        return np.bincount(self.labels * classes + self.predictions, minlength=classes ** 2).reshape(classes, classes)


def write(rows, path):
    table = io.StringIO()
    writer = csv.DictWriter(table, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, table.getvalue())
