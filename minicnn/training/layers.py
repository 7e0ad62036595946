"""What every layer of a network makes of an image."""
from typing import NamedTuple

import numpy as np

from minicnn import Tensor
from minicnn.models.layers import follow


class Layer(NamedTuple):
    """One layer's output for one image."""

    name: str            # of the module whose weights it uses ("conv1"); if it has none, of the function ("MaxPool2d")
    output: np.ndarray   # (C, H, W) or (K,)


def outputs(model, image):
    """The Layers, as minicnn.models.layers tells them apart, that an image, an array (C, H, W), passes in a network, in order, in
    evaluation mode."""
    seen = {}   # by the layer's number: (module or None, function, array (1, ...))

    def see(step):
        if step.layer is not None:
            module, function, _ = seen.get(step.layer, (None, type(step.function).__name__, None))
            seen[step.layer] = (module or step.module, function, step.output.array)

    follow(model, Tensor(image[None]), see)
    return [Layer(module or function, array[0]) for module, function, array in seen.values()]
