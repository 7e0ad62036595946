"""Module: a part of a network, with what it has learned."""
import collections

from minicnn import fusion
from minicnn.device import is_name
from minicnn.errors import InputError
from minicnn.nn.parameter import Parameter
from minicnn.tensor import FLOATING, Tensor

Mismatch = collections.namedtuple("Mismatch", "missing_keys unexpected_keys")


class Module:
    """A subclass computes in `forward`; its attributes are its parts.

    Attributes that are Modules are its children, those that are Parameters are learned, those registered as buffers (running
    statistics, say) belong to its state but are not learned. Names lead to them as in PyTorch: "conv1.weight".
    """

    training = True      # layers such as Dropout act differently in training
    _buffer_names = ()

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *inputs, **settings):
        with fusion.Running(self):
            return self.forward(*inputs, **settings)

    def __setattr__(self, name, value):
        if isinstance(vars(self).get(name), Parameter) and not (value is None or isinstance(value, Parameter)):
            raise TypeError(f"{name} is a Parameter of {type(self).__name__}; a {type(value).__name__} in its place would not be "
                            "learned. Wrap it in nn.Parameter(...), or write new values into it with copy_(...)")
        super().__setattr__(name, value)

    def register_buffer(self, name, tensor):
        """Make `tensor` (or None, until it is known) the attribute `name`, part of the state, not learned."""
        self._buffer_names = (*self._buffer_names, name)
        setattr(self, name, tensor)

    # Parts

    def named_children(self):
        return [(name, value) for name, value in vars(self).items() if isinstance(value, Module)]

    def children(self):
        return [module for _, module in self.named_children()]

    def named_modules(self, prefix=""):
        """This module and all below it with their names, each before its children; a module in two places counts once."""
        found = {}   # by identity: {id: (name, module)}
        waiting = [(prefix, self)]
        while waiting:
            name, module = waiting.pop()
            if id(module) not in found:
                found[id(module)] = (name, module)
                waiting += [(f"{name}.{key}" if name else key, child) for key, child in reversed(module.named_children())]
        return list(found.values())

    def modules(self):
        return [module for _, module in self.named_modules()]

    def named_parameters(self):
        """All that is learned, here and below, with names; a parameter in two places counts once."""
        first = {}   # by identity: {id: (name, parameter)}
        for name, tensor in self._named_state():
            if isinstance(tensor, Parameter):
                first.setdefault(id(tensor), (name, tensor))
        return list(first.values())

    def parameters(self):
        return [parameter for _, parameter in self.named_parameters()]

    def named_buffers(self):
        return [(name, tensor) for name, tensor in self._named_state() if not isinstance(tensor, Parameter)]

    def buffers(self):
        return [buffer for _, buffer in self.named_buffers()]

    def _named_state(self):
        """Parameters and buffers, here and below, in PyTorch's order: a module's parameters, its buffers, its children's."""
        for path, module in self.named_modules():
            own = [(name, value) for name, value in vars(module).items() if isinstance(value, Parameter)]
            own += [(name, getattr(module, name)) for name in module._buffer_names]
            for name, tensor in own:
                if tensor is not None:
                    yield (f"{path}.{name}" if path else name), tensor

    # State

    def state_dict(self):
        """Names and tensors that share memory with the network: copy what must outlive the next optimiser step."""
        return {name: tensor.detach() for name, tensor in self._named_state()}

    def load_state_dict(self, state_dict, strict=True):
        """Copy values (Tensors or arrays) into the parameters and buffers of the same names.

        If anything does not fit, InputError names all that does not, and nothing is changed. strict=False allows names on one
        side only. Returns these as (missing_keys, unexpected_keys).
        """
        own = dict(self._named_state())
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        misshapen = [f"{name} is {tuple(state_dict[name].shape)} instead of {tensor.shape}" for name, tensor in own.items()
                     if name in state_dict and tuple(state_dict[name].shape) != tensor.shape]
        problems = {"missing": missing, "unexpected": unexpected} if strict else {}
        problems["of another shape"] = misshapen
        if any(problems.values()):
            listed = "; ".join(f"{problem}: {', '.join(names)}" for problem, names in problems.items() if names)
            raise InputError(f"the state does not fit {type(self).__name__}; {listed}")
        for name, tensor in own.items():
            if name in state_dict:
                tensor.copy_(state_dict[name])
        return Mismatch(missing, unexpected)

    def train(self, mode=True):
        for module in self.modules():
            module.training = mode
        return self

    def eval(self):
        return self.train(False)

    def zero_grad(self):
        for parameter in self.parameters():
            parameter.grad = None

    def requires_grad_(self, requires_grad=True):
        """Learn all parameters from here on, or freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def apply(self, function):
        """Call function(module) for all modules below, then for this one."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def to(self, target):
        """Convert all floating-point parameters and buffers, or bring all to another device, as Tensor.to; gradients are dropped."""
        for _, tensor in self._named_state():
            if tensor.dtype in FLOATING or is_name(target):
                converted = Tensor(tensor.settle()).to(target).settle()
                if converted is not tensor.settle():
                    tensor.array, tensor.grad = converted, None
                    tensor.memory.lent = False   # nobody else has it
        return self

    def cpu(self):
        return self.to("cpu")

    def float(self):
        return self.to("float32")

    def double(self):
        return self.to("float64")

    # Print

    def extra_repr(self):
        """A layer's settings, for its line in print(model)."""
        return ""

    def __repr__(self):
        lines = [self.extra_repr()] if self.extra_repr() else []
        if not self.children():
            return f"{type(self).__name__}({''.join(lines)})"
        lines += [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self.named_children()]
        return "\n".join([f"{type(self).__name__}(", *(f"  {line}" for line in lines), ")"])
