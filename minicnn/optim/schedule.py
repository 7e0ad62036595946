"""Schedules: the learning rate as a function of how many steps were taken. A step is a batch or an epoch: whoever calls `step()`
decides."""
import math


class Schedule:
    """A subclass says in `at` what the learning rate is after `count` steps, if it was base_lr when the schedule was made."""

    def __init__(self, optimizer):
        self.optimizer, self.base_lr, self.count = optimizer, optimizer.lr, 0

    def at(self, count, base_lr):
        raise NotImplementedError

    def step(self):
        self.count += 1
        self.optimizer.lr = self.at(self.count, self.base_lr)

    def state_dict(self):
        return {"base_lr": self.base_lr, "count": self.count}

    def load_state_dict(self, state_dict):
        self.base_lr, self.count = state_dict["base_lr"], state_dict["count"]
        self.optimizer.lr = self.at(self.count, self.base_lr)


class StepLR(Schedule):
    """Multiply the learning rate by gamma every step_size steps."""

    def __init__(self, optimizer, step_size, gamma=0.1):
        super().__init__(optimizer)
        self.step_size, self.gamma = step_size, gamma

    def at(self, count, base_lr):
        return base_lr * self.gamma ** (count // self.step_size)


class CosineAnnealingLR(Schedule):
    """Half a cosine from base_lr down to eta_min in T_max steps, where it stays (PyTorch's would rise again).

    Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts" (ICLR 2017), equation 5, without restarts.
    """

    def __init__(self, optimizer, T_max, eta_min=0.0):
        super().__init__(optimizer)
        self.T_max, self.eta_min = T_max, eta_min

    def at(self, count, base_lr):
        share = (1 + math.cos(math.pi * min(count, self.T_max) / self.T_max)) / 2
        return self.eta_min + (base_lr - self.eta_min) * share


class WarmupLR(Schedule):
    """Rise evenly to base_lr in warmup_steps steps, then follow the schedule `then` (or stay).

    Goyal et al., "Accurate, large minibatch SGD" (2017), section 2.2.

        schedule = WarmupLR(optimizer, 500, then=CosineAnnealingLR(optimizer, T_max=9500))
    """

    def __init__(self, optimizer, warmup_steps, then=None):
        super().__init__(optimizer)
        self.warmup_steps, self.then = warmup_steps, then
        optimizer.lr = self.at(0, self.base_lr)

    def at(self, count, base_lr):
        if count < self.warmup_steps:
            return base_lr * (count + 1) / (self.warmup_steps + 1)
        return base_lr if self.then is None else self.then.at(count - self.warmup_steps, base_lr)
