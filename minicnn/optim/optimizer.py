"""What all optimisers share: parameters, settings, state, and how these are saved."""
import numpy as np

from minicnn.device import assign, contiguous, move
from minicnn.errors import InputError
from minicnn.tensor import Tensor


class Optimizer:
    """Changes parameters by their gradients, in place.

    A subclass names its settings (attributes that are plain numbers) in `settings` and changes parameters in `update`, where each
    has a `state` of its own: a dictionary of arrays and numbers, empty at first.
    """

    settings = ("lr",)

    def __init__(self, parameters, lr):
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError(f"{type(self).__name__} got no parameters")
        for parameter in self.parameters:
            if not isinstance(parameter, Tensor):
                raise TypeError(f"{type(self).__name__}: parameters must be Tensors, not {type(parameter).__name__}; "
                                "pass model.parameters()")
            if parameter.creator is not None:
                raise ValueError(f"{type(self).__name__}: a tensor of shape {parameter.shape} is the result of a computation; "
                                 "only leaves can be learned")
            parameter.array = contiguous(parameter.settle())
        self._at_least(0, lr=lr)
        self.lr = lr
        self.state = [{} for _ in self.parameters]
        self.tables = {}   # of kernels that change all parameters at once

    def _at_least(self, least, **settings):
        for name, value in settings.items():
            if not value >= least:
                raise ValueError(f"{type(self).__name__}: {name} must be at least {least}, not {value}")

    def update(self, parameters, gradients, states):
        """Change arrays by their gradients: three lists, and at least one of each."""
        raise NotImplementedError

    def step(self):
        """Update every parameter that has a gradient."""
        learning = [(parameter, state) for parameter, state in zip(self.parameters, self.state) if parameter.grad is not None]
        if not learning:
            return
        self.update([parameter.settle() for parameter, _ in learning], [parameter.grad.settle() for parameter, _ in learning],
                    [state for _, state in learning])
        for parameter, _ in learning:
            parameter.changed()

    def zero_grad(self):
        """Forget all gradients; without this, the next backward adds to them."""
        for parameter in self.parameters:
            parameter.grad = None

    def state_dict(self):
        """All that is needed to go on to the same bits: settings by name, and state as "0.velocity", where 0 is the parameter's
        place. Plain numbers, and arrays that the optimiser goes on using: copy what must outlive the next step."""
        state = {f"{place}.{name}": value for place, state in enumerate(self.state) for name, value in state.items()}
        return {**{name: getattr(self, name) for name in self.settings}, **state}

    def load_state_dict(self, state_dict):
        """The reverse of state_dict: a copy, in the arrays that are here already, for recorded steps know their places. InputError if it
        is that of another kind of optimiser or of other parameters."""
        absent = [name for name in self.settings if name not in state_dict]
        if absent:
            raise InputError(f"this is no state of {type(self).__name__}: it lacks {', '.join(absent)}")
        state = [{} for _ in self.parameters]
        for name, value in state_dict.items():
            place, _, key = name.partition(".")
            if name in self.settings:
                continue
            if not place.isdigit() or int(place) >= len(state):
                raise InputError(f"this state does not fit {type(self).__name__} with {len(state)} parameters: it holds {name!r}")
            parameter = self.parameters[int(place)].settle()
            if np.ndim(value) and np.shape(value) != parameter.shape:
                raise InputError(f"this state does not fit: {name!r} has the shape {np.shape(value)}, "
                                 f"but the parameter has {parameter.shape}")
            state[int(place)][key] = value
        for name in self.settings:
            setattr(self, name, state_dict[name])
        for parameter, own, given in zip(self.parameters, self.state, state):
            taken = {key: _taken_up(own.get(key), value, parameter.settle()) for key, value in given.items()}
            own.clear()
            own.update(taken)


def _taken_up(own, value, parameter):
    """A value of the state, an array where the parameter lives; the array that was there before if it fits."""
    if not hasattr(value, "shape"):
        return value
    if own is None or np.shape(own) != value.shape:
        return move(value, parameter)
    assign(own, value)
    return own
