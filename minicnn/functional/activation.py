"""Activations, made differentiable."""
from minicnn.autograd import Function
from minicnn.device import empty, kernels_for


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


def rectified_gradient(gradient, y):
    """The gradient with respect to the input of ReLU, y being its output."""
    grad_x = empty(gradient)
    kernels_for(gradient).relu_grad_input(gradient, y, grad_x)
    return grad_x


def relu(x):
    """max(x, 0), the rectified linear unit (Nair & Hinton, ICML 2010). The slope at 0 is 0."""
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
