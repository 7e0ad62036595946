"""The loader: a data set in batches, shuffled by seed, the same at every repetition."""
import collections
import functools

import numpy as np

from minicnn.errors import InputError
from minicnn.tensor import Tensor


class DataLoader:
    """A data set in batches of (images, labels): Tensors, float32 (N, C, H, W) from 0 to 1 unless the transform changes that,
    and int64 (N,).

    dataset     what has `images` (uint8), `labels` (int64) and a length: a Dataset
    batch_size  images per batch; the last batch of an epoch has what is left
    shuffle     a new order each epoch?
    seed        what is random in a batch depends on the seed, the number of the epoch and the batch's place in it,
                on nothing else: so a run can be taken up anywhere, and gets the same bits
    transform   called as minicnn.data.transforms says
    drop_last   leave out a last batch that is smaller than the others?
    prefetch    so many batches are prepared by a background thread while as many are used; with 0 each is prepared when it is
                asked for. The kernels keep every core busy, so a thread pays only where a batch takes long to prepare:
                training on MNIST, whose batches of 64 take some 50 microseconds, gained nothing from it on two cores.

    Iterating gives one epoch, and the next time the next one.
    """

    def __init__(self, dataset, batch_size, shuffle=False, seed=0, transform=None, drop_last=False, prefetch=0):
        if not 0 < batch_size <= len(dataset):
            raise InputError(f"a batch of {batch_size:,} images cannot be had from {len(dataset):,}: "
                             f"choose a batch size from 1 to {len(dataset)}")
        self.dataset, self.batch_size, self.shuffle, self.seed = dataset, batch_size, shuffle, seed
        self.transform, self.drop_last, self.prefetch = transform, drop_last, prefetch
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
        for images, labels in _ahead(prepare, batches, self.prefetch) if self.prefetch else map(prepare, batches):
            yield Tensor(images), Tensor(labels)

    def _prepare(self, epoch, order, batch):
        chosen = order[batch * self.batch_size:(batch + 1) * self.batch_size]
        images = self.dataset.images.take(chosen, axis=0).astype(np.float32)
        images /= 255
        if self.transform:
            images = self.transform(images, self._generator(epoch, 1 + batch))
        return images, self.dataset.labels.take(chosen)

    def _generator(self, epoch, place):
        """The generator for the order of an epoch (place 0) or for one of its batches (place 1, 2, ...).

        Philox (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) turns a key and a counter into random
        bits, so each place has its own stretch of the counter, found at once and never reached from another.
        """
        return np.random.Generator(np.random.Philox(key=[self.seed, epoch], counter=[0, 0, 0, place]))


def _ahead(function, items, size):
    """As map(function, items): a background thread computes the next `size` results while the last ones are used.

    Several at a time, because handing over costs about as much as preparing a batch of small images. The thread calls no
    kernels: not every threading layer of Numba bears two threads that do.
    """
    from concurrent.futures import ThreadPoolExecutor   # not at the top: its import takes longer than all else here

    thread = ThreadPoolExecutor(1, "minicnn-loader")
    waiting = collections.deque()
    try:
        for first in range(0, len(items), size):
            waiting.append(thread.submit(lambda job: list(map(function, job)), items[first:first + size]))
            if len(waiting) == 2:
                yield from waiting.popleft().result()
        if waiting:
            yield from waiting.popleft().result()
    finally:   # also when the consumer stops early
        thread.shutdown(cancel_futures=True)
