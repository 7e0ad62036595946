"""CIFAR-10 and CIFAR-100: A. Krizhevsky, "Learning multiple layers of features from tiny images" (2009). Downloaded on request."""
import pathlib
import shutil

import numpy as np

from minicnn.data.dataset import Dataset
from minicnn.errors import InputError, RunError
from minicnn.files import replacing

_BYTES = 3 * 32 * 32   # of an image: red, green, blue, each row by row


class _Batches(Dataset):
    """50,000 training and 10,000 test images in colour, 32x32 pixels, in the binary form of their author.

    A file is a row of records: the bytes of the labels, of which the last counts, then the image's 3,072 bytes. The files lie below
    the data set's folder (see minicnn.data.download) as they were unpacked, or directly in it; if they do not, the archive is
    fetched there. Copies that were compressed anew are taken as they are, so contents have no checksum, only the archive has.
    """

    mean, std = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)

    def __init__(self, train=True):
        records = [self._read(self._path(file)) for file in (self._train_files if train else self._test_files)]
        images = np.empty((sum(map(len, records)), 3, 32, 32), np.uint8)
        np.concatenate([some[:, -_BYTES:] for some in records], out=images.reshape(-1, _BYTES))
        labels = np.concatenate([some[:, self._label_bytes - 1] for some in records])
        super().__init__(images, labels.astype(np.int64), self.classes, self.mean, self.std, self.name)

    def _read(self, path):
        """The records of a file, uint8 (N, label bytes + 3,072)."""
        size = self._label_bytes + _BYTES
        try:
            contents = np.fromfile(path, np.uint8)
        except OSError as problem:
            raise InputError(f"{path} cannot be read: {problem.strerror}") from None
        records = contents[:len(contents) // size * size].reshape(-1, size)
        if len(contents) % size or not len(records):
            raise InputError(f"{path} is truncated, or no file of {self.name}: its {len(contents):,} bytes are no whole "
                             f"number of records of {size:,} bytes; delete it, and the same command unpacks it again")
        largest = records[:, self._label_bytes - 1].max()
        if largest >= len(self.classes):
            raise InputError(f"{path} is no file of {self.name}: it has an image of class {largest}, and classes are 0 to "
                             f"{len(self.classes) - 1}; delete it, and the same command unpacks it again")
        return records

    @classmethod
    def is_here(cls):
        """Are all its files there, so that nothing need be downloaded or unpacked?"""
        return all(cls._found(file) for file in (*cls._train_files, *cls._test_files))

    @classmethod
    def _found(cls, file):
        """The path of a file that is there, or None."""
        from minicnn.data import download

        folder = download.folder(cls.name)
        return next((place / file for place in (folder / cls._unpacked, folder) if (place / file).exists()), None)

    def _path(self, file):
        from minicnn.data import download   # brings urllib and ssl, for which MNIST need not wait

        found = self._found(file)
        if found:
            return found
        folder = download.folder(self.name)
        addresses = [f"{site}/~kriz/{self._archive}" for site in ("https://www.cs.toronto.edu", "http://www.cs.toronto.edu")]
        try:
            archive = download.fetch(addresses, folder / self._archive, self._checksum)
        except RunError as problem:
            raise RunError(f"{problem}; or take --data shapes, which is drawn by the program and needs no network") from None
        self._unpack(archive, folder / self._unpacked)
        return folder / self._unpacked / file

    def _unpack(self, archive, folder):
        """Write the files that count, and nothing else of what the archive may hold, into `folder`."""
        import tarfile   # not at the top: brings its compressions, for which MNIST need not wait
        import zlib

        missing = {*self._train_files, *self._test_files}
        try:
            folder.mkdir(exist_ok=True)
            with tarfile.open(archive) as members:
                for member in members:
                    file = pathlib.PurePosixPath(member.name).name
                    if member.isfile() and file in missing:
                        with replacing(folder / file) as partial, open(partial, "wb") as target:
                            shutil.copyfileobj(members.extractfile(member), target)
                        missing.remove(file)
        except (tarfile.TarError, EOFError, zlib.error) as problem:
            raise InputError(f"{archive} is damaged ({problem}): delete it, and the same command downloads it again") from None
        except OSError as problem:   # gzip's complaints, too, are such
            raise InputError(f"{archive} cannot be unpacked: {problem.strerror or problem}") from None
        if missing:
            raise InputError(f"{archive} lacks {', '.join(sorted(missing))}: delete it, and the same command downloads it again")


class CIFAR10(_Batches):
    """Ten classes, 5,000 + 1,000 images of each."""

    name = "cifar10"
    classes = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

    _train_files = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
    _test_files = ("test_batch.bin",)
    _label_bytes = 1
    _unpacked = "cifar-10-batches-bin"
    _archive = "cifar-10-binary.tar.gz"
    _checksum = "md5:c32a1d4ab5d03f1284b67883e8d87530"


class CIFAR100(_Batches):
    """A hundred classes, 500 + 100 images of each. Their twenty superclasses, the first byte of the labels, are left aside."""

    name = "cifar100"
    classes = tuple("""
        apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle caterpillar
        cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster
        house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree
        orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose
        sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television
        tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm""".split())
    mean, std = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)

    _train_files, _test_files = ("train.bin",), ("test.bin",)
    _label_bytes = 2
    _unpacked = "cifar-100-binary"
    _archive = "cifar-100-binary.tar.gz"
    _checksum = "md5:03b5dce01913d631647c71ecec9e9cb8"
