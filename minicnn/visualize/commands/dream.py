"""python -m minicnn.visualize dream: what a network would like to see, from noise or in a photograph."""
import pathlib

import numpy as np
from tqdm import tqdm

from minicnn import command, random
from minicnn.errors import InputError
from minicnn.visualize import classes, dreaming, film, layers, natural
from minicnn.visualize.commands import shared
from minicnn.visualize.objectives import channel, whole
from minicnn.wording import confidence, shortened

_MIDDLE = 5                       # layers, from low to high, of which the middle one is enhanced in a photograph
_STAGES = 4                       # drawn before the last
_FRAMES = 40                      # of a film of a dream that grows, about
_FRAME_STEPS = 4                  # of dreaming for each frame of a journey


def add(parsers):
    parser = shared.add_parser(
        parsers, "dream", run, "what a network would like to see: a class from noise, or what it finds in a photograph, enhanced",
        ["dream --class banana", "dream --class flamingo --gif", "dream photo.jpg --layer fire5", "dream photo.jpg --zoom 60"], photo=False)
    parser.add_argument("photo", type=pathlib.Path, nargs="?", help="an image file to dream in (default: dream from noise)")
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument("--class", dest="wanted", metavar="NAME", help="a class to dream of")
    wanted.add_argument("--layer", metavar="NAME", help="a layer whose answers are enhanced, whatever they are")
    parser.add_argument("--channel", type=int, metavar="N", help="only this map of the layer, from 0")
    parser.add_argument("--steps", type=int, metavar="N",
                        help=f"steps (default: {dreaming.STEPS}; of what a layer answers to in a photograph, {dreaming.OCTAVE_STEPS} "
                             "at each of its sizes)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another number, another dream (default: 0)")
    parser.add_argument("--gif", action="store_true", help="also save how the dream grows, as a GIF beside the picture")
    parser.add_argument("--zoom", type=int, metavar="N", help="also save a journey into the dream, so many frames, as a GIF beside it")


def run(options):
    grows, zoom = (options.out.with_name(f"{options.out.stem}-{what}.gif") for what in ("grows", "zoom"))
    _check(options, [grows] * options.gif + [zoom] * (options.zoom is not None))
    model = shared.model_of(options)
    start = shared.see(model, options.photo).image if options.photo else None
    objective, what = _objective(model, options)
    random.manual_seed(options.seed)
    in_octaves = start is not None and options.wanted is None
    steps = options.steps or (dreaming.OCTAVE_STEPS if in_octaves else dreaming.STEPS)
    total = steps * len(dreaming.octaves(start.shape[1:])) if in_octaves else steps
    stages, growing = _spread(total, _STAGES), _spread(total, _FRAMES) if options.gif else []
    frames = {}

    def see(step, pixels, value):
        bar.update()
        if step in stages or step in growing:
            frames[step] = pixels

    with tqdm(total=total, unit="step", leave=False, disable=None) as bar:
        last = (dreaming.in_octaves if in_octaves else dreaming.dream)(model, objective, start, steps, see=see)
    from minicnn.visualize.pictures import dreams   # brings matplotlib, for which a mistake need not wait

    shown = [*((f"step {step}" if step else "start", frames[step]) for step in stages), (f"after {total} steps", last)]
    remark = _remark(model, options, last)
    place = "noise" if start is None else shortened(options.photo.name)
    shared.finish(options, dreams.stages(shown, f"{model.name} dreams of {what}, from {place}", remark))
    print(remark)
    if options.gif:
        film.save([dreaming.resized(frame, last.shape[1:]) for frame in map(frames.get, growing)] + [last], grows)
        print(f"how it grew: {grows}")
    if options.zoom is not None:
        prior = dreaming.IN_PHOTOGRAPHS if in_octaves else natural.NATURAL
        journey = film.journey(model, objective, last, options.zoom, _FRAME_STEPS, prior)
        film.save(tqdm(journey, total=options.zoom, unit="frame", leave=False, disable=None), zoom)
        print(f"the journey into it: {zoom}")
    return 0


def _check(options, films):
    if options.photo is None and options.wanted is None and options.layer is None:
        raise InputError("say what to dream of, --class banana say, or name a photograph to dream in")
    if options.channel is not None and options.layer is None:
        raise InputError("--channel is the number of a map of a layer: name that with --layer")
    for name, number, least in (("--zoom", options.zoom, 1), ("--steps", options.steps, 1), ("--seed", options.seed, 0)):
        if number is not None and number < least:
            raise InputError(f"{name} must be at least {least}, not {number}")
    shared.check_out(options)
    for path in films:
        command.spare(path, path if options.out == options.default_out else None)


def _objective(model, options):
    """What is enhanced, and how it is called."""
    if options.wanted is not None:
        name = classes.name(model, classes.find(model, options.wanted))
        return dreaming.of_class(name), name
    layer = options.layer or layers.several(model, _MIDDLE)[_MIDDLE // 2].name
    if options.channel is None:
        return whole(layer), f"what {layer} answers to"
    return channel(layer, options.channel), f"what map {options.channel} of {layer} answers to"


def _remark(model, options, pixels):
    """What the network says of the dream."""
    found = dreaming.probabilities(model, pixels)
    asked = found.argmax() if options.wanted is None else classes.find(model, options.wanted)
    return f"{model.name} says of this picture: {classes.name(model, int(asked))}, {confidence(found[asked])}"


def _spread(total, count):
    """So many of the steps before the last, at even distances, beginning with the first."""
    return sorted({round(step) for step in np.linspace(0, total, min(count, total), endpoint=False)})
