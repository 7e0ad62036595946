"""Activations, made differentiable. What passes ReLU on the way back can be chosen: see `relu_rule`."""
import contextlib
import threading

from minicnn.autograd import Function
from minicnn.device import empty, kernels_for
from minicnn.errors import InputError

RULES = ("backprop", "deconvnet", "guided")


class _Chosen(threading.local):
    """In this thread."""

    rule = "backprop"


_chosen = _Chosen()


class Activation(Function):
    """Element by element. Keeps its output, from which its slope can be told; `kernel` is the name of the kernel."""

    def forward(self, x):
        self.y = empty(x)
        getattr(kernels_for(x), self.kernel)(x, self.y)
        return self.y

    def backward(self, gradient):
        grad_x = empty(gradient)
        getattr(kernels_for(gradient), f"{self.kernel}_grad_input")(gradient, self.y, grad_x)
        return (grad_x,)


class ReLU(Activation):
    kernel = "relu"

    def backward(self, gradient):
        return (rectified_gradient(gradient, self.y),)


class LeakyReLU(Function):
    """Keeps its output, which has the sign of its input."""

    def __init__(self, slope):
        self.slope = slope

    def forward(self, x):
        self.y = empty(x)
        kernels_for(x).leaky_relu(x, self.y, self.slope)
        return self.y

    def backward(self, gradient):
        grad_x = empty(gradient)
        kernels_for(gradient).leaky_relu_grad_input(gradient, self.y, grad_x, self.slope)
        return (grad_x,)


class Tanh(Activation):
    kernel = "tanh"


class Sigmoid(Activation):
    kernel = "sigmoid"


@contextlib.contextmanager
def relu_rule(rule):
    """Inside the `with`, this is what a backward pass makes of the gradient g that arrives at a ReLU with output y:

    "backprop"   g where y > 0: the derivative
    "deconvnet"  g where g > 0: ReLU itself (Zeiler & Fergus, "Visualizing and understanding convolutional networks", ECCV 2014)
    "guided"     g where both are (Springenberg et al., "Striving for simplicity: the all convolutional net", ICLR 2015 workshop)

    It holds for every ReLU, in a module or not, and for those that other functions end with (see epilogue.py). What was computed
    before may be sent back by any of them.

    By "deconvnet", local response normalisation lets the gradient pass as it is: Zeiler & Fergus use "no contrast normalization" on the
    way back (section 2.1). By the others it passes back its derivative.
    """
    if rule not in RULES:
        raise InputError(f"there is no rule {rule!r} for ReLU; choose one of {', '.join(RULES)}")
    previous, _chosen.rule = _chosen.rule, rule
    try:
        yield
    finally:
        _chosen.rule = previous


def is_derivative():
    """Is it the derivative that goes back through ReLU?"""
    return _chosen.rule == "backprop"


def is_deconvnet():
    """Is it Zeiler & Fergus's way back?"""
    return _chosen.rule == "deconvnet"


def rectified_gradient(gradient, y):
    """What goes back through ReLU, y being its output, by the rule that holds."""
    if _chosen.rule != "backprop":
        positive = empty(gradient)
        kernels_for(gradient).relu(gradient, positive)
        gradient = positive
    return gradient if _chosen.rule == "deconvnet" else where_positive(gradient, y)


def where_positive(values, y):
    """The values where y is positive or NaN, and 0 elsewhere."""
    kept = empty(values)
    kernels_for(values).relu_grad_input(values, y, kept)
    return kept


def relu(x):
    """max(x, 0), the rectified linear unit (Nair & Hinton, ICML 2010). The slope at 0 is 0; `relu_rule` bends it."""
    return ReLU()(x)


def leaky_relu(x, negative_slope=0.01):
    """x where it is positive, else negative_slope x (Maas et al., "Rectifier nonlinearities improve neural network acoustic models",
    ICML 2013 workshop). As torch.nn.functional.leaky_relu, but a slope below 0 is an error."""
    if not negative_slope >= 0:
        raise ValueError(f"leaky_relu: negative_slope must be at least 0, not {negative_slope}")
    return LeakyReLU(float(negative_slope))(x)


def tanh(x):
    """The hyperbolic tangent; slope 1 - y^2."""
    return Tanh()(x)


def sigmoid(x):
    """1 / (1 + exp(-x)); slope y (1 - y)."""
    return Sigmoid()(x)
