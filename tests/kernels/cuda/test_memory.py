"""The pool of device memory, over a device whose blocks are only counted."""
import math

import numpy as np
import pytest

import minicnn as mc
from benchmarks.cuda.rehearsing import Stage
from kernels.cuda.array import DeviceArray
from kernels.cuda.memory import Pool, rounded
from minicnn import models, nn, optim
from tests.kernels.cuda import launches


class Device:
    def __init__(self, size):
        self.left, self.blocks, self.given = size, {}, 0

    def reserve(self, size):
        if size > self.left:
            return None
        self.given += 1
        address = 512 * self.given * 10**6
        self.blocks[address] = size
        self.left -= size
        return address

    def free(self, address):
        self.left += self.blocks.pop(address)

    def pool(self):
        return Pool(self.reserve, self.free, lambda: f" and {self.left} bytes free")


def test_rounded():
    assert rounded(0) == rounded(1) == rounded(512) == 512
    assert rounded(513) == 1024
    for size in (10**5 + 1, 10**6, 123456789, 2**31):
        assert size <= rounded(size) <= size * 17 / 16 and rounded(size) % 512 == 0


def test_block_is_used_again():
    device = Device(10**6)
    pool = device.pool()
    first = pool.lease(1000)
    address = first.address
    assert (pool.used, pool.idle) == (1024, 0)
    del first
    assert (pool.used, pool.idle) == (0, 1024)
    again, other = pool.lease(900), pool.lease(900)
    assert again.address == address != other.address and device.given == 2


def test_full_device():
    """Idle blocks of other sizes make room; if that is not enough, one sentence."""
    device = Device(4096)
    pool = device.pool()
    del_me = pool.lease(2048)
    del del_me
    kept = pool.lease(4096)
    assert device.left == 0 and pool.idle == 0
    with pytest.raises(MemoryError, match="no 1 bytes left: 4,096 bytes are in use here and 0 bytes free; a smaller batch"):
        pool.lease(1)
    del kept
    assert pool.lease(1).size == 512


def test_idle_memory_is_bounded():
    device = Device(10**12)
    pool = device.pool()
    for megabytes in range(40, 60):
        pool.lease(megabytes * 10**6)
    assert pool.used == 0 and pool.idle <= 4 * pool.peak == 4 * rounded(59 * 10**6)
    pool.release()
    assert pool.idle == pool.peak == 0 and not device.blocks


def test_closed():
    device = Device(10**6)
    pool = device.pool()
    idle, used = pool.lease(1), pool.lease(600)
    del idle
    pool.close()
    assert list(device.blocks.values()) == [1024]
    del used
    assert not device.blocks


class Counting(Stage):
    """A rehearsal whose arrays lie in memory of a Device's pool."""

    def __init__(self):
        super().__init__()
        self.device = Device(10**12)
        self.pool = self.device.pool()

    def empty(self, shape, dtype):
        lease = self.pool.lease(math.prod(shape) * np.dtype(dtype).itemsize)
        return DeviceArray(self, lease, lease.address, tuple(shape), np.dtype(dtype))


@pytest.mark.parametrize("name", ["googlenet", "squeezenet"])
def test_what_has_been_done_before_needs_no_new_memory(name):
    """Of training steps, and of the forward pass in evaluation: asking the driver stops all kernels, and these networks, with their many
    sizes, ask the pool for more blocks than any other."""
    stage = Counting()
    with launches.on(stage, "highest"), nn.init.skipped():
        model = models.get(name, num_classes=10).to("cuda")
        images, labels = mc.zeros(32, *model.input_shape).to("cuda"), mc.tensor(np.arange(32) % 10).to("cuda")
        optimizer = optim.SGD(model.parameters(), 0.01, momentum=0.9)

        def step():
            optimizer.zero_grad()
            model.train().loss(model(images), labels).backward()
            optimizer.step()

        def evaluate():
            with mc.no_grad():
                model.eval()(images)

        for work in step, evaluate:
            for _ in range(2):
                work()
            given, left = stage.device.given, stage.device.left
            work()
            assert (stage.device.given, stage.device.left) == (given, left)
            stage.pool.release()
