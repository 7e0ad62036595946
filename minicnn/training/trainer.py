"""The training loop: batches in, a folder of results out, at any moment ready to stop and go on."""
import contextlib
import math
import pathlib
import time

import numpy as np

from minicnn import Tensor, cuda, nn, no_grad, random
from minicnn.errors import InputError, RunError
from minicnn.files import write_text
from minicnn.optim import WeightAverage
from minicnn.training import checkpoint, metrics, preparation, weights
from minicnn.training.settings import load_data, make_model, make_optimizer

_SAVE_EVERY = 60   # seconds of training within an epoch after which a checkpoint is due


class Trainer:
    """One run: a network, a data set, and how far it has come.

    settings  Settings, completed from the network's recipe
    folder    where config.json, metrics.csv, model.safetensors and the checkpoint go
    show      a console.Console, told what happens
    """

    def __init__(self, settings, folder, show):
        settings = settings.with_data()
        random.manual_seed(settings.seed)
        self.folder, self.show = pathlib.Path(folder), show
        self.train_set, self.test_set = (load_data(settings, train) for train in (True, False))
        self.model = make_model(settings, len(self.train_set.classes))
        recipe = self.model.recipe
        self.settings = settings = settings.complete(recipe, len(self.train_set))
        mean, std = preparation.match_channels(self.model.input_shape[0], self.train_set.mean, self.train_set.std)
        preprocessing = self.model.preprocessing_for(mean, std)
        self.model.remember(settings.data, self.train_set.classes, preprocessing)
        self.loader = preparation.load(self.train_set, settings.batch_size,
                                       *preparation.for_training(preprocessing, self.train_set.image_shape, recipe),
                                       shuffle=True, seed=settings.seed)
        self.test_loader = preparation.load(self.test_set, min(len(self.test_set), _test_batch(self.model.input_shape)),
                                            *preparation.for_tests(preprocessing, self.test_set.image_shape))
        self.model.to(settings.device)
        self.optimizer, self.schedule = make_optimizer(settings, recipe, self.model.parameters(), len(self.loader))
        self.average = None if settings.ema is None else WeightAverage(self.model, settings.ema)
        self._learn = cuda.capture(self._change_weights, settings.device)
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
        progress = checkpoint.load(self.folder / checkpoint.FILE, self.model, self.optimizer, self.schedule, self.average)
        self.epoch, self.batch, self.rows = progress["epoch"], progress["batch"], progress["rows"]
        self.running = metrics.Running(**progress["running"])

    def save(self):
        progress = {"epoch": self.epoch, "batch": self.batch, "rows": self.rows, "running": vars(self.running)}
        checkpoint.save(self.folder / checkpoint.FILE, self.model, self.optimizer, self.schedule, self.average, progress)

    def run(self):
        """Train to the end. True if that is reached, False if a stop was requested; either way all is saved."""
        while self.epoch < self.settings.epochs:
            if not self._train_epoch():
                self.save()
                return False
            evaluation = self.evaluate()
            self.rows.append(self.running.row(self.epoch + 1, self.schedule.count, self.optimizer.lr, evaluation))
            self.schedule.observe(1 - evaluation.accuracy)
            self.show.epoch_done(self.rows[-1], self.settings.epochs)
            self.epoch, self.batch, self.running = self.epoch + 1, 0, metrics.Running()
            metrics.write(self.rows, self.folder / metrics.FILE)   # before the checkpoint, after which nothing calls for it again
            self.save()
        with self.averaged():
            weights.save(self.model, self.folder / weights.FILE)
        return True

    def _train_epoch(self):
        """The batches that are left of this epoch. False if a stop was requested before the last."""
        self.model.train()
        saved = started = time.perf_counter()
        due = _SAVE_EVERY
        with self.show.epoch(self.epoch, self.settings.epochs, len(self.loader), self.batch) as bar:
            batches = self.loader.epoch(self.epoch, self.batch)
            batch = next(batches, None)
            while batch is not None:
                size, parts = len(batch[1]), self._learn(*batch)
                batch = next(batches, None)   # made ready while a GPU computes; to read the loss is to wait for it
                loss, correct = self._outcome(parts)
                now = time.perf_counter()
                self.running.add(loss, correct, size, now - started)
                started = now
                self.batch += 1
                bar.step(self.running)
                if self.stop_requested:
                    return False
                if now - saved > due:
                    self.save()
                    saved = started = time.perf_counter()
                    due = _SAVE_EVERY * max(1, saved - now)   # to write a large network takes seconds
        return True

    def _step(self, images, labels):
        """One step of the optimiser on one batch: the loss, and how many images were recognised.

        With --accumulate the batch is worked on in parts, one after the other, which takes the memory of one. Each part's loss is
        weighed by its share of the images, so the gradients add up to those of the whole batch; where a layer looks at the batch as
        a whole, as batch normalisation does, it sees a part.
        """
        return self._outcome(self._learn(images, labels))

    def _outcome(self, parts):
        """What `_step` returns, of a step that was just taken: the schedule goes on, and RunError if it has diverged."""
        value = sum(loss.item() * share for loss, share, _ in parts)
        if not math.isfinite(value):
            raise RunError(f"the loss became {value} at step {self.schedule.count + 1} (epoch {self.epoch + 1}, batch {self.batch + 1}): "
                           f"training has diverged, so it stops here; {self.folder / checkpoint.FILE} holds the last good state. "
                           f"Try a smaller --lr than {self.settings.lr:g}")
        self.schedule.step()
        return value, sum(known.item() for _, _, known in parts)

    def _change_weights(self, images, labels):
        """All of a step that happens on the device. Returns for each part of the batch its loss, its share of the images, and how many
        were recognised."""
        self.optimizer.zero_grad()
        count, parts = len(labels), []
        size = math.ceil(count / self.settings.accumulate)
        for first in range(0, count, size):
            some, right = (Tensor(tensor.settle()[first:first + size]) for tensor in (images, labels))
            scores = self.model(some)
            loss, share = self.model.loss(scores, right), len(right) / count
            (loss if share == 1 else loss * share).backward()
            parts.append((loss.detach(), share, (self.model.main_scores(scores).argmax(1) == right).sum()))
        self.optimizer.step()
        self.model.after_step()
        if self.average is not None:
            self.average.update()
        return parts

    def averaged(self):
        """Inside this `with`, the network has its averaged weights, if there are any: those it is tested and saved with."""
        return contextlib.nullcontext() if self.average is None else self.average.applied()

    def evaluate(self):
        """An Evaluation of the network on the test images."""
        self.model.eval()
        scores, losses = [], 0.0
        with no_grad(), self.averaged():
            for images, labels in self.test_loader.epoch(0):
                batch_scores = self.model(images.to(self.settings.device))
                losses += self.model.loss(batch_scores, labels.to(self.settings.device)).item() * len(labels)
                scores.append(batch_scores.cpu().array)
        return metrics.Evaluation(np.concatenate(scores), self.test_set.labels, losses / len(self.test_set))

    def overfit_batch(self, steps=200):
        """Learn one batch by heart: a network that cannot do that has a mistake in it. Yields (step, loss, accuracy).

        Dropout, which keeps a network from learning by heart, rests.
        """
        for module in self.model.train().modules():
            if isinstance(module, nn.Dropout):
                module.eval()
        images, labels = next(self.loader.epoch(0))
        for step in range(1, steps + 1):
            loss, correct = self._step(images, labels)
            yield step, loss, correct / len(labels)
            if correct == len(labels) and loss < 0.01 or self.stop_requested:
                return


def _test_batch(input_shape):
    """How many images are tested together: many small ones, but few photographs, which fill the memory."""
    return max(1, min(256, 4_000_000 // math.prod(input_shape)))
