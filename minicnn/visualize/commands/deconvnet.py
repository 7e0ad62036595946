"""python -m minicnn.visualize deconvnet: what the most active maps of layers see in a photograph, and what they answer to most."""
import pathlib

from minicnn.errors import InputError
from minicnn.training import preparation
from minicnn.visualize import deconvnet, features, layers
from minicnn.visualize.commands import shared
from minicnn.visualize.strongest import strongest
from minicnn.wording import shortened

_LAYERS = 5   # unless they are named
_MAPS = 3     # of each layer, unless they are named
_MOST = 5     # maps for which there is room


def add(parsers):
    parser = shared.add_parser(
        parsers, "deconvnet", run, "what the most active maps see in a photograph, projected back to its pixels (Zeiler & Fergus 2014)",
        ["deconvnet photo.jpg", "deconvnet photo.jpg --layer fire5 --maps 195 216", "deconvnet photo.jpg --images photos"])
    parser.add_argument("--layer", nargs="+", metavar="NAME", help=f"layers to look at (default: {_LAYERS} of them, from low to high)")
    parser.add_argument("--maps", nargs="+", type=int, metavar="N",
                        help=f"numbers of maps of the one layer, from 0 (default: the {_MAPS} most active)")
    parser.add_argument("--images", type=pathlib.Path, metavar="FOLDER",
                        help="photographs among which to search for what the maps answer to most (default: the few that come with the "
                             "package; for digits or clothes, their test images)")


def run(options):
    if options.maps and len(options.layer or ()) != 1:
        raise InputError("the numbers of maps are those of one layer: name it with --layer")
    if options.maps and len(options.maps) > _MOST:
        raise InputError(f"there is room for {_MOST} maps, not for {len(options.maps)}")
    model, seen = shared.begin(options)
    if options.layer:
        chosen = [layers.find(model, name, maps=True) for name in options.layer]
    else:
        chosen = layers.several(model, _LAYERS)
    outputs = features.maps(model, seen.x, chosen)
    maps = [(layer, channel) for layer, output in zip(chosen, outputs) for channel in options.maps or features.most_active(output, _MAPS)]
    own = strongest(model, maps, seen.x.cpu().numpy(), 1)
    others = strongest(model, maps, shared.images(model, options.images))
    from minicnn.visualize.pictures import deconvnet as pictures   # brings matplotlib, for which a mistake need not wait

    rows = {layer: [] for layer in chosen}
    for (layer, channel), here, elsewhere in zip(maps, own, others):
        first = deconvnet.answers(model, layer, channel, here)
        rows[layer].append(pictures.Feature(layer, channel, *first or [None], deconvnet.answers(model, layer, channel, elsewhere)))
    title = f"What maps of {model.name} see in {shortened(options.photo.name)}, and what they answer to most"
    drawn = pictures.sheet([row for row in rows.values() if row], lambda x: preparation.pixels(model.preprocessing, x), title, seen.image)
    return shared.finish(options, drawn)
