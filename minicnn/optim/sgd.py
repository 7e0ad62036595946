"""Stochastic gradient descent."""
from minicnn.device import kernels_for, lasting, varying
from minicnn.optim.optimizer import Optimizer


class SGD(Optimizer):
    """As torch.optim.SGD: with gradient g (plus weight_decay * parameter),

        velocity = momentum * velocity + g
        parameter -= lr * velocity                     (with nesterov: lr * (g + momentum * velocity))

    Momentum: Polyak (1964); its Nesterov form: Sutskever et al., "On the importance of initialization and momentum in deep
    learning" (ICML 2013).
    """

    settings = ("lr", "momentum", "weight_decay", "nesterov")

    def __init__(self, parameters, lr=1e-3, momentum=0.0, *, weight_decay=0.0, nesterov=False):
        super().__init__(parameters, lr)
        self._at_least(0, momentum=momentum, weight_decay=weight_decay)
        if nesterov and not momentum:
            raise ValueError("SGD: nesterov needs a momentum above 0")
        self.momentum, self.weight_decay, self.nesterov = momentum, weight_decay, nesterov

    def update(self, parameters, gradients, states):
        if self.momentum:
            for parameter, state in zip(parameters, states):
                if "velocity" not in state:
                    state["velocity"] = lasting(parameter, 0)
        velocities = [state["velocity"] for state in states] if self.momentum else None
        kernels, settings = kernels_for(*parameters), (self.momentum, self.weight_decay, self.nesterov)
        if hasattr(kernels, "sgd_all"):
            kernels.sgd_all(parameters, gradients, velocities, varying(parameters[0], lambda: self.lr), *settings, self.tables)
            return
        for parameter, gradient, velocity in zip(parameters, gradients, velocities or [None] * len(parameters)):
            kernels.sgd(parameter, gradient, velocity, self.lr, *settings)
