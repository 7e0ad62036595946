"""python -m minicnn.visualize filters: the first kernels of a network, and the maps that layers make of a photograph."""
import pathlib

from minicnn.errors import InputError
from minicnn.visualize import features, layers
from minicnn.visualize.commands import shared


def add(parsers):
    parser = shared.add_parser(
        parsers, "filters", run, "the kernels of the first layer, and with a photograph the maps that they make of it",
        ["filters", "filters photo.jpg", "filters photo.jpg --layer fire3 fire5 fire9", "filters --model runs/lenet-mnist"], photo=False)
    parser.add_argument("photo", type=pathlib.Path, nargs="?", help="an image file")
    parser.add_argument("--layer", nargs="+", metavar="NAME", help="draw the most active maps of these layers instead")


def run(options):
    shared.check_out(options)
    model = shared.model_of(options)
    from minicnn.training import pictures as of_runs   # brings matplotlib, for which a mistake need not wait
    from minicnn.visualize.pictures import features as pictures

    if options.photo is None and not options.layer:
        return shared.finish(options, of_runs.filters(model))
    if options.photo is None:
        raise InputError("a layer makes maps of an image: name a photograph, too")
    chosen = [layers.find(model, name, maps=True) for name in options.layer or ()]
    seen = shared.see(model, options.photo)
    if chosen:
        outputs = dict(zip((layer.name for layer in chosen), features.maps(model, seen.x, chosen)))
        return shared.finish(options, pictures.maps(seen.image, outputs, f"What layers of {model.name} make of {options.photo.name}"))
    name, kernels = of_runs.first_kernels(model)
    layer = layers.find(model, name)
    output, = features.maps(model, seen.x, [layer])
    size = " × ".join(map(str, kernels.shape[1:]))
    title = f"{layer.name}: {len(kernels)} kernels of {size} weights, and the maps that they make of {options.photo.name}"
    return shared.finish(options, pictures.kernels_and_maps(seen.image, kernels, output, title))
