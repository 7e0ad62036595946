"""What the commands have in common: the photograph, the network, and where the picture goes."""
import argparse
import pathlib

import numpy as np
from tqdm import tqdm

from minicnn import command, data, models, no_grad
from minicnn.data import photographs
from minicnn.errors import InputError
from minicnn.training import weights
from minicnn.training.seeing import look, takes_photographs
from minicnn.visualize import classes, crops

MODEL = "squeezenet"   # its weights come with the package
_LEAST = 8             # pixels that an image must have along each side


def add_parser(parsers, name, run, summary, examples, photo=True, ending="png"):
    """A parser of the word `name`, with what all have: the photograph, --model, --out, --device.

    summary   one line for the list of words
    examples  lines of what follows `python -m minicnn.visualize`
    ending    of the file that it leaves, `name.ending`, if --out is not given
    """
    parser = parsers.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.",
                                formatter_class=argparse.RawDescriptionHelpFormatter,
                                epilog="\n".join(["examples:"] + [f"  python -m minicnn.visualize {example}" for example in examples]))
    if photo:
        parser.add_argument("photo", type=pathlib.Path, help="an image file")
    parser.add_argument("--model", default=MODEL, metavar="NAME",
                        help=f"a network with ImageNet weights, or the folder of a run of python -m minicnn.train (default: {MODEL}, whose "
                             "weights are here; those of others are downloaded)")
    default = pathlib.Path(f"{name}.{ending}")
    parser.add_argument("--out", type=pathlib.Path, default=default, metavar="FILE", help=f"what to draw to (default: {default})")
    command.add_device(parser)
    parser.set_defaults(run=run, default_out=default)
    return parser


def model_of(options):
    """The network that was asked for, in evaluation mode, on its device."""
    if options.model in models.names():
        model = models.get(options.model, weights="imagenet")
    elif pathlib.Path(options.model).exists():
        model = weights.load(options.model)
    else:
        model = models.get(options.model)   # says what there is
    return model.eval().to(command.chosen_device(options.device or "auto"))


def begin(options):
    """The network, and what it sees of the photograph, a training.seeing.Seen. InputError if there is nothing to see, or if the
    picture would overwrite something."""
    check_out(options)
    model = model_of(options)
    return model, see(model, options.photo)


def check_out(options):
    command.spare(options.out, options.default_out, [options.photo] if getattr(options, "photo", None) else [])
    if not options.out.parent.is_dir():
        raise InputError(f"the folder {options.out.parent} does not exist: make it, or choose another name for --out")


def see(model, path):
    """What the network sees of an image file. InputError if that is too small to show anything."""
    seen = look(model, path)
    height, width = seen.original.shape[:2]
    if min(height, width) < _LEAST:
        raise InputError(f"{path} has {width} x {height} pixels; for a network to see something there must be {_LEAST} x {_LEAST}")
    return seen


def images(model, folder=None, but=None):
    """Images to search for what a network answers to, as it takes them: of a folder; or the photographs that come with the package, for
    a network of digits or clothes their test images.

    but  a file that is left out
    """
    if not takes_photographs(model):
        if folder is None:
            return crops.of_dataset(model.preprocessing, data.get(model.learned_from, train=False, classes=model.classes))
        return (look(model, path).x.cpu().numpy()[0] for path in _progress(crops.files(folder)))
    files = [file for file in crops.files(folder or photographs.EXAMPLES) if but is None or file.resolve() != but.resolve()]
    return crops.of_photographs(model.preprocessing, _progress(files))


def _progress(paths):
    return tqdm(paths, unit="image", leave=False, disable=None)


def best_class(model, seen):
    """The number of the class that the network finds most probable."""
    with no_grad():
        return int(np.argmax(model(seen.x).cpu().array[0]))


def wanted_class(options, model, seen):
    """The number of the class that --class names, or else of the most probable one."""
    return best_class(model, seen) if options.wanted is None else classes.find(model, options.wanted)


def finish(options, figure):
    """Save the picture and say where it is."""
    from minicnn import drawing

    drawing.save(figure, options.out)
    print(f"drawn to {options.out}", flush=True)
    return 0
