"""python -m minicnn.visualize occlusion photo.jpg: what the network loses when parts of the photograph are covered."""
from minicnn.training import preparation
from minicnn.visualize import classes, deconvnet, occlusion
from minicnn.visualize.commands import shared
from minicnn.visualize.strongest import strongest
from minicnn.wording import confidence, shortened

_OTHERS = 8   # patches that the most active map answers to, beside the one in the photograph


def add(parsers):
    parser = shared.add_parser(parsers, "occlusion", run, "cover parts of the photograph with a grey square, and see what is lost",
                               ["occlusion photo.jpg", "occlusion photo.jpg --class tabby", "occlusion photo.jpg --size 40 --stride 4"])
    parser.add_argument("--class", dest="wanted", metavar="NAME", help="whose probability to map (default: the most probable class)")
    parser.add_argument("--size", type=int, metavar="N", help="of the square, in pixels as the network sees them (default: a quarter)")
    parser.add_argument("--stride", type=int, metavar="N", help="pixels from one place to the next (default: a 28th)")
    parser.add_argument("--layer", metavar="NAME", help="whose most active map to watch (default: the last that has maps)")


def run(options):
    model, seen = shared.begin(options)
    wanted = shared.best_class(model, seen) if options.wanted is None else classes.find(model, options.wanted)
    found = occlusion.occlude(model, seen.x, options.layer, options.size, options.stride)
    name, in_place = classes.name(model, wanted), found.probabilities[:, :, wanted]
    row, column = found.lowest(in_place)
    print(f"{found.best.size} places of a square of {found.size} x {found.size} pixels: "
          f"p({name}) is {confidence(found.whole_probabilities[wanted])} of the whole image, from {confidence(in_place.min())} to "
          f"{confidence(in_place.max())} with the square, and lowest with its middle at row {row:g}, column {column:g}")
    here_and_elsewhere = _answers(model, found, seen.x.cpu().numpy()) + _answers(model, found, shared.images(model, but=seen.path), _OTHERS)
    from minicnn.visualize.pictures import occlusion as pictures   # brings matplotlib, for which a mistake need not wait

    return shared.finish(options, pictures.occlusion(
        seen.image, found, model, wanted, f"What does {model.name} react to in {shortened(seen.path.name)}?",
        answers=here_and_elsewhere, look=lambda x: preparation.pixels(model.preprocessing, x)))


def _answers(model, found, images, count=1):
    """What the map answers to most among images."""
    strong, = strongest(model, [(found.layer, found.most_active)], images, count)
    return deconvnet.answers(model, found.layer, found.most_active, strong)
