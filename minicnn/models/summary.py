"""What a network costs, layer by layer, and how much of the image its units see: models.summary(model)."""
import dataclasses

import numpy as np

from minicnn.errors import InputError
from minicnn.models import table
from minicnn.models.layers import ReceptiveFields, follow
from minicnn.tensor import FLOATING, Tensor


@dataclasses.dataclass
class Row:
    """One layer, for one image. (minicnn/models/layers.py says what makes a layer: a convolution with the normalisation and the
    activation that follow it is one.)

    parameters       how many it learns; those that it shares with a layer above are counted there
    multiply_adds    products that are added up, in convolutions and matrix products, as papers and torchvision count; what is done
                     element by element counts as 0
    activations      bytes of the outputs of all its functions; a training step keeps about as many until backward has passed
    receptive_field  a kernels.geometry.ReceptiveField for rows, one for columns
    """

    name: str             # of the module whose weights it uses ("layer1.0.conv1"); if it has none, of the function ("MaxPool2d")
    kind: str             # its functions: "Conv2d 3x3/2, BatchNorm, ReLU"
    output_shape: tuple   # (C, H, W) or (K,)
    parameters: int
    multiply_adds: int
    activations: int
    receptive_field: tuple


@dataclasses.dataclass
class Summary:
    """print() shows it as a table.

    parameters counts each once, however often it is used, and also what evaluation does not use; `unused` tells the module and number
    of these. trainable are those of them that are not frozen. buffers belong to the state but are not learned (running statistics).
    """

    title: str
    input_shape: tuple    # (C, H, W)
    rows: list            # of Row
    parameters: int
    trainable: int
    buffers: int
    weight_bytes: int     # of parameters and buffers
    unused: dict          # {"aux1": 3188968}

    @property
    def multiply_adds(self):
        return sum(row.multiply_adds for row in self.rows)

    @property
    def activations(self):
        return sum(row.activations for row in self.rows)

    def __str__(self):
        return table.draw(self)


def summary(model, input_shape=None):
    """The Summary of a network for images (C, H, W), those that it is made for unless another shape is given.

    One black image passes it in evaluation mode, and everything is counted at the functions. The network stays as it is. InputError if
    such images do not fit.
    """
    made_for = getattr(model, "input_shape", None)
    shape = made_for if input_shape is None else tuple(input_shape)
    if shape is None:
        raise InputError(f"{type(model).__name__} does not say what images it takes; give input_shape=(C, H, W)")
    if len(shape) != 3 or min(shape) < 1:
        raise InputError(f"input_shape must be (C, H, W), each at least 1, not {shape}")
    parameters, buffers = model.named_parameters(), model.named_buffers()
    dtype = next((parameter.dtype for _, parameter in parameters if parameter.dtype in FLOATING), np.float32)
    where = parameters[0][1].device if parameters else "cpu"
    title = _title(model)
    size = " x ".join(map(str, shape))
    try:
        x = Tensor(np.zeros((1, *shape), dtype)).to(where)
        counting = _Counting(x, parameters)
        follow(model, x, counting.see)
    except MemoryError:
        raise InputError(f"{title} needs more memory for images of {size} than there is; try smaller ones") from None
    except ValueError as error:
        usual = f" (it is made for {' x '.join(map(str, made_for))})" if made_for and shape != made_for else ""
        raise InputError(f"{title} cannot take images of {size}{usual}: {error}") from error
    return Summary(title, shape, list(counting.rows.values()),
                   parameters=sum(parameter.numel() for _, parameter in parameters),
                   trainable=sum(parameter.numel() for _, parameter in parameters if parameter.requires_grad),
                   buffers=sum(buffer.numel() for _, buffer in buffers),
                   weight_bytes=sum(tensor.numel() * tensor.dtype.itemsize for _, tensor in parameters + buffers),
                   unused=_by_part(counting.uncounted))


def _title(model):
    name, variant = (getattr(model, what, None) for what in ("name", "variant"))
    return (name or type(model).__name__) + (f" ({variant})" if variant else "")


class _Counting:
    """Makes a Row of the steps of each layer."""

    def __init__(self, x, parameters):
        self.rows = {}       # by the layer's number
        self.named = set()   # the layers whose names are those of modules
        self.uncounted = {name: parameter.numel() for name, parameter in parameters}
        self.fields = ReceptiveFields(x)

    def see(self, step):
        function, output = step.function, step.output
        field = self.fields.of(step)
        if step.layer is None:
            return
        shape = output.shape[1:] if output.shape[0] == 1 else output.shape
        row = self.rows.get(step.layer)
        if row is None:
            row = self.rows[step.layer] = Row(type(function).__name__, _kind(function), shape, 0, 0, 0, field)
        else:
            row.kind += f", {_kind(function)}"
        if step.module and step.layer not in self.named:
            row.name = step.module
            self.named.add(step.layer)
        row.output_shape, row.receptive_field = shape, field
        row.parameters += sum(self.uncounted.pop(name, 0) for name in step.weights)
        row.multiply_adds += function.multiply_adds
        if output.memory is not step.inputs[0].memory:   # a view needs none
            row.activations += output.numel() * output.dtype.itemsize


def _kind(function):
    """The function's name with its window and stride, if it has such that are whole numbers: "Conv2d 3x3/2"."""
    name, windows = type(function).__name__, function.windows
    if not windows or not all(isinstance(window.stride, int) for window in windows):
        return name
    sizes, strides, _, dilations = zip(*windows)
    if not function.multiply_adds and sizes == strides == (1, 1):
        return name
    stride, dilation = _pair(strides), _pair(dilations)
    return f"{name} {sizes[0]}x{sizes[1]}" + f"/{stride}" * (stride != "1") + f" dilation {dilation}" * (dilation != "1")


def _pair(values):
    """Of rows and columns, as one number if they are equal."""
    return str(values[0]) if values[0] == values[1] else f"{values[0]}x{values[1]}"


def _by_part(sizes):
    """Sizes of parameters by name, added up over the network's uppermost parts."""
    parts = {}
    for name, size in sizes.items():
        part = name.partition(".")[0]
        parts[part] = parts.get(part, 0) + size
    return parts
