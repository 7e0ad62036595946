"""Moving data about, made differentiable: shapes, axes, parts, types. Values stay what they are; any type will do."""
import numpy as np

from kernels.geometry import Window
from minicnn import arithmetic, device
from minicnn.autograd import Function
from minicnn.device import empty, full, name_of, on_host
from minicnn.functional import arguments
from minicnn.tensor import FLOATING, Tensor


class Reshape(Function):
    floating = False

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        return x.reshape(self.shape)

    def backward(self, gradient):
        return (gradient.reshape(self.input_shapes[0]),)


class Permute(Function):
    floating = False

    def __init__(self, axes):
        self.axes = axes

    def forward(self, x):
        return x.transpose(self.axes)

    def backward(self, gradient):
        return (gradient.transpose(np.argsort(self.axes).tolist()),)


class Index(Function):
    """The gradient of a part is 0 elsewhere; an element that was picked several times gets the sum."""

    floating = False

    def __init__(self, index):
        self.index = index

    @property
    def windows(self):
        """Where it takes every so manieth row and column of images, in their order."""
        shape = self.input_shapes[0]
        place = next((place for place, part in enumerate(self.index) if part is Ellipsis), len(self.index))
        before, after = self.index[:place], self.index[place + 1:]
        parts = (*before, *[slice(None)] * (4 - len(before) - len(after)), *after)
        if len(shape) != 4 or not all(isinstance(part, slice) and (part.step or 1) > 0 for part in parts):
            return None
        firsts_and_steps = [part.indices(size)[::2] for part, size in zip(parts[2:], shape[2:])]
        return tuple(Window(1, step, -first) for first, step in firsts_and_steps)

    def forward(self, x):
        return x[self.index]

    def backward(self, gradient):
        grad_x = full(gradient, 0, self.input_shapes[0])
        if not on_host(gradient):
            grad_x.add_at(self.index, gradient)
        elif _picks_once(self.index):
            grad_x[self.index] = gradient
        else:
            positions = np.arange(grad_x.size).reshape(grad_x.shape)[self.index]
            positions, sums = _sum_by_position(positions.reshape(-1), gradient.reshape(-1))
            grad_x.reshape(-1)[positions] = sums
        return (grad_x,)


class Clone(Function):
    floating = False

    def forward(self, x):
        y = empty(x)
        y[...] = x
        return y

    def backward(self, gradient):
        return (gradient,)


class Cast(Function):
    floating = False

    def __init__(self, dtype):
        self.dtype = dtype

    def forward(self, x):
        return x.astype(self.dtype)

    def backward(self, gradient):
        return (gradient.astype(self.input_type),)


class ToDevice(Function):
    """A copy on another device; the gradient comes back to where x is."""

    floating = False

    def __init__(self, name):
        self.name = name

    def forward(self, x):
        self.origin = name_of(x)
        return device.to_device(x, self.name)

    def backward(self, gradient):
        return (device.to_device(gradient, self.origin),)


def _picks_once(index):
    """Integers, slices, None, ... and masks pick no element twice; arrays of integers may."""
    return all(isinstance(part, (int, slice, type(None), type(...))) or np.asarray(part).dtype == bool for part in index)


def _sum_by_position(positions, values):
    """Add the values that share a position: pairs of neighbours at a time, so n equal positions take log2(n) rounds."""
    order = np.argsort(positions, kind="stable")
    positions, values = positions[order], values[order]
    while True:
        first = np.r_[True, positions[1:] != positions[:-1]][:len(positions)]
        if first.all():
            return positions, values
        # A value's place among those of its position: even ones stay, and odd ones are added to the one before.
        counter = np.arange(len(positions))
        odd = (counter - np.maximum.accumulate(np.where(first, counter, 0))) % 2 == 1
        paired = np.flatnonzero(odd)
        values[paired - 1] = arithmetic.add(values[paired - 1], values[paired])
        positions, values = positions[~odd], values[~odd]


def reshape(x, *shape):
    """The same elements, row by row, in another shape; one size may be -1. As torch.reshape."""
    return Reshape(arguments.sizes("reshape", shape, x.numel()))(x)


def flatten(x, start_dim=0, end_dim=-1):
    """Axes start_dim ... end_dim as one. As torch.flatten."""
    if not x.ndim:
        return reshape(x, 1)
    start, end = arguments.axis("flatten", start_dim, x.ndim), arguments.axis("flatten", end_dim, x.ndim)
    if start > end:
        raise ValueError(f"flatten: start_dim {start_dim} lies behind end_dim {end_dim}")
    return reshape(x, *x.shape[:start], int(np.prod(x.shape[start:end + 1])), *x.shape[end + 1:])


def permute(x, *dims):
    """Axis i of the result is axis dims[i] of x. As torch.permute."""
    dims = dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    axes = [arguments.axis("permute", dim, x.ndim) for dim in dims]
    if sorted(axes) != list(range(x.ndim)):
        raise ValueError(f"permute: dims {tuple(dims)} must name each of the {x.ndim} axes of x {x.shape} once")
    return Permute(axes)(x)


def transpose(x, dim0, dim1):
    """Two axes change places. As torch.transpose."""
    axes = list(range(x.ndim))
    dim0, dim1 = arguments.axis("transpose", dim0, x.ndim), arguments.axis("transpose", dim1, x.ndim)
    axes[dim0], axes[dim1] = dim1, dim0
    return Permute(axes)(x)


def squeeze(x, dim=None):
    """Without its axes of size 1, or without axis `dim` if that has size 1. As torch.squeeze."""
    axes = arguments.axes("squeeze", dim, x.ndim)
    return reshape(x, [size for axis, size in enumerate(x.shape) if size != 1 or axis not in axes])


def unsqueeze(x, dim):
    """With a new axis of size 1 at `dim`. As torch.unsqueeze."""
    dim = arguments.axis("unsqueeze", dim, x.ndim + 1)
    return reshape(x, *x.shape[:dim], 1, *x.shape[dim:])


def index(x, index):
    """x[index], with integers, slices, None, ... and tensors of integers or booleans."""
    parts = index if isinstance(index, tuple) else (index,)
    return Index(tuple(part.settle() if isinstance(part, Tensor) else part for part in parts))(x)


def cast(x, dtype):
    """The values as another type; gradients come back as the type of x. What is no floating-point type ends the graph."""
    if x.dtype == dtype:
        return x
    if dtype not in FLOATING or x.dtype not in FLOATING:
        return Tensor(x.settle().astype(dtype))
    return Cast(dtype)(x)


def to_device(x, name):
    """The same values on the device of that name: "cpu", "cuda" or "cuda-simulator"."""
    return x if x.device == name else ToDevice(name)(x)


def clone(x):
    """A copy that shares no memory with x."""
    return Clone()(x)
