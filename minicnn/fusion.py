"""Functions that wait to see what follows them, so that several become one pass over memory.

    out = self.relu(self.bn2(self.conv2(out)) + identity)

In evaluation this is one kernel: the normalisation goes into the filters, and the convolution ends with the addition and with ReLU
while its output is in the cache. In training it is two, the convolution and the rest. The model's code need not know.

Inside a module's forward, a Function that has `waits` is not applied at once. Its output is a Tensor without an array, which holds a
Promise. If the next function can be made one with it (`Function.followed_by`), the result is another promise. A tensor settles, that
is, its array is computed, when somebody asks for it, and at the latest when the outermost module returns. One in between that
somebody still holds, or that is used twice, is computed by itself, and nothing is computed twice. So results are the same as without
waiting, but for rounding.
"""
import threading
import weakref


class _State(threading.local):
    waiting = ()   # weak references to the tensors that modules have made and that may still wait

    def __init__(self):
        self.running = []   # modules, one inside the other


_state = _State()


class Promise:
    """What a tensor without an array will be."""

    __slots__ = ("before", "busy", "dtype", "function", "inputs", "recording", "made", "shape", "step", "tensor", "used")

    def __init__(self, function, inputs, shape, dtype, recording, before=None, step=None):
        self.function, self.inputs = function, inputs   # what makes it in one go
        self.before, self.step = before, step           # or what came before, and (function, inputs, place of what came before)
        self.shape, self.dtype = shape, dtype
        self.recording = recording   # for backward?
        self.made = None             # the tensor that `result` returns, once it was computed
        self.tensor = None           # a weak reference to it
        self.used = False            # is there another promise that comes after it?
        self.busy = False            # is it being computed?

    def attach(self, tensor):
        """Let this be the promise of a Tensor, which has no array. Returns the tensor."""
        tensor.shape, tensor.dtype = self.shape, self.dtype
        tensor.requires_grad = self.recording and any(given.requires_grad for given in self.inputs)
        tensor.promise, self.tensor = self, weakref.ref(tensor)
        _state.waiting.append(self.tensor)
        return tensor

    def result(self):
        """A Tensor with the array, and with its creator."""
        if self.made is None:
            function, inputs = self.function, self.inputs
            if self.before is not None and self.before.wanted():
                function, inputs, place = self.step
                inputs = (*inputs[:place], self.before.result(), *inputs[place + 1:])
            self.busy = True
            try:
                self.made = function.apply(inputs, self.recording)
            finally:
                self.busy = False
            self.function = self.inputs = self.step = self.before = None
        return self.made

    def beside(self):
        """A tensor that is on the device where the result will be."""
        return self.inputs[0] if self.made is None else self.made

    def under_way(self):
        """Is it, or something before it, being computed? Then it will go on from that."""
        return self.busy or (self.before is not None and self.before.under_way())

    def wanted(self):
        """Is it needed for itself, or is there something before it that is?"""
        return self.made is not None or self.tensor() is not None or (self.before is not None and self.before.wanted())


class Running:
    """`with Running(module):` is around a module's forward: functions may wait until the outermost one returns."""

    __slots__ = ("module",)

    def __init__(self, module):
        self.module = module

    def __enter__(self):
        if not _state.running:   # where a forward was broken off, somebody may still hold what waits
            _state.waiting = [reference for reference in _state.waiting if _waits(reference())]
        _state.running.append(self.module)

    def __exit__(self, error, *_):
        try:
            if len(_state.running) == 1 and error is None:
                settle_all()
        finally:
            _state.running.pop()


def running():
    """The modules that are running in this thread, each inside the one before."""
    return tuple(_state.running)


def settle_all(changing=None):
    """Let no tensor wait any longer; or, if a tensor is going to change, none that is computed from it."""
    for reference in _state.waiting:
        tensor = reference()
        if _waits(tensor) and (changing is None or _depends(tensor.promise, changing)):
            tensor.settle()


def _waits(tensor):
    return tensor is not None and tensor.promise is not None


def _depends(promise, changing):
    if promise.made is not None or promise.under_way():
        return False
    return any(tensor.memory is changing.memory for tensor in (*promise.inputs, *promise.function.state))


def make_promise(function, inputs, recording):
    """A Promise of what the function gives, or None if it must be applied at once."""
    if not _state.running:
        return None
    for place, tensor in enumerate(inputs):
        before = tensor.promise
        if before is None or before.used or before.recording != recording or sum(given is tensor for given in inputs) > 1:
            continue
        others = (*inputs[:place], None, *inputs[place + 1:])   # nothing here may hold the tensor
        together = before.function.followed_by(function, before.inputs, others, recording)
        if together is not None:
            before.used = True
            return Promise(*together, before.shape, before.dtype, recording, before, (function, others, place))
    if not function.waits:
        return None
    for tensor in inputs:
        tensor.settle()
    return Promise(function, inputs, function.output_shape(*inputs), inputs[0].dtype, recording)
