"""python -m minicnn.visualize all photo.jpg: what the other words draw and say of a photograph, on one page."""
import argparse
import contextlib
import io
import pathlib
import tempfile

from PIL import Image
from tqdm import tqdm

from minicnn import predict
from minicnn.visualize import attribution, classes, deletion_insertion, logit, page, probability
from minicnn.visualize.commands import deconvnet, dream, filters, gradcam, occlusion, saliency, shared
from minicnn.visualize.integrated_gradients import integrated_gradients

_TOP = 5          # classes that are listed
_POINTS = 100     # of integrated gradients
_STEPS = 25       # of deletion and insertion

# What may follow the photograph: the command, its other arguments, a title, a sentence.
_PARTS = (
    (filters, [], "First kernels",
     "The kernels of the first layer see pixels, so they can be drawn as images. Beside them, the maps that they make of the photograph."),
    (deconvnet, [], "What maps see in it",
     "For the most active maps of some layers, from low to high: the patch that excites them most, what in it does so, brought back to the "
     "pixels by a DeconvNet (Zeiler and Fergus 2014), and the same of other photographs."),
    (occlusion, [], "What the network loses when a part is covered",
     "A grey square is put over every part of the photograph (Zeiler and Fergus 2014). Dark in the second picture: without this part the "
     "network is no longer sure of its class."),
    (gradcam, [], "Where a class is found",
     "Grad-CAM (Selvaraju et al. 2017): the maps of a late layer, weighted by what they are worth to the class."),
    (saliency, [], "Which pixels the score depends on", "All methods that explain by gradients, side by side."),
    (dream, ["--class", "{class}"], "What the network would like to see",
     "Starting from noise, the image is changed until the network is sure of the class (Simonyan et al. 2013, Mordvintsev et al. 2015)."),
    (dream, [], "What it finds in the photograph, enhanced",
     "The photograph is changed so that whatever a middle layer answers to, it answers to more (Mordvintsev et al. 2015)."),
)

_HOW_TO_READ = (
    "If a map is right, the probability of the class falls early when its most important pixels are taken away (deletion: the area below "
    "the curve is small), and rises early when they are all that is there (insertion: the area is large). Two maps that know nothing of "
    "the network, at the end, are what to compare with.")


def add(parsers):
    shared.add_parser(parsers, "all", run, "all of these for one photograph, on an HTML page that can be sent to a friend",
                      ["all photo.jpg", "all photo.jpg --model resnet18 --out photo.html"], ending="html")


def run(options):
    model, seen = shared.begin(options)
    best = classes.name(model, shared.best_class(model, seen))
    with tqdm(total=len(_PARTS) + 2, unit="part", leave=False, disable=None) as bar:
        sections = [_answer(model, options.photo)]
        bar.update()
        for command, arguments, title, explanation in _PARTS:
            given = [argument.format(**{"class": best}) for argument in arguments]
            sections.append(page.Section(title, explanation, *_done(command, given, options)))
            bar.update()
        sections.append(_figures(model, seen, best))
        bar.update()
    page.write(options.out, f"What {model.name} sees in {options.photo.name}", sections)
    print(f"written to {options.out}")
    return 0


def _answer(model, photo):
    found = predict.predict(model, photo)
    from minicnn import drawing
    from minicnn.training import pictures   # brings matplotlib, for which a mistake need not wait

    return page.Section("The photograph", "What the network is shown, and what it says.", predict.in_words(found, model.classes, _TOP),
                        _bytes(lambda path: drawing.save(pictures.predictions([found], model.classes, _TOP), path)))


def _done(command, arguments, options):
    """What a command says and draws."""
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    word = command.__name__.rpartition(".")[2]
    photo = [] if "--class" in arguments else [str(options.photo)]   # a dream of a class begins with noise
    said = io.StringIO()

    def draw(path):
        device = ["--device", options.device] if options.device else []
        given = parser.parse_args([word, *photo, *arguments, "--model", options.model, "--out", str(path), *device])
        with contextlib.redirect_stdout(said):
            given.run(given)

    picture = _bytes(draw)
    lines = [line for line in said.getvalue().splitlines() if not line.startswith("drawn to ")]
    return "\n".join(lines), picture


def _bytes(draw):
    """The picture that draw(path) writes, as WebP."""
    webp = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "picture.png"
        draw(path)
        with Image.open(path) as picture:
            picture.convert("RGB").save(webp, "WEBP", quality=90)
    return webp.getvalue()


def _figures(model, seen, name):
    """The methods by numbers."""
    objective, sure = logit(name).of(model), probability(name).of(model)
    integrated = integrated_gradients(objective, seen.x, steps=_POINTS)
    lines = [f"integrated gradients, {_POINTS} points: the shares of all pixels add up to {integrated.sums[0]:.3f}, "
             f"and the score differs from that of black by {integrated.differences[0]:.3f}", "",
             f"{'':24}{'deletion':>10}{'insertion':>10}"]
    maps = {method: attribution.by_pixel(function(objective, seen.x)).cpu().array[0] for method, function in attribution.METHODS.items()}
    maps |= deletion_insertion.yardsticks(*seen.x.shape[2:])
    for method, found in maps.items():
        areas = [curve(sure, seen.x, found, _STEPS).area for curve in (deletion_insertion.deletion, deletion_insertion.insertion)]
        lines.append(f"{method:24}{areas[0]:10.3f}{areas[1]:10.3f}")
    return page.Section("The maps by number", _HOW_TO_READ, "\n".join(lines))
