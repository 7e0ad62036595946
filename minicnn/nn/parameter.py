"""What a network learns."""
from minicnn.device import contiguous
from minicnn.tensor import Tensor


class Parameter(Tensor):
    """A Tensor that belongs to a Module and is learned: it shares the array of `tensor`, and requires a gradient."""

    __slots__ = ()

    def __init__(self, tensor, requires_grad=True):
        super().__init__(contiguous(tensor.array), requires_grad)

    def __repr__(self):
        return f"Parameter containing:\n{super().__repr__()}"
