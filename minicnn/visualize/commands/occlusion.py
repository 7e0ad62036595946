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
    wanted = shared.wanted_class(options, model, seen)
    found = occlusion.occlude(model, seen.x, options.layer, options.size, options.stride)
    _tell(found, found.probabilities[:, :, wanted], found.whole_probabilities[wanted], classes.name(model, wanted))
    here_and_elsewhere = _answers(model, found, seen.x.cpu().numpy()) + _answers(model, found, shared.images(model, but=seen.path), _OTHERS)
    from minicnn.visualize.pictures import occlusion as pictures   # brings matplotlib, for which a mistake need not wait

    return shared.finish(options, pictures.occlusion(
        seen.image, found, model, wanted, f"What does {model.name} react to in {shortened(seen.path.name)}?",
        answers=here_and_elsewhere, look=lambda x: preparation.pixels(model.preprocessing, x)))


def _tell(found, in_place, whole, name):
    """The numbers in words."""
    total, whole_total = found.activations[:, :, found.most_active], found.whole_activations[found.most_active]
    print(f"{in_place.size} places of a square of {found.size} x {found.size} pixels\n"
          f"p({name}) is {confidence(whole)} without it, with it {confidence(in_place.min())} to {confidence(in_place.max())}: "
          "lowest with its middle at row {:g}, column {:g}\n".format(*found.lowest(in_place)) +
          f"the total activation of map {found.most_active} of {found.layer.name} is {whole_total:,.4g} without it, with it "
          f"{total.min():,.4g} to {total.max():,.4g}: lowest at row {{:g}}, column {{:g}}".format(*found.lowest(total)))


def _answers(model, found, images, count=1):
    """What the map answers to most among images."""
    strong, = strongest(model, [(found.layer, found.most_active)], images, count)
    return deconvnet.answers(model, found.layer, found.most_active, strong)
