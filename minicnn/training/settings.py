"""What a run was told to do, and what follows from it."""
import dataclasses
import json

from minicnn import models, optim
from minicnn.data import transforms
from minicnn.errors import InputError


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that decides a run's result. None stands for the network's recipe."""

    model: str
    variant: str | None = None
    data: str = "mnist"
    epochs: int | None = None
    batch_size: int | None = None
    optimizer: str | None = None
    lr: float | None = None
    seed: int = 0

    def __post_init__(self):
        if not 0 <= self.seed < 2 ** 63:
            raise InputError(f"--seed must be a whole number from 0 to {2 ** 63 - 1}, not {self.seed}")

    def complete(self, recipe):
        """These settings with the recipe's where they say nothing. InputError if one makes no sense."""
        chosen = {name: getattr(recipe, name) for name in ("epochs", "batch_size", "optimizer", "lr") if getattr(self, name) is None}
        if self.optimizer == "adam" != recipe.optimizer and self.lr is None:
            chosen["lr"] = 1e-3   # a rate for SGD is far too high for Adam
        settings = dataclasses.replace(self, **chosen)
        if settings.epochs < 1:
            raise InputError(f"--epochs must be at least 1, not {settings.epochs}")
        if not 0 < settings.lr < float("inf"):
            raise InputError(f"--lr must be a positive number, not {settings.lr}")
        return settings

    def to_json(self):
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"


def make_model(settings, classes):
    return models.get(settings.model, variant=settings.variant, num_classes=classes)


def make_optimizer(settings, recipe, parameters, steps_per_epoch):
    """The optimiser, and the schedule of its learning rate: a rise, then half a cosine down to 0 at the run's last step."""
    if settings.optimizer == "sgd":
        optimizer = optim.SGD(parameters, settings.lr, recipe.momentum, weight_decay=recipe.weight_decay)
    elif settings.optimizer == "adam":
        optimizer = optim.Adam(parameters, settings.lr, weight_decay=recipe.weight_decay)
    else:
        raise InputError(f"there is no optimizer {settings.optimizer!r}: choose sgd or adam")
    steps = settings.epochs * steps_per_epoch
    warmup = min(int(recipe.warmup_epochs * steps_per_epoch), steps // 2)
    return optimizer, optim.WarmupLR(optimizer, warmup, optim.CosineAnnealingLR(optimizer, steps - warmup))


def make_transform(preprocessing, image_shape, augmentation=()):
    """From a data set's images to the network's input, by way of the transforms that make more of them."""
    borders = {(wanted - size) / 2 for wanted, size in zip(preprocessing.size, image_shape[1:])}
    steps = []
    if borders != {0}:
        border = borders.pop()
        if borders or border < 0 or border % 1:
            raise InputError(f"images of {image_shape[1]} x {image_shape[2]} pixels do not fit this network, "
                             f"which takes {preprocessing.size[0]} x {preprocessing.size[1]}")
        steps.append(transforms.Pad(int(border)))
    return transforms.Compose([*steps, *augmentation, transforms.Normalize(preprocessing.mean, preprocessing.std)])
