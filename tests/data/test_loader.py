import itertools
import threading
import time

import numpy as np
import pytest

from minicnn.data import DataLoader, Dataset, transforms
from minicnn.errors import InputError
from minicnn.tensor import Tensor

COUNT = 103   # 12 batches of 8, and one of 7


def dataset(count=COUNT):
    """Images that carry their own number."""
    images = np.arange(count, dtype=np.uint8).repeat(6).reshape(count, 1, 2, 3)
    return Dataset(images, np.arange(count, dtype=np.int64), tuple(map(str, range(count))), (0.5,), (0.2,), "numbers")


def noisy(images, generator):
    return images + generator.random(images.shape, dtype=np.float32)


def arrays(batches):
    return [(images.array, labels.array) for images, labels in batches]


def assert_same(ones, others):
    assert len(ones) == len(others) > 0
    for one, other in zip(ones, others):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


prefetching = pytest.mark.parametrize("prefetch", [0, 1, 4, 100])
working = pytest.mark.parametrize("threads", [{}, {"workers": 1}, {"workers": 3}, {"workers": 5, "prefetch": 2}, {"workers": 100}], ids=str)


@pytest.fixture(autouse=True)
def no_thread_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@prefetching
def test_each_image_once_with_its_label(prefetch):
    batches = list(DataLoader(dataset(), 8, shuffle=True, prefetch=prefetch))
    assert [len(labels.array) for _, labels in batches] == [8] * 12 + [7]
    labels = np.concatenate([labels.array for _, labels in batches])
    assert sorted(labels) == list(range(COUNT)) and labels.tolist() != list(range(COUNT))
    for images, labels in batches:
        assert isinstance(images, Tensor) and isinstance(labels, Tensor)
        assert images.array.dtype == np.float32 and labels.array.dtype == np.int64
        np.testing.assert_array_equal(images.array, np.broadcast_to((labels.array / 255).astype(np.float32)[:, None, None, None],
                                                                    (len(labels.array), 1, 2, 3)))


@prefetching
def test_in_order_without_shuffling(prefetch):
    loader = DataLoader(dataset(), 10, prefetch=prefetch)
    assert np.concatenate([labels.array for _, labels in loader]).tolist() == list(range(COUNT))


@prefetching
def test_drop_last(prefetch):
    loader = DataLoader(dataset(), 8, drop_last=True, prefetch=prefetch)
    assert [len(labels.array) for _, labels in loader] == [8] * 12
    assert len(loader) == 12 and len(DataLoader(dataset(), 8)) == 13
    assert len(DataLoader(dataset(), COUNT)) == len(DataLoader(dataset(), COUNT, drop_last=True)) == 1


@prefetching
def test_an_epoch_taken_up_in_the_middle_gives_the_same_bits(prefetch):
    """Another loader, another way of preparing, no memory of the batches before: all that counts is (seed, epoch, batch)."""
    whole = arrays(DataLoader(dataset(), 8, shuffle=True, seed=5, transform=noisy).epoch(3))
    for start in (0, 1, 6, 12):
        rest = DataLoader(dataset(), 8, shuffle=True, seed=5, transform=noisy, prefetch=prefetch).epoch(3, start)
        assert_same(arrays(rest), whole[start:])
    assert arrays(DataLoader(dataset(), 8, prefetch=prefetch).epoch(3, 13)) == []


@pytest.mark.parametrize("other", [{"seed": 6}, {"epoch": 4}])
def test_seed_and_epoch_change_order_and_noise(other):
    def epoch(shuffle, seed=5, epoch=3):
        return arrays(DataLoader(dataset(), 8, shuffle=shuffle, seed=seed, transform=noisy).epoch(epoch))

    assert [labels.tolist() for _, labels in epoch(True)] != [labels.tolist() for _, labels in epoch(True, **other)]
    for (one, _), (another, _) in zip(epoch(False), epoch(False, **other)):
        assert not np.array_equal(one, another)


def test_batches_of_an_epoch_have_noise_of_their_own():
    drawn = []
    list(DataLoader(dataset(), 8, transform=lambda images, generator: drawn.append(generator.random()) or images))
    assert len(set(drawn)) == 13


def test_the_order_and_the_first_batch_draw_from_different_numbers():
    drawn = []
    loader = DataLoader(dataset(), COUNT, shuffle=True, transform=lambda images, generator: drawn.append(generator) or images)
    (_, labels), = loader
    assert drawn[0].permutation(COUNT).tolist() != labels.array.tolist()


def test_iterating_goes_from_epoch_to_epoch():
    loader = DataLoader(dataset(), 8, shuffle=True)
    assert_same(arrays(loader), arrays(loader.epoch(0)))
    assert_same(arrays(loader), arrays(loader.epoch(1)))


def test_batches_are_the_callers_own():
    """What a consumer writes into a batch changes neither the data nor other batches."""
    numbers = dataset()
    for images, _ in DataLoader(numbers, 8, prefetch=2):
        images.array[:] = -1
    assert (numbers.images[:, 0, 0, 0] == np.arange(COUNT)).all()
    kept = arrays(DataLoader(numbers, 8))
    assert not any(np.shares_memory(one[0], other[0]) for one, other in itertools.combinations(kept, 2))


@pytest.mark.parametrize("size", [0, -1, COUNT + 1])
def test_batch_larger_than_the_data(size):
    with pytest.raises(InputError, match=f"a batch of {size} images cannot be had from 103: choose a batch size from 1 to 103"):
        DataLoader(dataset(), size)


def test_the_thread_works_ahead_and_no_further_than_told():
    prepared = []
    batches = DataLoader(dataset(), 8, prefetch=3, transform=lambda images, _: prepared.append(1) or images).epoch(0)
    next(batches)   # hands over the first 3, while the next 3 are prepared
    deadline = time.monotonic() + 10
    while len(prepared) < 6 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert len(prepared) == 6
    batches.close()


@pytest.mark.parametrize("used", [0, 1, 5])
def test_a_consumer_may_stop_early(used):
    """The fixture sees to it that no thread is left; a thread that waited forever would hang the test."""
    batches = DataLoader(dataset(), 8, prefetch=2, transform=noisy).epoch(0)
    for _ in range(used):
        next(batches)
    batches.close()


def test_leaving_the_loop_ends_the_thread():
    for _ in DataLoader(dataset(), 8, prefetch=2):
        break


@pytest.mark.parametrize("threads", [{"prefetch": 2}, {"workers": 3}], ids=str)
def test_an_error_while_preparing_comes_when_its_batch_is_due_and_ends_the_threads(threads):
    def faulty(images, generator):
        if images[0, 0, 0, 0] == np.float32(48) / 255:   # batch 6
            raise ZeroDivisionError("in the transform")
        return images

    seen = 0
    with pytest.raises(ZeroDivisionError, match="in the transform"):
        for _ in DataLoader(dataset(), 8, transform=faulty, **threads):
            seen += 1
    assert seen == 6


def test_two_loaders_side_by_side():
    settings = {"shuffle": True, "transform": noisy}
    pairs = list(zip(DataLoader(dataset(), 8, prefetch=2, **settings).epoch(0), DataLoader(dataset(), 8, **settings).epoch(0)))
    assert_same(arrays(one for one, _ in pairs), arrays(other for _, other in pairs))


def test_transform_may_change_the_size():
    images, _ = next(iter(DataLoader(dataset(), 8, transform=transforms.Pad(1))))
    assert images.array.shape == (8, 1, 4, 5)


def shifted(photo, generator):
    """A crop that uses the time of its thread, and random numbers."""
    time.sleep(0.001 * generator.random())
    return photo.point(lambda value: int(generator.integers(256)))


@working
def test_batches_do_not_depend_on_the_threads_that_prepare_them(threads):
    settings = {"shuffle": True, "seed": 5, "crop": shifted, "transform": noisy}
    one, other = (arrays(DataLoader(dataset(), 8, **settings, **some).epoch(3, 4)) for some in (threads, {}))
    assert_same(one, other)


def test_crop_and_transform_draw_from_one_stretch_of_numbers():
    drawn = []
    loader = DataLoader(dataset(), COUNT, crop=lambda photo, generator: drawn.append(generator.random()) or photo,
                        transform=lambda images, generator: drawn.append(generator.random()) or images)
    list(loader)
    assert len(set(drawn)) == COUNT + 1


def test_workers_work_at_once():
    """Each waits for the others: with fewer threads this would end in an error."""
    meeting = threading.Barrier(3, timeout=20)

    def meet(images, generator):
        meeting.wait()
        return images

    assert len(list(DataLoader(dataset(), 8, drop_last=True, workers=3, transform=meet))) == 12


def test_workers_go_no_further_than_told():
    prepared = []
    batches = DataLoader(dataset(), 8, workers=3, transform=lambda images, _: prepared.append(1) or images).epoch(0)
    next(batches)
    deadline = time.monotonic() + 10
    while len(prepared) < 4 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert len(prepared) == 4   # the one that is used, and one for each thread
    batches.close()


def test_who_stops_early_does_not_wait_for_all_that_was_to_come():
    prepared = []
    batches = DataLoader(dataset(), 1, prefetch=50, transform=lambda images, _: time.sleep(0.01) or prepared.append(1) or images).epoch(0)
    next(batches)   # the first 50; the thread is about to prepare the next ones
    batches.close()
    assert len(prepared) < 100
