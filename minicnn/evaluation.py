"""How a network is tested on photographs, as the papers report it: with one crop of each, with ten, or densely on the whole of it.

    1      the middle
    10     the corners, the middle, and the mirror images of these five: Krizhevsky, Sutskever & Hinton, "ImageNet classification with
           deep convolutional neural networks" (NIPS 2012), section 4.1. They are cut from the photo's central square
    dense  the network at every place of the whole photo and of its mirror image: Simonyan & Zisserman, "Very deep convolutional
           networks for large-scale image recognition" (ICLR 2015), section 3.2

Each photograph's shorter side is first brought to the length that the network's preprocessing says (`resize`). The probabilities of the
crops, or of photo and mirror image, are averaged.
"""
import numpy as np

from minicnn import no_grad
from minicnn import functional as F
from minicnn.data import photographs
from minicnn.errors import InputError
from minicnn.training import preparation
from minicnn.training.metrics import Evaluation

CROPS = ("1", "10", "dense")
_TOGETHER = 20   # crops in one batch


def evaluate(model, dataset, crops="1", watch=iter):
    """An Evaluation of a trained network, one that has its `preprocessing`, on a data set. Its scores are probabilities.

    crops  one of CROPS
    watch  called with the loader; gives its batches. A progress bar, say
    """
    loader, classify = _PROTOCOLS[crops](dataset, model.preprocessing)
    model.eval()
    where = model.parameters()[0].device
    with no_grad():
        probabilities = np.concatenate([classify(model, images.to(where)).cpu().array for images, _ in watch(loader)])
    true = np.take_along_axis(probabilities, dataset.labels[:, None], 1)
    return Evaluation(probabilities, dataset.labels, float(-np.log(np.maximum(true, np.finfo(np.float32).tiny)).mean()))


def _one(dataset, preprocessing):
    crop, transform = preparation.for_tests(preprocessing, dataset.image_shape)
    return preparation.load(dataset, min(_TOGETHER, len(dataset)), crop, transform), lambda model, images: F.softmax(model(images), 1)


def _ten(dataset, preprocessing):
    if preprocessing.resize is None or preprocessing.resize < max(preprocessing.size):
        raise InputError("this network sees photographs whole, so there are no ten crops of them: choose --crops 1 or dense")
    square = photographs.Compose((photographs.ScaleShorterSide(preprocessing.resize), photographs.CenterCrop(preprocessing.resize)))
    _, transform = preparation.for_tests(preprocessing, None)
    loader = preparation.load(_TenCrops(dataset, preprocessing.size), min(_TOGETHER // 10, len(dataset)), square, transform)
    return loader, lambda model, images: F.softmax(model(images), 1).reshape(len(images) // 10, 10, -1).mean(1)


def _dense(dataset, preprocessing):
    _, transform = preparation.for_tests(preprocessing, None)
    whole = photographs.Compose((photographs.ScaleShorterSide(preprocessing.resize or min(preprocessing.size)),))
    return preparation.load(dataset, 1, whole, transform), _dense_probabilities   # one by one, as photographs differ in size


def _dense_probabilities(model, images):
    return sum(F.softmax(model.dense(each), 1) for each in (images, images[..., ::-1])) / 2


_PROTOCOLS = dict(zip(CROPS, (_one, _ten, _dense)))


class _TenCrops:
    """A data set whose batches have ten images, one after the other, in place of each."""

    def __init__(self, dataset, size):
        self.dataset, self.size, self.labels = dataset, size, dataset.labels

    def __len__(self):
        return len(self.dataset)

    def batch(self, indices, crop, generator):
        photos = (crop(self.dataset.photo(index, crop.least), generator) for index in indices)
        crops = [photographs.pixels(each) for photo in photos for each in photographs.ten_crops(photo, self.size)]
        return np.stack(crops).astype(np.float32) / 255
