"""The pool of device memory, over a device of 1000 blocks of 512 bytes that is only counted."""
import pytest

from kernels.cuda.memory import Pool, rounded


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
    assert pool.used == 0 and pool.idle <= 2 * pool.peak == 2 * rounded(59 * 10**6)
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
