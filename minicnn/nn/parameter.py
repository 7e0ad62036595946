"""What a network learns."""
from minicnn.device import contiguous
from minicnn.tensor import Tensor


class Parameter(Tensor):
    """A Tensor that belongs to a Module and is learned: it shares the array of `tensor`, and requires a gradient."""

    __slots__ = ()
    learned = True

    def __init__(self, tensor, requires_grad=True):
        super().__init__(contiguous(tensor.settle()), requires_grad)
        self.memory.lent = tensor.memory.lent

    def __repr__(self):
        return f"Parameter containing:\n{super().__repr__()}"
