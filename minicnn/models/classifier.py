"""What a network that classifies images says of itself, so that training and prediction need no other setting."""
from typing import Callable, NamedTuple

from minicnn import functional as F
from minicnn.nn import Module


class Recipe(NamedTuple):
    """How a network is trained unless a person says otherwise."""

    epochs: int
    batch_size: int
    optimizer: str            # "sgd" or "adam"
    lr: float                 # at its highest; it rises evenly over warmup_epochs, then falls as `schedule` says
    warmup_epochs: float = 0
    momentum: float = 0.9     # of sgd
    weight_decay: float = 0.0
    schedule: str = "cosine"  # along half a "cosine" to 0; evenly to 0, "linear"; to a tenth at each milestone, "steps"; to a tenth
                              # whenever the error stops falling, "plateau"; by 4 % every eighth epoch, "exponential"
    milestones: tuple = (0.5, 0.75)   # of "steps": shares of the run
    crop: tuple = ()          # what brings a photograph to the network's size: transforms of minicnn.data.photographs
    augmentation: tuple = ()  # what then happens to batches, pixels from 0 to 1: transforms of minicnn.data.transforms


class Preprocessing(NamedTuple):
    """What happens to an image, pixels from 0 to 1, before the network sees it."""

    size: tuple          # (H, W); a data set's slightly smaller images are bordered with black
    mean: tuple          # subtracted, one number per channel
    std: tuple           # then divided by
    resize: int = None   # of photographs, the shorter side is brought to so many pixels, and the centre is cut out; None: to `size`

    @classmethod
    def of(cls, described):
        """From `_asdict()` after JSON, which turns tuples into lists."""
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in described.items()})


class Network(NamedTuple):
    """How models.get makes a network."""

    build: Callable            # build(variant, num_classes) -> Classifier
    variants: tuple            # their names, the default first
    num_classes: int = 1000    # unless a person says otherwise


class Classifier(Module):
    """A network (N, C, H, W) -> (N, classes), scores of which the highest wins.

    input_shape    (C, H, W)
    recipe         a Recipe
    name, variant, num_classes   what models.get was asked for
    layer_names    the layers that the paper names, and the modules that they are here: {"conv1": "features.0"}

    What it has learned from, None until it has:

    classes        the names of the classes
    preprocessing  a Preprocessing
    learned_from   the data, as data.get takes them, or "imagenet"
    """

    layer_names = {}
    name = variant = num_classes = classes = preprocessing = learned_from = None
    resize = None   # of its Preprocessing

    def loss(self, scores, labels):
        """What forward gave in training, scores (N, classes), and labels (N,) -> the loss, one number."""
        return F.cross_entropy(scores, labels)

    def main_scores(self, scores):
        """Of what forward gave in training, the scores (N, classes) that count."""
        return scores

    def dense(self, x):
        """Scores (N, classes) for images larger than input_shape, averaged over all places where the network could look.

        A network that ends with a mean over positions does so by itself; one with fully connected layers applies these everywhere
        (fully_convolutional.py). Sermanet et al., "OverFeat" (ICLR 2014); Simonyan & Zisserman (ICLR 2015), section 3.2.
        """
        return self(x)

    def after_step(self):
        """Called after each step of the optimiser, for what a paper does to the weights then."""

    def remember(self, learned_from, classes, preprocessing):
        """Note down what its weights have come from. Returns the network."""
        self.learned_from, self.classes, self.preprocessing = learned_from, tuple(classes), preprocessing
        return self

    def preprocessing_for(self, mean, std):
        """The Preprocessing for a data set whose pixels have this mean and standard deviation, one number per channel."""
        return Preprocessing(self.input_shape[1:], tuple(mean), tuple(std), self.resize)
