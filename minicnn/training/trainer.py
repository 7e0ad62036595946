"""The training loop: batches in, a folder of results out, at any moment ready to stop and go on."""
import math
import pathlib
import time

import numpy as np

from minicnn import data, no_grad, random
from minicnn.errors import InputError, RunError
from minicnn.files import write_text
from minicnn.training import checkpoint, metrics, weights
from minicnn.training.settings import make_model, make_optimizer, make_transform

_SAVE_EVERY = 60   # seconds of training within an epoch after which a checkpoint is due


class Trainer:
    """One run: a network, a data set, and how far it has come.

    settings  Settings, completed from the network's recipe
    folder    where config.json, metrics.csv, model.safetensors and the checkpoint go
    show      a console.Console, told what happens
    """

    def __init__(self, settings, folder, show):
        random.manual_seed(settings.seed)
        self.train_set, self.test_set = data.get(settings.data, train=True), data.get(settings.data, train=False)
        self.model = make_model(settings, len(self.train_set.classes))
        recipe = self.model.recipe
        self.settings = settings = settings.complete(recipe)
        self.folder, self.show = pathlib.Path(folder), show
        self.preprocessing = self.model.preprocessing_for(self.train_set.mean, self.train_set.std)
        shape = self.train_set.images.shape[1:]
        self.loader = data.DataLoader(self.train_set, settings.batch_size, shuffle=True, seed=settings.seed,
                                      transform=make_transform(self.preprocessing, shape, recipe.augmentation))
        self.test_loader = data.DataLoader(self.test_set, min(256, len(self.test_set)),
                                           transform=make_transform(self.preprocessing, shape))
        self.optimizer, self.schedule = make_optimizer(settings, recipe, self.model.parameters(), len(self.loader))
        self.epoch = self.batch = 0    # where to go on
        self.running = metrics.Running()
        self.rows = []                 # of metrics.csv
        self.stop_requested = False    # set it, and `run` returns after the step it is in

    def start(self):
        """Make the folder and write the settings and the state before the first step."""
        try:
            self.folder.mkdir(parents=True)
        except FileExistsError:
            raise InputError(f"{self.folder} exists already; choose another --out, or go on with --resume {self.folder}") from None
        except OSError as error:
            raise InputError(f"the folder {self.folder} cannot be made: {error.strerror}; choose another one with --out") from None
        write_text(self.folder / "config.json", self.settings.to_json())
        self.save()

    def resume(self):
        """Take up the run in the folder where its last checkpoint left it."""
        progress = checkpoint.load(self.folder / checkpoint.FILE, self.model, self.optimizer, self.schedule)
        self.epoch, self.batch, self.rows = progress["epoch"], progress["batch"], progress["rows"]
        self.running = metrics.Running(**progress["running"])

    def save(self):
        progress = {"epoch": self.epoch, "batch": self.batch, "rows": self.rows, "running": vars(self.running)}
        checkpoint.save(self.folder / checkpoint.FILE, self.model, self.optimizer, self.schedule, progress)

    def run(self):
        """Train to the end. True if that is reached, False if a stop was requested; either way all is saved."""
        while self.epoch < self.settings.epochs:
            if not self._train_epoch():
                self.save()
                return False
            evaluation = self.evaluate()
            self.rows.append(self.running.row(self.epoch + 1, self.schedule.count, self.optimizer.lr, evaluation))
            self.show.epoch_done(self.rows[-1], self.settings.epochs)
            self.epoch, self.batch, self.running = self.epoch + 1, 0, metrics.Running()
            metrics.write(self.rows, self.folder / metrics.FILE)   # before the checkpoint, after which nothing calls for it again
            self.save()
        trained = weights.Trained(self.model, self.settings.model, self.settings.variant, self.settings.data,
                                  tuple(self.train_set.classes), self.preprocessing)
        weights.save(trained, self.folder / weights.FILE)
        return True

    def _train_epoch(self):
        """The batches that are left of this epoch. False if a stop was requested before the last."""
        self.model.train()
        saved = started = time.perf_counter()
        with self.show.epoch(self.epoch, self.settings.epochs, len(self.loader), self.batch) as bar:
            for images, labels in self.loader.epoch(self.epoch, self.batch):
                loss, correct = self._step(images, labels)
                now = time.perf_counter()
                self.running.add(loss, correct, len(labels), now - started)
                started = now
                self.batch += 1
                bar.step(self.running)
                if self.stop_requested:
                    return False
                if now - saved > _SAVE_EVERY:
                    self.save()
                    saved = started = time.perf_counter()
        return True

    def _step(self, images, labels):
        """One step of the optimiser on one batch: the loss, and how many images were recognised."""
        scores = self.model(images)
        loss = self.model.loss(scores, labels)
        value = loss.item()
        if not math.isfinite(value):
            raise RunError(f"the loss became {value} at step {self.schedule.count + 1} (epoch {self.epoch + 1}, batch {self.batch + 1}): "
                           f"training has diverged, so it stops here; {self.folder / checkpoint.FILE} holds the last good state. "
                           f"Try a smaller --lr than {self.settings.lr:g}")
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        return value, int((scores.array.argmax(1) == labels.array).sum())

    def evaluate(self):
        """An Evaluation of the network on the test images."""
        self.model.eval()
        scores, losses = [], 0.0
        with no_grad():
            for images, labels in self.test_loader.epoch(0):
                batch_scores = self.model(images)
                losses += self.model.loss(batch_scores, labels).item() * len(labels)
                scores.append(batch_scores.array)
        return metrics.Evaluation(np.concatenate(scores), self.test_set.labels, losses / len(self.test_set))

    def overfit_batch(self, steps=200):
        """Learn one batch by heart: a network that cannot do that has a mistake in it. Yields (step, loss, accuracy)."""
        images, labels = next(self.loader.epoch(0))
        for step in range(1, steps + 1):
            loss, correct = self._step(images, labels)
            yield step, loss, correct / len(labels)
            if correct == len(labels) and loss < 0.01 or self.stop_requested:
                return
