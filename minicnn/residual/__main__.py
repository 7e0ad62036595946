"""Look into trained residual networks:  python -m minicnn.residual runs/resnet20-cifar10"""
import argparse
import csv
import itertools
import pathlib

import numpy as np

from minicnn import command, data, models, random
from minicnn.errors import InputError
from minicnn.models.resnet import PlainBlock, Residual
from minicnn.residual import degradation, gradients, lesions, paths
from minicnn.training import metrics, preparation, weights
from minicnn.wording import percent

_BATCH = 50      # images; what every block sees of them is kept
_BATCHES = 4     # of training images, for gradients
_REPEATS = 10    # random draws of each kind


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m minicnn.residual", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Look into a trained residual or plain network: the gradient at each depth, what is left when blocks are taken out\n"
                    "or swapped, and the lengths of the paths that the gradient takes. Pictures go to the run's folder.\n"
                    "Of several runs: how their training errors fell, in one picture.",
        epilog="examples:\n"
               "  python -m minicnn.residual runs/resnet20-cifar10\n"
               "  python -m minicnn.residual runs/resnet20-cifar10 --images 2000\n"
               "  python -m minicnn.residual runs/plain20-cifar10 runs/plain56-cifar10 runs/resnet20-cifar10 runs/resnet56-cifar10")
    parser.add_argument("runs", type=pathlib.Path, nargs="+", metavar="run", help="the folder that python -m minicnn.train left")
    parser.add_argument("--images", type=int, default=500, metavar="N", help="test images to measure errors on (default: 500)")
    options = parser.parse_args(arguments)
    if options.images < 1:
        parser.error(f"--images must be at least 1, not {options.images}")
    return options


def main(arguments=None):
    options = parse(arguments)
    if len(options.runs) > 1:
        drawn = {options.runs[-1] / "degradation.png": compare(options.runs)}
    else:
        drawn = look_into(options.runs[0], options.images)
    from minicnn import drawing

    for path, figure in drawn.items():
        drawing.save(figure, path)
        print(f"drawn to {path}", flush=True)
    return 0


def compare(folders):
    """The training errors of several runs, a Figure."""
    from minicnn.residual import pictures   # brings matplotlib, for which a mistake need not wait

    runs = sorted(((_load(folder), folder) for folder in folders), key=lambda run: len(run[0].blocks()))
    curves = {}
    for model, folder in runs:
        if model.name in curves:
            raise InputError(f"{folder} is another run of {model.name}: choose runs of different networks")
        curves[model.name] = _curve(folder / metrics.FILE)
    return pictures.degradation(curves, "Training errors of networks of different depth")


def _load(folder):
    """The network of a run. InputError if it is none of blocks."""
    model = weights.load(folder)
    if not isinstance(model, Residual):
        raise InputError(f"{model.name} is not made of blocks: this is for residual networks and their plain counterparts, "
                         "python -m minicnn.train resnet20 say")
    return model


def _curve(path):
    """The training errors in a metrics.csv."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [(float(row["epoch"]), 1 - float(row["train_accuracy"])) for row in csv.DictReader(file)]
        when, errors = np.array(rows).T
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} does not hold the measurements of a run ({error}); train it again") from None
    return degradation.Curve(when, errors)


def look_into(folder, images):
    """All pictures of one run, by their paths."""
    from minicnn.residual import pictures

    model = _load(folder)
    name = model.name
    tested, learned_from = _batches(model, False, images), _batches(model, True, _BATCHES * _BATCH)
    generator = np.random.default_rng(0)
    drawn = {}

    random.manual_seed(0)
    new = models.get(name, variant=model.variant, num_classes=len(model.classes))
    drawn["gradients.png"] = pictures.gradients(
        {f"{name}, new": gradients.by_depth(new, learned_from), f"{name}, trained": gradients.by_depth(model, learned_from)},
        f"The gradient at each depth of {name}")

    whole = lesions.errors(model, tested, [lesions.whole(model)])[0]
    print(f"{name}: {percent(whole)} of {sum(len(labels) for _, labels in tested):,} test images not recognised", flush=True)
    single = lesions.delete_each(model, tested)
    print(f"without one of its {len(single)} blocks: {percent(np.nanmedian(single))} (median), at most {percent(np.nanmax(single))}",
          flush=True)
    drawn["lesions.png"] = pictures.lesions({name: single}, {name: whole}, "What is not recognised without one of the blocks")

    most = max(1, len(lesions.removable(model, tested[0][0])) // 2)
    counts = np.unique(np.linspace(1, most, 8).astype(int))
    deleted = lesions.delete_some(model, tested, counts, _REPEATS, generator)
    taus, swapped = lesions.swap_some(model, tested, counts, _REPEATS, generator)
    drawn["reordering.png"] = pictures.deletions_and_swaps(counts, deleted, taus, swapped, whole,
                                                           f"Several blocks of {name} taken out, or swapped")

    if not isinstance(model.blocks()[0], PlainBlock):
        norms = paths.gradient_by_length(model, learned_from, range(len(single) + 1), _REPEATS, generator)
        first, last = paths.middle(paths.share_of_gradient(norms))
        print(f"95 % of the gradient comes by paths through {first} to {last} of the blocks", flush=True)
        drawn["paths.png"] = pictures.path_lengths(norms, f"Paths through the {len(single)} blocks of {name}")
    return {folder / file: figure for file, figure in drawn.items()}


def _batches(model, train, count):
    """So many random images of the data that the network has learned, or all if there are less, as a list of batches."""
    dataset = data.get(model.learned_from, train=train, classes=model.classes)
    crop, transform = preparation.for_tests(model.preprocessing, dataset.image_shape)
    count = min(count, len(dataset))
    size = max(1, min(_BATCH, count // 2))   # two batches at least, to compare
    loader = data.DataLoader(dataset, size, shuffle=True, crop=crop, transform=transform)
    return list(itertools.islice(loader.epoch(0), count // size))


if __name__ == "__main__":
    command.run(main)
