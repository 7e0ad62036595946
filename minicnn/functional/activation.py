"""Activations, made differentiable."""
from minicnn.autograd import Function
from minicnn.device import empty, kernels_for


class Activation(Function):
    """Element by element. Keeps its output, from which its slope can be told; `kernel` is the name of the kernel."""

    def forward(self, x):
        self.y = empty(x.shape, x.dtype)
        getattr(kernels_for(x), self.kernel)(x, self.y)
        return self.y

    def backward(self, gradient):
        grad_x = empty(gradient.shape, gradient.dtype)
        getattr(kernels_for(gradient), f"{self.kernel}_grad_input")(gradient, self.y, grad_x)
        return (grad_x,)


class ReLU(Activation):
    kernel = "relu"


class Tanh(Activation):
    kernel = "tanh"


class Sigmoid(Activation):
    kernel = "sigmoid"


def relu(x):
    """max(x, 0), the rectified linear unit (Nair & Hinton, ICML 2010). The slope at 0 is 0."""
    return ReLU()(x)


def tanh(x):
    """The hyperbolic tangent; slope 1 - y^2."""
    return Tanh()(x)


def sigmoid(x):
    """1 / (1 + exp(-x)); slope y (1 - y)."""
    return Sigmoid()(x)
