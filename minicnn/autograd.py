"""Reverse-mode automatic differentiation: what was computed is remembered as a graph, and `backward` walks it from its end.

A node of the graph is a `Function` that was applied once. It knows its parents, the functions that made its inputs (or the
tensors that nothing made: the leaves, such as a network's parameters), and what its own backward needs, and no more: the
tensors between the functions are dropped as soon as the program forgets them.

Griewank & Walther, "Evaluating Derivatives" (2008), chapter 3; Baydin et al., "Automatic differentiation in machine learning:
a survey" (JMLR 2018).
"""
import contextlib
import inspect
import threading

import numpy as np

from minicnn import arithmetic, fusion
from minicnn.device import as_array, check_together, contiguous, full, name_of, recording, shares_memory
from minicnn.errors import InputError
from minicnn.tensor import FLOATING, Tensor


_NOTHING = np.empty(0)   # stands for the array of a tensor that has none yet


class _Mode(threading.local):
    """What happens in this thread when a function is applied."""

    recording = True   # remember it for backward?
    watchers = ()      # who is told what it was applied to, and what it gave
    listeners = ()     # who is told that it was called


_mode = _Mode()


class Function:
    """One differentiable operation, applied once.

    A subclass takes its settings in the constructor, keeps what `backward` will need as attributes in `forward`, and returns
    one gradient per input from `backward` (None where `needs_gradient` says no). Both see C-contiguous arrays,
    NumPy's or a device's, and change none of them. `input_shapes` and `input_type` tell what the inputs are, or were.

        class Square(Function):
            def forward(self, x):
                self.x = x
                return x * x

            def backward(self, gradient):
                return (2 * self.x * gradient,)

        y = Square()(x)
    """

    floating = True      # inputs must be float32 or float64; functions that only move data take anything
    waits = False        # may it wait to see what follows? Then `output_shape(*inputs)` tells what it will give. See fusion.py
    multiply_adds = 0    # how many this application took
    windows = None       # through which each pixel sees the first input: a kernels.geometry.Window for rows, one for columns
    parents = None       # per input: the Function that made it, or itself if it is a leaf, or None if it needs no gradient
    tensors = ()         # the inputs as Tensors, during `forward`
    state = ()           # Tensors that it reads or changes beside its inputs

    def forward(self, *arrays):
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, gradient):
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def followed_by(self, function, own_inputs, inputs, recording):
        """One new Function that does this and then `function`, and all inputs that it takes, as a pair; or None.

        own_inputs  the inputs of this one
        inputs      those of `function`, None being what this one gives
        recording   will there be a backward?
        """

    def __call__(self, *inputs):
        _check_types(self, inputs)
        promise = None if _mode.watchers else fusion.make_promise(self, inputs, _mode.recording)   # those want to see each function
        output = self.apply(inputs, _mode.recording) if promise is None else promise.attach(Tensor(_NOTHING))
        for listener in _mode.listeners:
            listener(inputs, output)
        return output

    def apply(self, inputs, recording):
        """Run forward now; the output is a Tensor. `recording`: remember what backward needs."""
        self.input_type = inputs[0].dtype
        self.input_shapes, self.needs_gradient, self.versions = [], [], []
        arrays, parents = [], []
        for tensor in inputs:
            array = contiguous(tensor.settle())
            arrays.append(array)
            needed = recording and tensor.requires_grad
            parents.append((tensor.creator or tensor) if needed else None)
            self.input_shapes.append(array.shape)
            self.needs_gradient.append(needed)
            self.versions.append(tensor.memory.version)
        if len(arrays) > 1:
            check_together(self, arrays, _place)
        self.tensors = inputs
        output = Tensor(as_array(self.forward(*arrays)))
        if shares_memory(output._array, arrays[0]):   # a view, as reshape makes it
            output.memory = inputs[0].memory
        self.tensors = ()   # they would keep alive what backward does not need
        if True in self.needs_gradient:
            self.parents = parents
            output.requires_grad, output._creator = True, self
        for watcher in _mode.watchers:
            watcher(self, inputs, output)
        return output

    def forget(self):
        """Drop all that was kept for backward, and the way to the parents."""
        self.__dict__.clear()


def _argument(function, position):
    """The name of an input, for error messages: what `forward` calls it."""
    names = list(inspect.signature(function.forward).parameters)
    return names[position] if position < len(names) else f"input {position}"


def _place(function, position):
    return f"{type(function).__name__}: {_argument(function, position)}"


def _check_types(function, inputs):
    """All inputs of a function must be Tensors of one type, and the function not applied before."""
    if function.parents is not None:
        raise RuntimeError(f"{type(function).__name__}: a Function object is one node of the graph and is applied once; make a new one")
    first = None
    for position, tensor in enumerate(inputs):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{_place(function, position)} must be a Tensor, not {type(tensor).__name__}; minicnn.tensor(...) makes one")
        dtype = tensor.dtype
        if function.floating and dtype not in FLOATING:
            raise TypeError(f"{_place(function, position)} is {dtype}, but must be float32 or float64; "
                            "convert it with .float() or .double()")
        if first is None:
            first = dtype
        elif dtype is not first and dtype != first:
            raise TypeError(f"{_place(function, 0)} is {first}, but {_argument(function, position)} "
                            f"is {dtype}; convert one of them, with .float() or .double()")


def backward(output, gradient, retain_graph=False):
    """Add to `.grad` of every leaf that `output` was computed from: the gradient of sum(gradient * output).

    output    a Tensor with requires_grad
    gradient  Tensor of its shape and type; None for an output with one element, where it is 1

    A function's backward runs when the gradients of all its uses have arrived and been added, so each runs once, in whatever way
    the graph branches. There is no recursion: the graph may be as deep as memory allows. What functions kept is dropped on the
    way, unless `retain_graph`.
    """
    for node, part in _descend(output, _seed(output, gradient), retain_graph):
        if isinstance(node, Tensor):
            _accumulate(node, part)


def grad(output, inputs, gradient=None, retain_graph=False):
    """The gradients of sum(gradient * output) by `inputs`, as a list of Tensors. No tensor's `grad` changes.

    output    a Tensor that was computed from `inputs`, each a leaf with requires_grad or something computed from one
    gradient  Tensor of the output's shape and type; None for an output with one element, where it is 1

    The backward pass goes no further than it must to reach them. As torch.autograd.grad, but an input that the output does not
    depend on gets zeros.
    """
    wanted = [tensor.creator or tensor for tensor in inputs]
    found = {id(node): None for node in wanted}
    for node, part in _descend(output, _seed(output, gradient), retain_graph, wanted):
        if id(node) in found:   # a leaf's gradient arrives in parts
            found[id(node)] = part if found[id(node)] is None else _sum(found[id(node)], part)
    return [Tensor(full(tensor.settle(), 0) if found[id(node)] is None else contiguous(found[id(node)]))
            for tensor, node in zip(inputs, wanted)]


def _seed(output, gradient):
    """The array that a backward pass starts from."""
    if not output.requires_grad:
        raise RuntimeError("backward: this tensor was computed from nothing that requires a gradient (or under no_grad)")
    if gradient is None:
        if output.numel() != 1:
            raise RuntimeError(f"backward: a tensor of shape {output.shape} needs a gradient of that shape; "
                               "without one, backward starts from a single number, such as a loss")
        return full(output.settle(), 1)
    gradient = gradient.array if isinstance(gradient, Tensor) else np.asarray(gradient)
    if name_of(gradient) != output.device:
        raise InputError(f"backward: gradient is on {name_of(gradient)!r}, but the tensor on {output.device!r}")
    if (gradient.shape, gradient.dtype) != (output.shape, output.dtype):
        raise ValueError(f"backward: gradient is {gradient.dtype} of shape {gradient.shape}, "
                         f"but the tensor is {output.dtype} of shape {output.shape}")
    return gradient


def _descend(output, gradient, retain_graph, wanted=None):
    """Walk the graph of `output` backwards: yields each function with its gradient, and each leaf with every part of its gradient.

    wanted  functions and leaves, to reach which only the functions above them run; None: run all
    """
    if output.creator is None:
        yield output, gradient
        return
    waiting, running = _count_uses(output.creator), None
    if wanted is not None:
        running = _above(wanted, waiting)
        waiting = dict.fromkeys(waiting, 0)
        for function in running:
            for parent in function.parents:
                if parent in waiting:
                    waiting[parent] += 1
    gradients = {output.creator: gradient}
    ready = [output.creator]
    while ready:
        function = ready.pop()
        arrived = gradients.pop(function)
        yield function, arrived
        if running is not None and function not in running:
            continue
        for parent, part in _gradients_of_parents(function, arrived):
            if isinstance(parent, Tensor):
                yield parent, part
                continue
            gradients[parent] = _sum(gradients[parent], part) if parent in gradients else part
            waiting[parent] -= 1
            if not waiting[parent]:
                ready.append(parent)
        if not retain_graph:
            function.forget()


def _above(wanted, functions):
    """Of these functions, which make up a graph: the set of those that were computed from what is wanted, functions or leaves."""
    users = {}
    for function in functions:
        for parent in function.parents:
            users.setdefault(id(parent), []).append(function)
    found, unseen = set(), list(wanted)
    while unseen:
        for user in users.get(id(unseen.pop()), ()):
            if user not in found:
                found.add(user)
                unseen.append(user)
    return found


def _count_uses(root):
    """How often each function below `root` is used in the graph of `root`; that the graph is whole is checked on the way."""
    uses = {root: 0}
    unseen = [root]
    while unseen:
        function = unseen.pop()
        if function.parents is None:
            raise RuntimeError(f"backward: it has passed {type(function).__name__} before, and what that kept is gone; "
                               "compute the output again, or call the first backward with retain_graph=True")
        for position, parent in enumerate(function.parents):
            if isinstance(parent, Tensor):
                if parent.version != function.versions[position]:
                    raise RuntimeError(f"backward: {type(function).__name__} has used {_argument(function, position)}, "
                                       f"shape {parent.shape}, which was then changed in place (by an optimiser's step, say); "
                                       "compute the output again")
            elif parent is not None:
                if parent not in uses:
                    uses[parent] = 0
                    unseen.append(parent)
                uses[parent] += 1
    return uses


def _gradients_of_parents(function, gradient):
    """Run the function's backward: pairs of a parent and the gradient that it gets."""
    parts = function.backward(contiguous(gradient))
    if not isinstance(parts, tuple) or len(parts) != len(function.parents):
        raise RuntimeError(f"{type(function).__name__}.backward must return a tuple of {len(function.parents)}: "
                           "one gradient for each input, None where needs_gradient is False")
    pairs = []
    for position, parent in enumerate(function.parents):
        if parent is None:
            continue
        part, shape = as_array(parts[position]), function.input_shapes[position]
        if part.shape != shape or part.dtype != function.input_type:
            found = "None" if parts[position] is None else f"{part.dtype} of shape {part.shape}"
            raise RuntimeError(f"{type(function).__name__}.backward returned {found} as the gradient of "
                               f"{_argument(function, position)}, which is {function.input_type} of shape {shape}")
        pairs.append((parent, part))
    return pairs


def _accumulate(leaf, part):
    if leaf.grad is None:
        leaf.grad = Tensor(contiguous(part))
        return
    gradient, graph = leaf.grad.settle(), recording(part)
    if graph is not None and not graph.made(gradient):
        raise RuntimeError("backward: a recorded step would add to a gradient from before it, to the same one at each replay; "
                           "begin the step with optimizer.zero_grad()")
    leaf.grad = Tensor(_sum(gradient, part))


def _sum(gradient, part):
    """In a new array: the two may be in use elsewhere."""
    return arithmetic.add(contiguous(gradient), contiguous(part))


@contextlib.contextmanager
def _recording(recording):
    previous, _mode.recording = _mode.recording, recording
    try:
        yield
    finally:
        _mode.recording = previous


def no_grad():
    """Inside `with no_grad():`, or in a function decorated with `@no_grad()`, nothing is remembered for backward."""
    return _recording(False)


def enable_grad():
    """Undoes `no_grad` inside its `with`."""
    return _recording(True)


@contextlib.contextmanager
def watch(callback):
    """Inside the `with`, callback(function, inputs, output) is called after each Function that this thread applies.

    function is the Function, inputs a tuple of Tensors, output the Tensor it made.
    """
    fusion.settle_all()
    previous, _mode.watchers = _mode.watchers, (*_mode.watchers, callback)
    try:
        yield
    finally:
        _mode.watchers = previous


@contextlib.contextmanager
def listen(callback):
    """Inside the `with`, callback(inputs, output) is called after each call of a Function in this thread.

    Unlike under `watch`, functions may wait for what follows and become one with it (fusion.py): output may have no array yet. One that
    the callback holds will be computed.
    """
    previous, _mode.listeners = _mode.listeners, (*_mode.listeners, callback)
    try:
        yield
    finally:
        _mode.listeners = previous
