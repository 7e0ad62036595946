"""Train a network:  python -m minicnn.train lenet"""
import argparse
import contextlib
import dataclasses
import itertools
import json
import pathlib
import signal
import time

from minicnn import command, data, device, models
from minicnn.errors import InputError
from minicnn.training import checkpoint, metrics, weights
from minicnn.training.console import Console
from minicnn.training.description import describe
from minicnn.training.settings import SCHEDULES, Settings
from minicnn.training.trainer import Trainer
from minicnn.wording import percent

SETTINGS = [field.name for field in dataclasses.fields(Settings)]   # the model first


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m minicnn.train", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Train a network and leave a folder with its weights, measurements and pictures.",
        epilog="examples:\n"
               "  python -m minicnn.train lenet\n"
               "  python -m minicnn.train lenet --data fashion-mnist --epochs 20 --out runs/clothes\n"
               "  python -m minicnn.train lenet --overfit-batch\n"
               "  python -m minicnn.train resnet20 --data cifar10\n"
               "  python -m minicnn.train vgg16 --data folder:photos --classes cat,dog --accumulate 8 --ema 0.999\n"
               "  python -m minicnn.train --resume runs/lenet-mnist")
    parser.add_argument("model", nargs="?", help=f"which network: {', '.join(models.names())}")
    parser.add_argument("--variant", help='which form of it, such as "paper" (default: as the network\'s file says)')
    parser.add_argument("--data", help=f"what it learns: {', '.join(data.names())}; photographs of one's own lie in PATH/CLASS, "
                                       "or in PATH/train/CLASS and PATH/val/CLASS (default: what is here already and suits the network)")
    parser.add_argument("--classes", metavar="A,B,...", help="only these of its classes")
    parser.add_argument("--epochs", type=int, help="how often it sees every training image")
    parser.add_argument("--batch-size", type=int, help="images per step")
    parser.add_argument("--lr", type=float, help="the learning rate at its highest")
    parser.add_argument("--optimizer", help="sgd or adam")
    parser.add_argument("--schedule", help=f"how the learning rate falls: {', '.join(SCHEDULES)}")
    parser.add_argument("--accumulate", type=int, metavar="PARTS", help="work on a batch in so many parts, which takes less memory")
    parser.add_argument("--ema", type=float, metavar="DECAY", help="test and save the moving average of the weights, which keeps such a "
                                                                   "share of itself in each step (0.999, say)")
    parser.add_argument("--seed", type=int, help="decides everything random (default: 0)")
    command.add_device(parser)
    parser.add_argument("--threads", type=int, help="processor cores to use (default: all)")
    parser.add_argument("--out", type=pathlib.Path, help="the folder to leave (default: runs/MODEL-DATA, numbered if it exists)")
    parser.add_argument("--resume", type=pathlib.Path, metavar="FOLDER", help="go on with a run that was stopped")
    parser.add_argument("--overfit-batch", action="store_true", help="only check that the network can learn one batch by heart")
    options = parser.parse_args(arguments)
    if options.model is None and options.resume is None:
        parser.error("name a network to train, such as lenet or resnet20 (--help names them all), or a run to --resume")
    fixed = [name for name in (*SETTINGS[1:], "out") if name != "device" and getattr(options, name) is not None]
    if options.resume is not None and fixed:
        parser.error(f"--resume goes on with the settings of its run: leave out --{fixed[0].replace('_', '-')}")
    return options


def main(arguments=None):
    options = parse(arguments)
    started = time.perf_counter()
    console = Console()
    if options.threads is not None:
        device.set_num_threads(options.threads)
    with announced_compilation(console):
        if options.resume is not None:
            settings = read_settings(options.resume)
            settings = dataclasses.replace(settings, device=command.chosen_device(options.device or settings.device))
            if options.model not in (None, settings.model):
                raise InputError(f"{options.resume} is a run of {settings.model}, not of {options.model}; leave the network's name out")
            trainer = Trainer(settings, options.resume, console)
            trainer.resume()
        else:
            chosen = Settings(**{name: getattr(options, name) for name in SETTINGS if getattr(options, name) is not None})
            settings = dataclasses.replace(chosen.with_data(), device=command.chosen_device(options.device or "auto"))
            trainer = Trainer(settings, options.out or free_folder(f"{settings.model}-{short(settings.data)}"), console)
            if chosen.data is None and settings.data == "shapes":
                console.line("without --data it learns shapes, which are drawn; photographs: --data cifar10 or --data folder:PATH")
        if options.resume is None and not options.overfit_batch:
            trainer.start()
        introduce(trainer)
        if options.overfit_batch:
            return overfit_batch(trainer)
        if trainer.epoch == trainer.settings.epochs:
            console.line(f"{trainer.folder} had reached its last epoch already")
        with stopping_on_interrupt(trainer):
            finished = trainer.run()
    if not finished:
        console.line(f"stopped in epoch {trainer.epoch + 1} after {trainer.batch} of {len(trainer.loader)} batches; everything is saved. "
                     f"Go on with:\n  python -m minicnn.train --resume {trainer.folder}")
        return 130
    conclude(trainer, time.perf_counter() - started)
    return 0


def read_settings(folder):
    """The settings of the run in a folder."""
    if not (folder / checkpoint.FILE).is_file():
        raise InputError(f"{folder} is not the folder of a run: it has no {checkpoint.FILE}. "
                         "Start one with: python -m minicnn.train lenet")
    try:
        return Settings(**json.loads((folder / "config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{folder / 'config.json'} does not hold the settings of a run ({error})") from None


def short(data):
    """Data in a word: those of folder:some/photos are "photos"."""
    return pathlib.Path(data.removeprefix("folder:")).expanduser().resolve().name if data.startswith("folder:") else data


def free_folder(name):
    """runs/name, or runs/name-2, -3, ... if that exists."""
    folders = (pathlib.Path("runs", name if number == 1 else f"{name}-{number}") for number in itertools.count(1))
    return next(folder for folder in folders if not folder.exists())


def introduce(trainer):
    line = trainer.show.line
    settings, train_set = trainer.settings, trainer.train_set
    line(describe(settings.model + (f" ({settings.variant})" if settings.variant else ""), trainer.model))
    line(f"{settings.data}: {len(train_set):,} images to learn from, {len(trainer.test_set):,} to be tested on, "
         f"{len(train_set.classes)} classes{trainer.test_set.remark}")
    parts = f" in {settings.accumulate} parts" if settings.accumulate > 1 else ""
    average = f", weights averaged with {settings.ema:g}" if settings.ema else ""
    line(f"{settings.epochs} epochs, batches of {settings.batch_size}{parts}, {settings.optimizer} with learning rate {settings.lr:g} "
         f"({settings.schedule}){average}, {device.describe(settings.device)}")


def overfit_batch(trainer):
    """The test of a new network: the loss at the start, and whether it can learn one batch by heart."""
    for step, loss, accuracy in trainer.overfit_batch():
        if step == 1 or step % 10 == 0:
            trainer.show.line(f"step {step:3d}   loss {loss:.4f}   recognised {accuracy:.0%}")
    if accuracy == 1:
        trainer.show.line(f"it knows the batch by heart after {step} steps (loss {loss:.4f}): the network can learn")
        return 0
    trainer.show.line(f"after {step} steps it still misses {1 - accuracy:.0%} of one batch: look for a mistake in the network, "
                      "or try another --lr")
    return 1


@contextlib.contextmanager
def stopping_on_interrupt(trainer):
    """Ctrl-C asks the trainer to stop after its step; a second one stops at once."""
    def ask(number, frame):
        trainer.stop_requested = True
        signal.signal(signal.SIGINT, previous)

    previous = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


@contextlib.contextmanager
def announced_compilation(console):
    """Say once that kernels are being compiled, when the first one is: it takes seconds, and only the first time."""
    from kernels.cpu import compiler

    announcements = iter(["compiling kernels (this once; the machine code is kept for later runs) ..."])

    def announce(name):
        for text in announcements:
            console.line(text)

    with compiler.watch(announce):
        yield


def conclude(trainer, seconds):
    """Draw the pictures, and say what there is."""
    from minicnn.training import pictures

    line, folder = trainer.show.line, trainer.folder
    evaluation = trainer.evaluate()
    trainer.model.cpu()
    with trainer.averaged():
        drawn = pictures.draw_all(trainer.model, trainer.test_set, evaluation, trainer.rows, folder,
                                  f"{trainer.settings.model} on {short(trainer.settings.data)}")
    line(f"test accuracy {percent(evaluation.accuracy)} after {trainer.settings.epochs} epochs; {seconds:.0f} s in all")
    line(f"{folder}: {', '.join([weights.FILE, metrics.FILE, 'config.json', *drawn])}")
    line(f"try it:  python -m minicnn.predict {folder} {'digit.png' if trainer.model.input_shape[0] == 1 else 'photo.jpg'}")


if __name__ == "__main__":
    command.run(main)
