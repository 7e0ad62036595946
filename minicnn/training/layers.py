"""What every layer of a network makes of an image."""
from typing import NamedTuple

import numpy as np

from minicnn import Tensor, no_grad, watch


class Layer(NamedTuple):
    """One layer's output for one image."""

    name: str            # of the module whose weights it uses ("conv1"); if it has none, of the function ("MaxPool2d")
    output: np.ndarray   # (C, H, W) or (K,)


def outputs(model, image):
    """The Layers that an image, an array (C, H, W), passes in a network, in order; the network is put into evaluation mode.

    Seen at the functions, so it does not matter whether a network calls them by way of modules. A layer begins where weights are
    multiplied in or the shape changes; what follows in the same shape, an activation say, belongs to it. Reshaping is no layer.
    """
    x = Tensor(image[None])
    watcher = _Watcher(model, x)
    with no_grad(), watch(watcher.see):
        model.eval()(x)
    return [Layer(module or function, array[0]) for module, function, array in watcher.layers]


class _Watcher:
    """Follows the image from function to function, and the weights as well, because some are computed from others."""

    def __init__(self, model, x):
        self.layers = []       # (module or None, function, array (1, ...))
        weights = [*model.named_parameters(), *model.named_buffers()]
        self.module_of = {id(tensor): name.rpartition(".")[0] for name, tensor in weights}
        self.from_image = {id(x)}
        self.alive = [x]       # tensors are known by their ids, which nobody else gets while they live
        self.waiting = None    # the module of something that is no image and no row of numbers, but on the way to one

    def see(self, function, inputs, output):
        self.alive.append(output)
        module = next((self.module_of[id(tensor)] for tensor in inputs if id(tensor) in self.module_of), None)
        if self.from_image.isdisjoint(map(id, inputs)):
            if module:
                self.module_of[id(output)] = module
            return
        self.from_image.add(id(output))
        if not function.floating and output.numel() == inputs[0].numel():
            return
        module, self.waiting = module or self.waiting, None
        if output.ndim not in (2, 4):
            self.waiting = module
        elif self.layers and output.shape == self.layers[-1][2].shape and not function.multiply_adds:
            first_module, first_function, _ = self.layers[-1]
            self.layers[-1] = (first_module or module, first_function, output.array)
        else:
            self.layers.append((module, type(function).__name__, output.array))
