"""Tensor: an array, its gradient, and how it came to be."""
import math
import operator

import numpy as np

from minicnn import fusion
from minicnn.device import as_array, assign, full, is_name, is_number, name_of, on_host, recording, to_host
from minicnn.errors import InputError
from minicnn.memory import Memory

FLOATING = (np.dtype(np.float32), np.dtype(np.float64))


class Tensor:
    """A multi-dimensional array that remembers how it was computed.

    array          the values, a numpy.ndarray or an array on a device; whoever writes into it changes every tensor that shares it
    device         where that is: "cpu", "cuda" or "cuda-simulator"
    shape, dtype   those of the array
    requires_grad  does backward put a gradient into `grad`, or lead through here to tensors where it does?
    grad           Tensor of the same shape, or None: what backward passes have added up; only leaves get one
    creator        the Function that made it; None for a leaf
    version        how often the array was changed in place (by optimisers, say), so that backward can tell
    promise        what the array will be, if it has not been computed yet (see fusion.py); None as soon as somebody asks for it

    Operators and methods are PyTorch's. They are all made of `minicnn.functional`, and none changes its tensor in place.
    """

    __slots__ = ("__weakref__", "_array", "_creator", "dtype", "grad", "memory", "promise", "requires_grad", "shape")
    __array_ufunc__ = None   # NumPy leaves `array * tensor` to us
    learned = False          # is it a Parameter?

    def __init__(self, array, requires_grad=False):
        if requires_grad and array.dtype not in FLOATING:
            raise TypeError(f"only float32 and float64 tensors can require a gradient, not {array.dtype}")
        self._array, self.shape, self.dtype = array, array.shape, array.dtype
        self.requires_grad = requires_grad
        self.grad = self._creator = self.promise = None
        self.memory = Memory()

    @property
    def array(self):
        self.memory.lent, self.memory.kept = True, None
        return self.settle()

    @array.setter
    def array(self, array):
        if array is not self._array:   # other memory, which whoever gives it may hold; the graph so far goes on with the old one
            memory = Memory()
            memory.version, memory.lent = self.memory.version, True
            self._array, self.shape, self.dtype, self.memory = array, array.shape, array.dtype, memory

    @property
    def creator(self):
        self.settle()
        return self._creator

    def settle(self):
        """The array, for reading only. If it was still to come, it is computed now."""
        if self.promise is not None:
            result = self.promise.result()
            self._array, self._creator, self.promise = result._array, result._creator, None
        return self._array

    version = property(lambda self: self.memory.version)
    ndim = property(lambda self: len(self.shape))
    device = property(lambda self: name_of(self._beside()))

    def _beside(self):
        """An array that is where this tensor's is, or will be."""
        return self._array if self.promise is None else self.promise.beside()._beside()

    def numel(self):
        return math.prod(self.shape)

    def size(self, dim=None):
        return self.shape if dim is None else self.shape[dim]

    # Leaving the graph

    def numpy(self):
        """The values as a NumPy array that shares memory with the tensor."""
        if self.requires_grad:
            raise RuntimeError("numpy: this tensor requires a gradient, which NumPy would not pass on; use .detach().numpy()")
        if not on_host(self._beside()):
            raise TypeError(f"numpy: this tensor is on {self.device!r}, where NumPy cannot look; .cpu() makes a copy that it can")
        return self.array

    def __array__(self, dtype=None, copy=None):
        array = self.numpy()
        return array.astype(dtype or array.dtype, copy=bool(copy))

    @property
    def __cuda_array_interface__(self):
        """What CuPy and PyTorch ask for to see a tensor on a GPU as an array of theirs, without a copy."""
        if self.device != "cuda":
            raise AttributeError(f"this tensor is on {self.device!r}, not on a GPU")
        return self._lend().__cuda_array_interface__

    def __dlpack_device__(self):
        return self.settle().__dlpack_device__()

    def __dlpack__(self, **settings):
        return self._lend().__dlpack__(**settings)

    def _lend(self):
        """The array for another library, which shares its memory."""
        if self.requires_grad:
            raise RuntimeError("this tensor requires a gradient, which another library would not pass on; use .detach()")
        return self.array

    def item(self):
        """The value of a tensor with one element, as a Python number."""
        return self.settle().item()

    def tolist(self):
        return self.settle().tolist()

    def detach(self):
        """The same array outside the graph."""
        tensor = Tensor(self.settle())
        tensor.memory = self.memory
        return tensor

    # Gradients

    def backward(self, gradient=None, retain_graph=False):
        """Add to the `grad` of every leaf that this tensor was computed from the gradient of sum(gradient * self).

        gradient      Tensor of this shape and type; None for a tensor with one element, where it is 1
        retain_graph  keep what a second backward through the same graph needs
        """
        autograd.backward(self, gradient, retain_graph)

    def copy_(self, values):
        """Overwrite the array with `values` (a Tensor or array of the same shape), outside the graph. Returns the tensor."""
        values = values.settle() if isinstance(values, Tensor) else values
        if np.shape(values) != self.shape:
            raise ValueError(f"copy_: values of shape {np.shape(values)} do not fit a tensor of shape {self.shape}")
        fusion.settle_all(changing=self)
        assign(self.settle(), values)
        self.changed()
        return self

    def changed(self):
        """To be called by whoever has changed the array in place."""
        self.memory.change()
        graph = recording(self._array)
        if graph is not None:
            graph.changed.append((self, self.memory))

    def _no_writing(self, *_):
        raise TypeError("tensors are not changed in place: put parts together with cat, stack or pad, "
                        "or write into .array, of which autograd knows nothing")

    __setitem__ = _no_writing

    # Types and devices

    def to(self, target):
        """This tensor as another type ("float64", numpy.float32, ...) or on another device ("cpu", "cuda", "cuda-simulator")."""
        return F.to_device(self, target) if is_name(target) else F.cast(self, np.dtype(target))

    def cpu(self):
        return self.to("cpu")

    def new_full(self, shape, value):
        """A tensor of this type, on this device, filled with a number. As torch.Tensor.new_full."""
        return Tensor(full(self._beside(), value, tuple(shape), self.dtype))

    def float(self):
        return self.to(np.float32)

    def double(self):
        return self.to(np.float64)

    def long(self):
        return self.to(np.int64)

    # Arithmetic: the other operand may be a number

    def _operand(self, other):
        """`other` as a Tensor: a number takes this tensor's type."""
        if isinstance(other, Tensor):
            return other
        if isinstance(other, (int, float, np.number)):
            return Tensor(np.array(other, self.dtype))
        raise TypeError(f"a Tensor and {type(other).__name__} do not go together; minicnn.tensor(...) makes a Tensor of it")

    def __add__(self, other):
        return F.add(self, self._operand(other))

    def __radd__(self, other):
        return F.add(self._operand(other), self)

    def __sub__(self, other):
        return F.subtract(self, self._operand(other))

    def __rsub__(self, other):
        return F.subtract(self._operand(other), self)

    def __mul__(self, other):
        return F.multiply(self, self._operand(other))

    def __rmul__(self, other):
        return F.multiply(self._operand(other), self)

    def __truediv__(self, other):
        return F.divide(self, self._operand(other))

    def __rtruediv__(self, other):
        return F.divide(self._operand(other), self)

    def __pow__(self, other):
        return F.power(self, self._operand(other))

    def __rpow__(self, other):
        return F.power(self._operand(other), self)

    def __matmul__(self, other):
        return F.matmul(self, self._operand(other))

    def _may_be_rebound(self):
        """`w -= x` makes a new tensor and calls it w, which is fine unless w was to be learned."""
        if self.requires_grad and self.promise is None and self._creator is None:
            raise RuntimeError("`w -= x` (or +=, *=, /=) would replace a tensor that requires a gradient by one that does not; "
                               "to change it in place, write `w.copy_(w - x)` under no_grad")
        return self

    def __iadd__(self, other):
        return self._may_be_rebound() + other

    def __isub__(self, other):
        return self._may_be_rebound() - other

    def __imul__(self, other):
        return self._may_be_rebound() * other

    def __itruediv__(self, other):
        return self._may_be_rebound() / other

    def __neg__(self):
        return F.negative(self)

    def __abs__(self):
        return F.absolute(self)

    def pow(self, exponent):
        return self ** exponent

    def matmul(self, other):
        return self @ other

    def exp(self):
        return F.exp(self)

    def log(self):
        return F.log(self)

    def sqrt(self):
        return F.sqrt(self)

    def abs(self):
        return F.absolute(self)

    def relu(self):
        return F.relu(self)

    def tanh(self):
        return F.tanh(self)

    def sigmoid(self):
        return F.sigmoid(self)

    def softmax(self, dim):
        return F.softmax(self, dim)

    def log_softmax(self, dim):
        return F.log_softmax(self, dim)

    # Comparisons: tensors of booleans, through which no gradient flows

    def _compare(self, other, comparison):
        mine, others = self.settle(), other.settle() if isinstance(other, Tensor) else other
        if name_of(mine) != name_of(others) and not (on_host(others) and is_number(np.asarray(others))):
            raise InputError(f"one tensor is on {name_of(mine)!r}, the other on {name_of(others)!r}; "
                             "bring them to one device with .to(...)")
        return Tensor(as_array(comparison(mine, others)))

    def __eq__(self, other):
        return self._compare(other, operator.eq)

    def __ne__(self, other):
        return self._compare(other, operator.ne)

    def __lt__(self, other):
        return self._compare(other, operator.lt)

    def __le__(self, other):
        return self._compare(other, operator.le)

    def __gt__(self, other):
        return self._compare(other, operator.gt)

    def __ge__(self, other):
        return self._compare(other, operator.ge)

    __hash__ = object.__hash__   # by identity, so that tensors can be keys although == compares values

    # Reductions: dim is an axis, a tuple of axes, or None for all

    def sum(self, dim=None, keepdim=False):
        return F.sum(self, dim, keepdim)

    def mean(self, dim=None, keepdim=False):
        return F.mean(self, dim, keepdim)

    def amax(self, dim=None, keepdim=False):
        return F.amax(self, dim, keepdim)

    def max(self, dim=None, keepdim=False):
        return F.max(self, dim, keepdim)

    def argmax(self, dim=None, keepdim=False):
        return F.argmax(self, dim, keepdim)

    # Shapes: the results share the array where NumPy can make a view

    def reshape(self, *shape):
        return F.reshape(self, *shape)

    view = reshape

    def flatten(self, start_dim=0, end_dim=-1):
        return F.flatten(self, start_dim, end_dim)

    def transpose(self, dim0, dim1):
        return F.transpose(self, dim0, dim1)

    def permute(self, *dims):
        return F.permute(self, *dims)

    def squeeze(self, dim=None):
        return F.squeeze(self, dim)

    def unsqueeze(self, dim):
        return F.unsqueeze(self, dim)

    @property
    def T(self):
        return F.permute(self, *reversed(range(self.ndim)))

    def __getitem__(self, index):
        return F.index(self, index)

    def clone(self):
        """A copy that gradients flow through."""
        return F.clone(self)

    # What Python asks for

    def __len__(self):
        if not self.ndim:
            raise TypeError("a tensor without axes has no len()")
        return self.shape[0]

    def __iter__(self):
        return (self[position] for position in range(len(self)))

    def __bool__(self):
        return bool(self.settle())

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __format__(self, specification):
        return format(self.item() if specification and not self.ndim else str(self), specification)

    def __reduce_ex__(self, protocol):
        if self.creator is not None:
            raise RuntimeError("only leaves can be pickled or copied with copy.deepcopy, not the graph behind a result; "
                               "call .detach() first, or .clone() for a copy inside the graph")
        return super().__reduce_ex__(protocol)

    def __repr__(self):
        values = np.array2string(to_host(self.settle()), separator=", ", prefix="tensor(")
        usual = self.dtype in (np.float32, np.int64, np.bool_)
        notes = ("" if usual else f", dtype={self.dtype}") + (f", device={self.device!r}" if self.device != "cpu" else "") + (
            ", requires_grad=True" if self.requires_grad else "")
        return f"tensor({values}{notes})"


# At the end, because functions are made of tensors: minicnn.functional imports minicnn.autograd, and that imports Tensor.
from minicnn import autograd, functional as F  # noqa: E402
