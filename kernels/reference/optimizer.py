"""One step of an optimiser, in place: the parameter, its gradient and its state are arrays of one shape, whatever it is."""
import numpy as np


def sgd(parameter, gradient, velocity, lr, momentum, weight_decay, nesterov):
    """Stochastic gradient descent as torch.optim.SGD has it (Sutskever et al., ICML 2013, but lr outside the velocity):

        g = gradient + weight_decay parameter,   velocity = momentum velocity + g,   parameter -= lr (velocity)
        with nesterov:                                                               parameter -= lr (g + momentum velocity)

    The velocity is zeros before the first step, and None when momentum is 0.
    """
    step = gradient + weight_decay * parameter
    if velocity is not None:
        velocity[...] = momentum * velocity + step
        step = step + momentum * velocity if nesterov else velocity
    parameter -= lr * step


def adam(parameter, gradient, mean, square, lr, beta1, beta2, epsilon, weight_decay, step):
    """Adam (Kingma & Ba, ICLR 2015, algorithm 1), the weight decay added to the gradient as torch.optim.Adam does:

        g = gradient + weight_decay parameter,   mean = beta1 mean + (1 - beta1) g,   square = beta2 square + (1 - beta2) g^2,
        parameter -= lr (mean / (1 - beta1^step)) / (sqrt(square / (1 - beta2^step)) + epsilon)

    Mean and square are zeros before the first step; step counts from 1.
    """
    g = gradient + weight_decay * parameter
    mean[...] = beta1 * mean + (1 - beta1) * g
    square[...] = beta2 * square + (1 - beta2) * g * g
    parameter -= lr * (mean / (1 - beta1 ** step)) / (np.sqrt(square / (1 - beta2 ** step)) + epsilon)
