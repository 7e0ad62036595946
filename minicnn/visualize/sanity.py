"""Does a map depend on what the network has learned? Its weights are made random, and the map is compared with what it was.

J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt, B. Kim, "Sanity checks for saliency maps", NeurIPS 2018, section 3: the model
parameter randomisation test. Cascading, the layers become random one after the other, from the scores down, and stay so; or else each by
itself, while the others are as they were. A map that explains the network must change. How alike two maps are is Spearman's rank
correlation, of the values and of the absolute values, as in their Figure 4.

They draw new weights as for a training. Here the numbers of each parameter are shuffled: as large as what was learned, they neither let
signals die out on their way nor grow beyond bounds, whatever the network, and all that it knew is gone.

Guided backpropagation and DeconvNet fail it. W. Nie, Y. Zhang, A. Patel, "A theoretical explanation for perplexing behaviors of
backpropagation-based visualizations", ICML 2018, say why: cutting off negative signals on the way back, together with the small
neighbourhoods of convolutions, amounts to recovering parts of the image, whatever the network has learned.
"""
import contextlib
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from minicnn.device import to_host
from minicnn.errors import InputError
from minicnn.models.layers import follow
from minicnn.visualize import layers


class Stage(NamedTuple):
    """Weights that become random together."""

    name: str        # of the layer, or of what the paper calls so
    weights: tuple   # names of parameters and buffers


class Randomised(NamedTuple):
    """A map of an image, and what becomes of it when weights are random."""

    original: np.ndarray   # (H, W) or (C, H, W)
    stages: tuple          # of Stages
    maps: np.ndarray       # (stages, H, W) or (stages, C, H, W)

    @property
    def absolute(self):
        """The rank_correlation of each map's absolute values with those of the original (stages,)."""
        return np.array([rank_correlation(abs(self.original), abs(found)) for found in self.maps])

    @property
    def signed(self):
        """The rank_correlation of each map with the original (stages,). The same, if no value is negative."""
        return np.array([rank_correlation(self.original, found) for found in self.maps])


def stages(model, x):
    """The Stages of a network, from the scores down: each layer that has weights. Layers inside what a paper gives one name, such as
    "fire9", are together.

    x  Tensor (1, C, H, W), an image
    """
    names, weights = [layer.name for layer in layers.every(model, x.shape[1:])], {}

    def see(step):
        if step.layer is not None and step.weights:
            name = names[step.layer]
            whole = name.split(".")[0]
            weights.setdefault(whole if whole in model_names else name, {}).update(dict.fromkeys(step.weights))

    model_names = getattr(model, "layer_names", {})
    follow(model, x, see)
    return [Stage(name, tuple(found)) for name, found in reversed(weights.items())]


def randomise_weights(method, objective, x, cascade=True, some=None, seed=0):
    """The map of an image by a method, and the maps when the network's weights are random, stage by stage. Randomised. Afterwards the
    weights are what they were, to the bit.

    method     called with an objective and x, gives a Tensor (1, H, W) or (1, C, H, W): any of attribution.METHODS, or your own
    objective  an objectives.OfModel: logit("banana").of(model)
    x          Tensor (1, C, H, W), as the network takes it
    cascade    do weights stay random when it is the next stage's turn? Else each stage is random by itself
    some       names of Stages, if not all become random, in this order
    seed       of the random weights: with the same seed they are the same for all methods
    """
    if x.ndim != 4 or x.shape[0] != 1:
        raise InputError(f"the test is of one image, a tensor (1, C, H, W), and not of one of shape {x.shape}")
    chosen, generator = _chosen(stages(objective.model, x), some), np.random.default_rng(seed)
    original, maps = _map(method, objective, x), []
    with restored(objective.model):
        for stage in tqdm(chosen, desc="random weights", unit="stage", leave=False, disable=None):
            if cascade:
                randomise(objective.model, stage.weights, generator)
                maps.append(_map(method, objective, x))
                continue
            with restored(objective.model):
                randomise(objective.model, stage.weights, generator)
                maps.append(_map(method, objective, x))
    return Randomised(original, tuple(chosen), np.array(maps))


def _chosen(known, some):
    if some is None:
        return known
    by_name = {stage.name: stage for stage in known}
    for name in some:
        if name not in by_name:
            raise InputError(f"there is no stage {name!r} that could become random: choose from {', '.join(by_name)}")
    return [by_name[name] for name in some]


def _map(method, objective, x):
    found = method(objective, x).cpu().array
    if found.shape not in ((1, *x.shape[2:]), x.shape):
        raise InputError(f"a method must give a tensor {(1, *x.shape[2:])} or {x.shape} for an image {x.shape}, not {found.shape}")
    return found[0]


@contextlib.contextmanager
def restored(model):
    """After the `with`, the parameters and buffers of a network have the values again that they had before."""
    before = {name: to_host(tensor.settle()).copy() for name, tensor in model.state_dict().items()}
    try:
        yield model
    finally:
        model.load_state_dict(before)


def randomise(model, names, generator):
    """Shuffle the numbers in each of these parameters; a normalisation's running mean becomes 0, its running variance 1.

    names      "conv1.weight", ...
    generator  numpy.random.Generator
    """
    learned, state = dict(model.named_parameters()), model.state_dict()
    for name in names:
        tensor = learned.get(name, state[name])
        if name in learned:
            tensor.copy_(generator.permutation(to_host(tensor.settle()).ravel()).reshape(tensor.shape))
        elif name.endswith(("running_mean", "running_var")):
            tensor.copy_(np.full(tensor.shape, name.endswith("running_var"), tensor.dtype))


def rank_correlation(a, b):
    """Spearman's rank correlation of two arrays of one shape, -1 to 1; equal values share the mean of their ranks. 0 if one of the arrays
    has the same value everywhere: it agrees with nothing."""
    first, second = (ranks - ranks.mean() for ranks in (_ranks(a), _ranks(b)))
    lengths = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / lengths) if lengths else 0.0


def _ranks(values):
    """From 0 on; of equal values the mean."""
    _, kind, count = np.unique(np.ravel(values), return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count + 1) / 2)[kind]
