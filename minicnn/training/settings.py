"""What a run was told to do, and what follows from it."""
import dataclasses
import json

from minicnn import data, models, optim
from minicnn.errors import InputError
from minicnn.nn import init


SCHEDULES = "cosine", "linear", "steps", "plateau", "exponential"   # how a learning rate falls; models/classifier.py says how


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that decides a run's result. None stands for the network's recipe, if nothing else is said."""

    model: str
    variant: str | None = None
    data: str | None = None      # None stands for what `with_data` chooses
    classes: str | None = None   # of the folders of data, with commas between them
    epochs: int | None = None
    batch_size: int | None = None
    optimizer: str | None = None
    lr: float | None = None
    schedule: str | None = None  # one of SCHEDULES
    accumulate: int = 1          # so many parts of a batch are worked on one after the other
    ema: float | None = None     # what the average of the weights keeps in each step
    seed: int = 0
    device: str = "cpu"          # one of minicnn.device.NAMES

    def __post_init__(self):
        if not 0 <= self.seed < 2 ** 63:
            raise InputError(f"--seed must be a whole number from 0 to {2 ** 63 - 1}, not {self.seed}")

    def with_data(self):
        """These settings with data, if they name none: what ships with the package, is at hand already, or is drawn, and suits the
        network."""
        if self.data is not None:
            return self
        with init.skipped():   # only the shape of its input is asked
            channels, *size = make_model(self).input_shape
        if channels == 1:
            chosen = "mnist"
        else:
            chosen = "cifar10" if size == [32, 32] and data.CIFAR10.is_here() else "shapes"
        return dataclasses.replace(self, data=chosen)

    def complete(self, recipe, images):
        """These settings with the recipe's where they say nothing, for so many training images. InputError if one makes no sense."""
        chosen = {name: getattr(recipe, name) for name in ("epochs", "batch_size", "optimizer", "lr", "schedule")
                  if getattr(self, name) is None}
        if self.optimizer == "adam" != recipe.optimizer and self.lr is None:
            chosen["lr"] = 1e-3   # a rate for SGD is far too high for Adam
        if self.batch_size is None:
            chosen["batch_size"] = min(recipe.batch_size, images)
        settings = dataclasses.replace(self, **chosen)
        if settings.epochs < 1:
            raise InputError(f"--epochs must be at least 1, not {settings.epochs}")
        if not 0 < settings.lr < float("inf"):
            raise InputError(f"--lr must be a positive number, not {settings.lr}")
        if settings.schedule not in SCHEDULES:
            raise InputError(f"there is no schedule {settings.schedule!r}: choose {', '.join(SCHEDULES[:-1])} or {SCHEDULES[-1]}")
        if not 1 <= settings.accumulate <= max(1, settings.batch_size):
            raise InputError(f"--accumulate must be a whole number from 1 to the images of a batch, {settings.batch_size}, "
                             f"not {settings.accumulate}")
        if settings.ema is not None and not 0 < settings.ema < 1:
            raise InputError(f"--ema must be between 0 and 1, such as 0.999, not {settings.ema}")
        return settings

    def to_json(self):
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"


def load_data(settings, train):
    """The training or the test images."""
    classes = settings.classes and [name.strip() for name in settings.classes.split(",")]
    return data.get(settings.data, train=train, classes=classes)


def make_model(settings, classes=None):
    return models.get(settings.model, variant=settings.variant, num_classes=classes)


def make_optimizer(settings, recipe, parameters, steps_per_epoch):
    """The optimiser, and the schedule of its learning rate: a rise, then what the recipe says."""
    if settings.optimizer == "sgd":
        optimizer = optim.SGD(parameters, settings.lr, recipe.momentum, weight_decay=recipe.weight_decay)
    elif settings.optimizer == "adam":
        optimizer = optim.Adam(parameters, settings.lr, weight_decay=recipe.weight_decay)
    else:
        raise InputError(f"there is no optimizer {settings.optimizer!r}: choose sgd or adam")
    steps = settings.epochs * steps_per_epoch
    warmup = min(int(recipe.warmup_epochs * steps_per_epoch), steps // 2)
    if settings.schedule == "cosine":
        schedule = optim.CosineAnnealingLR(optimizer, steps - warmup)
    elif settings.schedule == "linear":
        schedule = optim.PolynomialLR(optimizer, steps - warmup)
    elif settings.schedule == "steps":
        schedule = optim.MultiStepLR(optimizer, [round(share * steps) - warmup for share in recipe.milestones])
    elif settings.schedule == "plateau":
        schedule = optim.ReduceLROnPlateau(optimizer, patience=max(1, settings.epochs // 18))   # AlexNet has 90 epochs: 5 of them
    else:
        schedule = optim.StepLR(optimizer, 8 * steps_per_epoch, gamma=0.96)   # "exponential"
    return optimizer, optim.WarmupLR(optimizer, warmup, schedule)
