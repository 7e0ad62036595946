"""How often is a network wrong about photographs?  python -m minicnn.evaluate FOLDER, which has a folder of images for each class"""
import argparse
import difflib
import pathlib
import re
import sys

import numpy as np

from minicnn import command, evaluation, models
from minicnn.data import folder
from minicnn.errors import InputError
from minicnn.models import imagenet
from minicnn.training import weights
from minicnn.wording import percent

_MOST_COMPLAINTS = 5   # about folders, before the rest is only counted


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m minicnn.evaluate", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="The top-1 and top-5 error of a network on a folder that has a folder of images for each class, as ImageNet's\n"
                    "challenge has it. These are called by WordNet ids (n02124075) or the names of classes (tabby, Egyptian_cat).",
        epilog="examples:\n"
               "  python -m minicnn.evaluate imagenet/val\n"
               "  python -m minicnn.evaluate imagenet/val --model resnet50 --crops 10\n"
               "  python -m minicnn.evaluate pets/val --model runs/resnet20-pets")
    parser.add_argument("folder", type=pathlib.Path, help="the folder of class folders")
    parser.add_argument("--model", default="squeezenet", metavar="NAME|RUN",
                        help="a network with ImageNet weights, or the folder that python -m minicnn.train left (default: squeezenet)")
    parser.add_argument("--crops", choices=evaluation.CROPS, default="1",
                        help="what a network sees of a photograph: its middle; ten crops of it; or all of it, place by place (default: 1)")
    command.add_device(parser)
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    model = load(options.model).to(command.chosen_device(options.device or "auto"))
    images, problems = for_network(read(options.folder, model), model)
    for problem in problems[:_MOST_COMPLAINTS]:
        command.complain(problem)
    if len(problems) > _MOST_COMPLAINTS:
        command.complain(f"and {len(problems) - _MOST_COMPLAINTS:,} more folders that are left out")
    result = evaluation.evaluate(model, images, options.crops, _progress)
    classes = len(np.unique(images.labels))
    print(f"{options.model} on {options.folder}: {len(images):,} images of {classes:,} classes, crops: {options.crops}")
    print(f"top-1 error {percent(1 - result.accuracy)}")
    if len(model.classes) > 5:
        print(f"top-5 error {percent(1 - result.accuracy_within(5))}")
    return 2 if problems else 0


def load(name):
    """The network of a run's folder, or the published one of a name."""
    if name not in models.names() and (pathlib.Path(name).exists() or len(pathlib.Path(name).parts) > 1):
        return weights.load(name)
    return models.get(name, weights="imagenet")


def read(path, model):
    """All images of the class folders, as a data set. Of a folder with train and val they are those of val, and of the one that a run
    was trained on those that it has not seen."""
    kind, _, learned_from = model.learned_from.partition(":")
    own = kind == "folder" and pathlib.Path(learned_from).expanduser().resolve() == path.resolve()
    if own or all((path / part).is_dir() for part in ("train", "val")):
        return folder.get(path, train=False)
    return folder.everything(path)


def for_network(images, model):
    """A data set's images with labels that are places in the network's classes, and a sentence for each class that it has not.

    InputError if it has none of them.
    """
    places, problems = [], []
    for name in images.classes:
        try:
            places.append(place(name, model.classes))
        except InputError as problem:
            places.append(-1)
            problems.append(f"the folder {name} is left out: {problem}")
    labels = np.array(places)[images.labels]
    known = np.flatnonzero(labels >= 0)
    if not len(known):
        raise InputError(f"{model.name} knows none of the classes that {images.name} has; {problems[0]}")
    images = images.subset(known)
    images.labels, images.classes = labels[known], model.classes
    return images, problems


def place(name, classes):
    """Which of a network's classes is meant: by its name, or for ImageNet's by any word for it, or by a WordNet id that `name` begins with.

    InputError if none is, or it is not clear which.
    """
    if classes == imagenet.names():
        id = re.match(r"n\d{8}(?!\d)", name)
        return imagenet.classes().index(imagenet.look_up(id[0] if id else name, imagenet.classes()))
    known = {_plain(each): position for position, each in enumerate(classes)}
    if _plain(name) not in known:
        nearest = difflib.get_close_matches(_plain(name), known, n=1)
        suggestion = f": did you mean {classes[known[nearest[0]]]!r}?" if nearest else ""
        raise InputError(f"the network has no class {name!r}{suggestion}")
    return known[_plain(name)]


def _plain(name):
    return name.replace("_", " ").casefold()


def _progress(loader):
    from tqdm import tqdm

    return tqdm(loader, unit="batch", leave=False, disable=not sys.stderr.isatty())


if __name__ == "__main__":
    command.run(main)
