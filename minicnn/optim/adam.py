"""Adam: steps of about equal size for every parameter."""
import functools

from minicnn.device import kernels_for, lasting, varying
from minicnn.optim.optimizer import Optimizer


class Adam(Optimizer):
    """As torch.optim.Adam: steps of lr * mean / (sqrt(square) + eps), where mean and square are running averages of the gradient
    and its square, corrected for their start at 0.

    betas are the shares that the averages keep in each step; weight_decay * parameter is added to the gradient.
    Kingma & Ba, "Adam: a method for stochastic optimization" (ICLR 2015), algorithm 1.
    """

    settings = ("lr", "beta1", "beta2", "eps", "weight_decay")

    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(parameters, lr)
        self.beta1, self.beta2 = betas
        self._at_least(0, beta1=self.beta1, beta2=self.beta2, eps=eps, weight_decay=weight_decay)
        if max(betas) >= 1:
            raise ValueError(f"Adam: betas must be below 1, not {betas}")
        self.eps, self.weight_decay = eps, weight_decay

    def update(self, parameters, gradients, states):
        for parameter, state in zip(parameters, states):
            if not state:
                state.update(mean=lasting(parameter, 0), square=lasting(parameter, 0), step=0)
        kernels, settings = kernels_for(*parameters), (self.beta1, self.beta2, self.eps, self.weight_decay)
        if hasattr(kernels, "adam_all") and len({state["step"] for state in states}) == 1:
            means, squares = ([state[name] for state in states] for name in ("mean", "square"))
            lr, step = varying(parameters[0], lambda: self.lr), varying(parameters[0], lambda: _count(states))
            kernels.adam_all(parameters, gradients, means, squares, lr, *settings, step, self.tables)
            return
        for parameter, gradient, state in zip(parameters, gradients, states):
            lr, step = varying(parameter, lambda: self.lr), varying(parameter, functools.partial(_count, [state]))
            kernels.adam(parameter, gradient, state["mean"], state["square"], lr, *settings, step)


def _count(states):
    """One more step: how many there were."""
    for state in states:
        state["step"] += 1
    return states[0]["step"]
