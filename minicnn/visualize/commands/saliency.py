"""python -m minicnn.visualize saliency photo.jpg: the maps of all methods that explain by gradients."""
from minicnn import random
from minicnn.visualize import classes, logit
from minicnn.visualize.attribution import METHODS, by_pixel
from minicnn.visualize.commands import shared


def add(parsers):
    parser = shared.add_parser(parsers, "saliency", run, "which pixels matter to the score of a class: all methods that ask by gradients",
                               ["saliency photo.jpg", "saliency photo.jpg --class tabby"])
    parser.add_argument("--class", dest="wanted", metavar="NAME", help="whose score to explain (default: the most probable class)")


def run(options):
    model, seen = shared.begin(options)
    number = shared.wanted_class(options, model, seen)
    objective, maps = logit(number).of(model), {}
    random.manual_seed(0)   # the noise of SmoothGrad
    for name, method in METHODS.items():
        found = method(objective, seen.x)
        if name in ("gradient", "SmoothGrad"):
            found = by_pixel(found)
        maps["saliency: the gradient" if name == "gradient" else name] = found.cpu().array[0]
    from minicnn.visualize.pictures import attribution as pictures   # brings matplotlib, for which a mistake need not wait

    title = f"What {model.name} says {classes.name(model, number)} by, in {seen.path.name}"
    note = "integrated gradients: orange speaks for the class, blue against it; guided: in colours, grey is 0"
    return shared.finish(options, pictures.sheet(seen.image, maps, title, ("Grad-CAM", "Grad-CAM++"), note=note))
