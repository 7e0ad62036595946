"""Ask a network what it sees:  python -m minicnn.predict photo.jpg, or one's own:  python -m minicnn.predict runs/lenet-mnist digit.png"""
import argparse
import pathlib
from typing import NamedTuple

import numpy as np

from minicnn import command, models, no_grad
from minicnn import functional as F
from minicnn.errors import InputError
from minicnn.training import weights
from minicnn.training.seeing import look
from minicnn.wording import confidence

_MODEL = "squeezenet"   # its weights come with the package
_PLOT = pathlib.Path("prediction.png")
_MOST_DRAWN = 20   # images in one picture


class Prediction(NamedTuple):
    """What a network makes of a file."""

    path: pathlib.Path
    original: np.ndarray        # (H, W) brightness or (H, W, 3) colours, from 0 to 1: the file's image
    image: np.ndarray           # (C, H, W), from 0 to 1: brought into the form of the data set
    probabilities: np.ndarray   # (classes,)


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m minicnn.predict", formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%(prog)s [run] image [image ...] [--model NAME] [--top N] [--plot [FILE]] [--device D]",
        description="Ask a network what is on images. Without a run it is one that knows the 1000 classes of ImageNet. One's own is\n"
                    "asked about what it has learned: photographs, or scans and drawings of digits or clothes, of any size.",
        epilog="examples:\n"
               "  python -m minicnn.predict photo.jpg\n"
               "  python -m minicnn.predict photos/*.jpg --model resnet50 --top 5\n"
               "  python -m minicnn.predict photo.jpg --plot\n"
               "  python -m minicnn.predict runs/lenet-mnist scans/*.png --top 1")
    parser.add_argument("paths", type=pathlib.Path, nargs="+", metavar="[run] image",
                        help="the folder that python -m minicnn.train left, if its network is to be asked; image files, one thing on each")
    parser.add_argument("--model", metavar="NAME",
                        help=f"a network with ImageNet weights (default: {_MODEL}, whose weights are here; those of others are downloaded)")
    parser.add_argument("--top", type=int, default=3, metavar="N", help="how many classes to name (default: 3)")
    parser.add_argument("--plot", type=pathlib.Path, nargs="?", const=_PLOT, metavar="FILE",
                        help=f"draw the images, what the network sees, and what it says (default: {_PLOT})")
    command.add_device(parser)
    options = parser.parse_args(arguments)
    if options.top < 1:
        parser.error(f"--top must be at least 1, not {options.top}")
    first, *others = options.paths
    if options.model and _looks_like_a_run(first):
        parser.error(f"{first} is a run, which has a network of its own: leave --model {options.model} away")
    named = others and not options.model and (first.is_dir() or not first.suffix)   # images have endings, and are no folders
    options.run, options.images = (first, others) if named or _looks_like_a_run(first) else (None, options.paths)
    if not options.images:
        parser.error(f"name the images that {first} is asked about, too")
    return options


def _looks_like_a_run(path):
    return path.suffix == ".safetensors" or any((path / name).exists() for name in (weights.FILE, "config.json"))


def main(arguments=None):
    options = parse(arguments)
    model = weights.load(options.run) if options.run else models.get(options.model or _MODEL, weights="imagenet")
    model.to(command.chosen_device(options.device or "auto"))
    if options.plot:
        command.spare(options.plot, _PLOT, options.images, "--plot")
    predictions, width = [], max(len(str(path)) for path in options.images)
    for path in options.images:
        try:
            prediction = predict(model, path)
        except InputError as problem:
            command.complain(problem)
        else:
            print(f"{str(path):{width}}   {in_words(prediction, model.classes, options.top)}", flush=True)
            predictions.append(prediction)
    if options.plot and predictions:
        from minicnn import drawing
        from minicnn.training import pictures   # brings matplotlib, which takes as long as all else

        drawing.save(pictures.predictions(predictions[:_MOST_DRAWN], model.classes, options.top), options.plot)
        print(f"drawn to {options.plot}" + f" (the first {_MOST_DRAWN})" * (len(predictions) > _MOST_DRAWN))
    return 0 if len(predictions) == len(options.images) else 2


def predict(model, path):
    """The Prediction of a network for an image file. InputError if that cannot be read or shows nothing."""
    seen = look(model, path)
    with no_grad():
        probabilities = F.softmax(model.eval()(seen.x), 1)
    return Prediction(path, seen.original, seen.image, probabilities.cpu().array[0])


def in_words(prediction, classes, top):
    """The most probable classes: "7 (99.1 %)   1 (0.6 %)"."""
    best = np.argsort(-prediction.probabilities, kind="stable")[:top]
    return "   ".join(f"{classes[place]} ({confidence(prediction.probabilities[place])})" for place in best)


if __name__ == "__main__":
    command.run(main)
