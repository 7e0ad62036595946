"""The loader: a data set in batches, shuffled by seed, the same at every repetition."""
import collections
import functools
import threading

import numpy as np

from minicnn.errors import InputError
from minicnn.tensor import Tensor


class DataLoader:
    """A data set in batches of (images, labels): Tensors, float32 (N, C, H, W) from 0 to 1 unless the transform changes that,
    and int64 (N,).

    dataset     what has `batch`, `labels` (int64) and a length: a Dataset
    batch_size  images per batch; the last batch of an epoch has what is left
    shuffle     a new order each epoch?
    seed        what is random in a batch depends on the seed, the number of the epoch and the batch's place in it,
                on nothing else: so a run can be taken up anywhere, and gets the same bits
    crop        what each image goes through by itself: called as minicnn.data.photographs says
    transform   what the batch goes through then: called as minicnn.data.transforms says
    drop_last   leave out a last batch that is smaller than the others?
    prefetch    so many batches are prepared by a background thread while as many are used; with 0 each is prepared when it is
                asked for. The kernels keep every core busy, so a thread pays only where a batch takes long to prepare:
                training on MNIST, whose batches of 64 take some 50 microseconds, gained nothing from it on two cores.
    workers     so many threads at once, each preparing batches of its own (`prefetch` at a time, at least one). Photographs are
                worth it: Pillow and the kernels let other threads run while they work. The batches are the same for any number.

    Iterating gives one epoch, and the next time the next one.
    """

    def __init__(self, dataset, batch_size, shuffle=False, seed=0, crop=None, transform=None, drop_last=False, prefetch=0, workers=0):
        if not 0 < batch_size <= len(dataset):
            raise InputError(f"a batch of {batch_size:,} images cannot be had from {len(dataset):,}: "
                             f"choose a batch size from 1 to {len(dataset)}")
        self.dataset, self.batch_size, self.shuffle, self.seed = dataset, batch_size, shuffle, seed
        self.crop, self.transform, self.drop_last = crop, transform, drop_last
        self.prefetch, self.workers = (max(1, prefetch), max(1, workers)) if prefetch or workers else (0, 0)
        self._next_epoch = 0

    def __len__(self):
        """Batches per epoch."""
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self):
        epoch, self._next_epoch = self._next_epoch, self._next_epoch + 1
        return self.epoch(epoch)

    def epoch(self, number, start=0):
        """The batches of epoch `number`, from batch `start` on."""
        order = self._generator(number, 0).permutation(len(self.dataset)) if self.shuffle else np.arange(len(self.dataset))
        prepare = functools.partial(self._prepare, number, order)
        batches = range(start, len(self))
        for images, labels in _ahead(prepare, batches, self.prefetch, self.workers) if self.workers else map(prepare, batches):
            yield Tensor(images), Tensor(labels)

    def _prepare(self, epoch, order, batch):
        chosen = order[batch * self.batch_size:(batch + 1) * self.batch_size]
        generator = self._generator(epoch, 1 + batch)
        images = self.dataset.batch(chosen, self.crop, generator)
        if self.transform:
            images = self.transform(images, generator)
        return images, self.dataset.labels.take(chosen)

    def _generator(self, epoch, place):
        """The generator for the order of an epoch (place 0) or for one of its batches (place 1, 2, ...).

        Philox (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) turns a key and a counter into random
        bits, so each place has its own stretch of the counter, found at once and never reached from another.
        """
        return np.random.Generator(np.random.Philox(key=[self.seed, epoch], counter=[0, 0, 0, place]))


def _ahead(function, items, size, workers):
    """As map(function, items): each of `workers` background threads computes the next `size` results while the last are used.

    Several at a time, because handing over costs about as much as preparing a batch of small images. The threads call no
    kernels: not every threading layer of Numba bears two threads that do.
    """
    from concurrent.futures import ThreadPoolExecutor   # not at the top: its import takes longer than all else here

    threads = ThreadPoolExecutor(workers, "minicnn-loader")
    waiting, stopped = collections.deque(), threading.Event()

    def compute(some):
        results = []
        for item in some:
            if stopped.is_set():
                break
            results.append(function(item))
        return results

    try:
        for first in range(0, len(items), size):
            waiting.append(threads.submit(compute, items[first:first + size]))
            if len(waiting) > workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:   # also when the consumer stops early: what is not begun is left
        stopped.set()
        threads.shutdown(cancel_futures=True)
