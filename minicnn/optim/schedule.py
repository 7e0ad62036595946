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

    def observe(self, metric):
        """Something was measured, on images that are not learned from. Only ReduceLROnPlateau heeds it."""

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


class MultiStepLR(Schedule):
    """Multiply the learning rate by gamma whenever the steps reach one of the milestones."""

    def __init__(self, optimizer, milestones, gamma=0.1):
        super().__init__(optimizer)
        self.milestones, self.gamma = tuple(milestones), gamma

    def at(self, count, base_lr):
        return base_lr * self.gamma ** sum(count >= milestone for milestone in self.milestones)


class PolynomialLR(Schedule):
    """From base_lr down to 0 in total_iters steps, evenly if the power is 1; there it stays."""

    def __init__(self, optimizer, total_iters=5, power=1.0):
        super().__init__(optimizer)
        self.total_iters, self.power = total_iters, power

    def at(self, count, base_lr):
        return base_lr * (1 - min(count, self.total_iters) / self.total_iters) ** self.power


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


class ReduceLROnPlateau(Schedule):
    """Multiply the learning rate by factor when a metric has not improved for more than `patience` measurements.

    As torch.optim.lr_scheduler.ReduceLROnPlateau: call step(metric) after each measurement. Where steps are batches and measurements
    rarer, call step() and observe(metric). An improvement is one by more than the share `threshold`; mode "min" means that lower
    is better, "max" that higher is.
    """

    def __init__(self, optimizer, mode="min", factor=0.1, patience=10, threshold=1e-4, min_lr=0.0):
        super().__init__(optimizer)
        if mode not in ("min", "max"):
            raise ValueError(f"ReduceLROnPlateau: mode must be 'min' or 'max', not {mode!r}")
        self.mode, self.factor, self.patience, self.threshold, self.min_lr = mode, factor, patience, threshold, min_lr
        self.best = None           # of the metric
        self.without = 0           # measurements since then or since the last cut
        self.cuts = 0

    def at(self, count, base_lr):
        return min(base_lr, max(base_lr * self.factor ** self.cuts, self.min_lr))

    def step(self, metric=None):
        if metric is not None:
            self.observe(metric)
        super().step()

    def observe(self, metric):
        if self.best is None or self._improves(metric):
            self.best, self.without = metric, 0
        else:
            self.without += 1
        if self.without > self.patience:
            self.cuts, self.without = self.cuts + 1, 0
        self.optimizer.lr = self.at(self.count, self.base_lr)

    def _improves(self, metric):
        if self.mode == "min":
            return metric < self.best * (1 - self.threshold)
        return metric > self.best * (1 + self.threshold)

    def state_dict(self):
        return {**super().state_dict(), "best": self.best, "without": self.without, "cuts": self.cuts}

    def load_state_dict(self, state_dict):
        self.best, self.without, self.cuts = (state_dict[name] for name in ("best", "without", "cuts"))
        super().load_state_dict(state_dict)


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

    def observe(self, metric):
        if self.then is not None:
            self.then.observe(metric)
        self.optimizer.lr = self.at(self.count, self.base_lr)

    def state_dict(self):
        return {**super().state_dict(), "then": self.then and self.then.state_dict()}

    def load_state_dict(self, state_dict):
        if self.then is not None:
            self.then.load_state_dict(state_dict["then"])
        super().load_state_dict(state_dict)
