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
        return {"epoch": epoch, "step": step, "lr": lr, "train_loss": loss, "train_accuracy": accuracy, "test_loss": evaluation.loss,
                "test_accuracy": evaluation.accuracy, "seconds": self.seconds, "images_per_second": speed}


class Evaluation:
    """A network's scores (N, classes) for images with labels (N,), and their mean loss."""

    def __init__(self, scores, labels, loss):
        self.scores, self.labels, self.loss = scores, labels, loss
        self.predictions = scores.argmax(1)
        self.accuracy = float((self.predictions == labels).mean())

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
