"""The layers of a network, as an image passes them: seen at the functions, so it does not matter whether a network calls them by way
of modules.

A layer begins where weights are multiplied in, where the shape changes or pixels see their neighbours, and where branches meet; what
follows in the same shape, an activation say, belongs to it. What is only on the way to an image or a row of numbers, three axes or
five, belongs to the layer that it leads to. Reshaping is no layer, and neither is what is computed from weights alone.
"""
import weakref
from typing import Callable, NamedTuple

from kernels.geometry import PIXEL, union
from minicnn import fusion
from minicnn.autograd import Function, listen, no_grad, watch
from minicnn.nn import evaluating
from minicnn.tensor import Tensor


class Step(NamedTuple):
    """One function that the image passes."""

    function: Function
    inputs: tuple        # Tensors
    output: Tensor
    layer: int | None    # to which it belongs, counted from 0; None if it only reshapes
    weights: tuple       # the names of parameters and buffers that it uses, or from which something it uses was computed
    running: tuple       # the paths of the modules that call it, the outermost first, without the network itself

    @property
    def module(self):
        """The path of the module whose weights it uses ("layer1.0.conv1"); None if it uses none."""
        return self.weights[0].rpartition(".")[0] if self.weights else None


class Notes:
    """Something noted down for tensors, as long as they live: they are known by their ids, which others may get afterwards."""

    def __init__(self):
        self._notes = {}

    def __setitem__(self, tensor, note):
        self._notes[id(tensor)] = weakref.ref(tensor), note

    def get(self, tensor, default=None):
        reference, note = self._notes.get(id(tensor), (None, None))
        return note if reference is not None and reference() is tensor else default


def follow(model, x, see: Callable[[Step], None]):
    """Let x, a Tensor (1, C, H, W), pass the network in evaluation mode, and call see(step) after each function that it meets.

    The modules are left in the modes that they are in.
    """
    with no_grad(), evaluating(model), watch(_Follower(model, x, see).see):
        model(x)


def overhear(model, x, see: Callable[[int, Tensor], None]):
    """As `follow`, for any number of images and with the graph that backward needs, but quickly: of each step there is only its number,
    counted from 0, and its output, whose array may not be computed yet."""
    with evaluating(model), listen(_Counter(x, see).hear):
        model(x)


class ReceptiveFields:
    """Which pixels of the image each tensor's units depend on, worked out along the way of the image."""

    def __init__(self, x):
        self._fields = Notes()
        self._fields[x] = PIXEL, PIXEL

    def of(self, step):
        """Those of a step's output, for rows and columns: kernels.geometry.ReceptiveField. To be called for every step."""
        shape, windows = step.output.shape, step.function.windows
        planes = shape[2:] if len(shape) == 4 else (1, 1)
        seen = []   # of each input, the fields of rows and columns
        for place, tensor in enumerate(step.inputs):
            fields = self._fields.get(tensor)
            if fields is None:
                continue
            units = tensor.shape[2:] if tensor.ndim == 4 else (1, 1)
            if windows and place == 0:
                fields = [field.through(window) for field, window in zip(fields, windows)]
            elif units != planes or tensor.ndim != len(shape):   # pixels come together in another way: each sees all
                fields = [field.of_all(count) for field, count in zip(fields, units)]
            seen.append(fields)
        self._fields[step.output] = found = tuple(union(along, units) for along, units in zip(zip(*seen), planes))
        return found


class _Counter:
    def __init__(self, x, see):
        self.see, self.number = see, 0
        self.of_image = Notes()   # of tensors: were they computed from the image?
        self.of_image[x] = True

    def hear(self, inputs, output):
        if any(map(self.of_image.get, inputs)):
            self.of_image[output] = True
            self.see(self.number, output)
            self.number += 1


class _Follower:
    """Follows the image from function to function, and the weights as well, because some are computed from others."""

    def __init__(self, model, x, see):
        self.tell = see
        self.paths = {id(module): path for path, module in model.named_modules() if path}
        self.names = {id(tensor.memory): (name,) for name, tensor in [*model.named_buffers(), *model.named_parameters()]}
        self.made_of = Notes()   # of tensors that were computed from weights: the names of these
        self.layer_of = Notes()  # of tensors that were computed from the image: the number of the layer
        self.layer_of[x] = self.layer = -1
        self.shape = None        # that the layer has given last
        self.under_way = False   # is what it has given no image and no row of numbers, but on the way to one?

    def see(self, function, inputs, output):
        used = [self.made_of.get(tensor) or self.names.get(id(tensor.memory), ()) for tensor in (*inputs, *function.state)]
        weights = tuple(dict.fromkeys(name for names in used for name in names))
        running = tuple(self.paths[id(module)] for module in fusion.running() if id(module) in self.paths)
        before = {self.layer_of.get(tensor) for tensor in inputs} - {None}
        if not before:
            self.made_of[output] = weights
            return
        if not function.floating and output.numel() == inputs[0].numel():
            self.layer_of[output] = max(before)
            self.tell(Step(function, inputs, output, None, weights, running))
            return
        follows = output.shape == self.shape and before == {self.layer} and not function.multiply_adds and not function.windows
        if not follows and not self.under_way:
            self.layer += 1
        self.layer_of[output], self.shape, self.under_way = self.layer, output.shape, output.ndim not in (2, 4)
        self.tell(Step(function, inputs, output, self.layer, weights, running))
