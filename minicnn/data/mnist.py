"""MNIST, which ships with the package, and Fashion-MNIST, which has its form and is downloaded when it is first asked for."""
import pathlib

from minicnn.data import idx
from minicnn.data.dataset import Dataset
from minicnn.errors import InputError


class _FourFiles(Dataset):
    """60,000 training and 10,000 test images, 28x28 pixels, in four IDX files.

    A subclass says where a file lies (`_path`), the SHA-256 of each one's unpacked contents, and what mends a damaged file.
    """

    def __init__(self, train=True):
        part = "train" if train else "t10k"
        images = self._read(f"{part}-images-idx3-ubyte.gz")
        labels = self._read(f"{part}-labels-idx1-ubyte.gz")
        super().__init__(images[:, None], labels.astype("int64"), self.classes, self.mean, self.std, self.name)

    def _read(self, file):
        try:
            return idx.read(self._path(file), self._sha256[file])
        except InputError as problem:
            raise InputError(f"{problem}; {self._remedy}") from None


class MNIST(_FourFiles):
    """Handwritten digits: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition" (1998)."""

    name = "mnist"
    classes = tuple("0123456789")
    mean, std = (0.1307,), (0.3081,)

    _sha256 = {
        "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
    _folder = pathlib.Path(__file__).parent / "embedded" / "mnist"
    _remedy = "it is a part of minicnn: install minicnn again (in a checkout, `git restore` the file)"

    def _path(self, file):
        return self._folder / file


class FashionMNIST(_FourFiles):
    """Articles of clothing: Xiao, Rasul, Vollgraf, "Fashion-MNIST: a novel image dataset ..." (2017), MIT licence."""

    name = "fashion-mnist"
    classes = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
    mean, std = (0.2860,), (0.3530,)

    _mirrors = (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    )
    _md5 = {   # of the .gz files, as their publishers give it; a file compressed anew has another, with the same contents
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    }
    _sha256 = {
        "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    }
    _remedy = "delete it, and the same command downloads it again"

    def _path(self, file):
        from minicnn.data import download   # brings urllib and ssl, for which MNIST need not wait
        return download.fetch([mirror + file for mirror in self._mirrors], download.folder(self.name) / file,
                              f"md5:{self._md5[file]}")
