"""Putting tensors together, made differentiable. Any type will do."""
import itertools

from minicnn.autograd import Function
from minicnn.device import empty, is_contiguous, kernels_for
from minicnn.functional import arguments
from minicnn.functional.shape import unsqueeze


class Concatenate(Function):
    """Keeps nothing. A part's gradient is copied only where it does not lie in one piece anyway, as it does along the first axis."""

    floating = False

    def __init__(self, axis):
        self.axis = axis

    def forward(self, *arrays):
        shape = list(arrays[0].shape)
        shape[self.axis] = sum(array.shape[self.axis] for array in arrays)
        whole = empty(arrays[0], shape)
        kernels_for(*arrays).concatenate(arrays, whole, self.axis)
        return whole

    def backward(self, gradient):
        sizes = [shape[self.axis] for shape in self.input_shapes]
        firsts = [0, *itertools.accumulate(sizes)]
        gradients = [gradient[(slice(None),) * self.axis + (slice(first, first + size),)] if needed else None
                     for first, size, needed in zip(firsts, sizes, self.needs_gradient)]
        scattered = [place for place, part in enumerate(gradients) if part is not None and not is_contiguous(part)]
        for place in scattered:
            gradients[place] = empty(gradient, self.input_shapes[place])
        kernels_for(gradient).split(gradient, [gradients[place] for place in scattered], [firsts[place] for place in scattered], self.axis)
        return tuple(gradients)


def cat(tensors, dim=0):
    """One after the other along axis `dim`; their other sizes are equal. As torch.cat."""
    if not tensors:
        raise ValueError("cat: expected at least one tensor")
    dim = arguments.axis("cat", dim, tensors[0].ndim)
    for tensor in tensors:
        if tensor.shape[:dim] + tensor.shape[dim + 1:] != tensors[0].shape[:dim] + tensors[0].shape[dim + 1:]:
            raise ValueError(f"cat: shapes {tensors[0].shape} and {tensor.shape} differ elsewhere than in dim {dim}")
    return Concatenate(dim)(*tensors)


def stack(tensors, dim=0):
    """Tensors of one shape along a new axis `dim`. As torch.stack."""
    for tensor in tensors:
        if tensor.shape != tensors[0].shape:
            raise ValueError(f"stack: shapes {tensors[0].shape} and {tensor.shape} differ")
    return cat([unsqueeze(tensor, dim) for tensor in tensors], dim if dim >= 0 or not tensors else dim + tensors[0].ndim + 1)
