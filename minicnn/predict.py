"""Ask a trained network what it sees:  python -m minicnn.predict runs/lenet-mnist digit.png"""
import argparse
import pathlib
from typing import NamedTuple

import numpy as np

from minicnn import Tensor, command, no_grad
from minicnn import functional as F
from minicnn.data import own_images
from minicnn.errors import InputError
from minicnn.training import preparation, weights
from minicnn.wording import confidence

_FORMS = {"mnist": own_images.like_mnist, "fashion-mnist": own_images.like_fashion_mnist}   # what a network has learned to read
_PLOT = pathlib.Path("prediction.png")
_MOST_DRAWN = 20   # images in one picture


class Prediction(NamedTuple):
    """What a network makes of a file."""

    path: pathlib.Path
    brightness: np.ndarray      # (H, W): the file's image
    image: np.ndarray           # (C, H, W): brought into the form of the data set
    probabilities: np.ndarray   # (classes,)


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m minicnn.predict", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Ask a trained network what is on images: photos, scans, drawings of any size, dark on light or the reverse.",
        epilog="examples:\n"
               "  python -m minicnn.predict runs/lenet-mnist digit.png\n"
               "  python -m minicnn.predict runs/lenet-mnist scans/*.jpg --top 1\n"
               "  python -m minicnn.predict runs/lenet-mnist digit.png --plot")
    parser.add_argument("run", type=pathlib.Path, help="the folder that python -m minicnn.train left")
    parser.add_argument("images", type=pathlib.Path, nargs="+", metavar="image", help="image files, one digit or thing on each")
    parser.add_argument("--top", type=int, default=3, metavar="N", help="how many classes to name (default: 3)")
    parser.add_argument("--plot", type=pathlib.Path, nargs="?", const=_PLOT, metavar="FILE",
                        help=f"draw the images, what the network sees, and what it says (default: {_PLOT})")
    options = parser.parse_args(arguments)
    if options.top < 1:
        parser.error(f"--top must be at least 1, not {options.top}")
    return options


def main(arguments=None):
    options = parse(arguments)
    trained = weights.load(options.run)
    if options.plot:
        _spare(options.plot, options.images)
    predictions, width = [], max(len(str(path)) for path in options.images)
    for path in options.images:
        try:
            prediction = predict(trained, path)
        except InputError as problem:
            command.complain(problem)
        else:
            print(f"{str(path):{width}}   {in_words(prediction, trained.classes, options.top)}", flush=True)
            predictions.append(prediction)
    if options.plot and predictions:
        from minicnn import drawing
        from minicnn.training import pictures   # brings matplotlib, which takes as long as all else

        drawing.save(pictures.predictions(predictions[:_MOST_DRAWN], trained.classes), options.plot)
        print(f"drawn to {options.plot}" + f" (the first {_MOST_DRAWN})" * (len(predictions) > _MOST_DRAWN))
    return 0 if len(predictions) == len(options.images) else 2


def predict(trained, path):
    """The Prediction of a network, a weights.Trained, for an image file. InputError if that cannot be read or shows nothing."""
    brightness = own_images.read(path)
    try:
        image = _FORMS[trained.data](brightness)
    except InputError as problem:
        raise InputError(f"{path}: {problem}") from None
    _, transform = preparation.for_tests(trained.preprocessing, image.shape)
    x = transform(image[None].copy(), None)
    with no_grad():
        probabilities = F.softmax(trained.model.eval()(Tensor(np.ascontiguousarray(x))), 1)
    return Prediction(path, brightness, image, probabilities.array[0])


def _spare(plot, images):
    """Only a picture that this command made by default may be replaced."""
    if plot.exists() and (plot != _PLOT or plot.resolve() in {image.resolve() for image in images}):
        raise InputError(f"{plot} exists already and would be overwritten; choose another name for --plot")


def in_words(prediction, classes, top):
    """The most probable classes: "7 (99.1 %)   1 (0.6 %)"."""
    best = np.argsort(-prediction.probabilities, kind="stable")[:top]
    return "   ".join(f"{classes[place]} ({confidence(prediction.probabilities[place])})" for place in best)


if __name__ == "__main__":
    command.run(main)
