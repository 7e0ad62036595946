"""What a network that classifies images says of itself, so that training and prediction need no other setting."""
from typing import NamedTuple

from minicnn import functional as F
from minicnn.nn import Module


class Recipe(NamedTuple):
    """How a network is trained unless a person says otherwise."""

    epochs: int
    batch_size: int
    optimizer: str            # "sgd" or "adam"
    lr: float                 # at its highest; it rises evenly over warmup_epochs, then falls along half a cosine
    warmup_epochs: float = 0
    momentum: float = 0.9     # of sgd
    weight_decay: float = 0.0
    shift: int = 0            # training images are moved at random by up to so many pixels


class Preprocessing(NamedTuple):
    """What happens to an image, pixels from 0 to 1, before the network sees it."""

    size: tuple   # (H, W); a data set's smaller images are bordered with black
    mean: tuple   # subtracted, one number per channel
    std: tuple    # then divided by


class Classifier(Module):
    """A network (N, C, H, W) -> (N, classes), scores of which the highest wins.

    input_shape    (C, H, W)
    recipe         a Recipe
    """

    def loss(self, scores, labels):
        """Scores (N, classes) and labels (N,) -> the loss, one number."""
        return F.cross_entropy(scores, labels)

    def preprocessing(self, mean, std):
        """For a data set whose pixels have this mean and standard deviation, one number per channel."""
        return Preprocessing(self.input_shape[1:], tuple(mean), tuple(std))
