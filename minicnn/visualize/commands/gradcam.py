"""python -m minicnn.visualize gradcam photo.jpg: where a layer's maps speak for a class."""
from minicnn import functional as F, no_grad
from minicnn.visualize import classes, logit
from minicnn.visualize.commands import shared
from minicnn.visualize.gradcam import gradcam, guided_gradcam, layer_of
from minicnn.visualize.gradcam_plus_plus import gradcam_plus_plus
from minicnn.wording import confidence


def add(parsers):
    parser = shared.add_parser(parsers, "gradcam", run, "where in the photograph a class is found: Grad-CAM and its relatives",
                               ["gradcam photo.jpg", "gradcam photo.jpg --class tabby --class espresso", "gradcam photo.jpg --layer fire5"])
    parser.add_argument("--class", dest="wanted", action="append", metavar="NAME",
                        help="to look for; may be given several times (default: the most probable class)")
    parser.add_argument("--layer", metavar="NAME", help="whose maps to look at (default: the last convolutional one)")


def run(options):
    model, seen = shared.begin(options)
    with no_grad():
        probabilities = F.softmax(model(seen.x), 1).cpu().array[0]
    wanted = [classes.find(model, name) for name in options.wanted] if options.wanted else [shared.best_class(model, seen)]
    objectives, rows = [logit(number).of(model) for number in wanted], {}
    layer = layer_of(objectives[0], seen.x, options.layer)
    for number, objective in zip(wanted, objectives):
        name = f"{classes.name(model, number)} ({confidence(probabilities[number])})"
        methods = {"Grad-CAM": gradcam, "Grad-CAM++": gradcam_plus_plus, "Guided Grad-CAM": guided_gradcam}
        rows[name] = {title: method(objective, seen.x, layer).cpu().array[0] for title, method in methods.items()}
        print(name if rows[name]["Grad-CAM"].any() else f"{name}: nothing in the maps of {layer.name} speaks for it", flush=True)
    from minicnn.visualize.pictures import attribution as pictures   # brings matplotlib, for which a mistake need not wait

    title = f"Where {model.name} finds it in {seen.path.name}"
    return shared.finish(options, pictures.by_class(seen.image, rows, title, f"maps of layer {layer.name}; bright: speaks for the class"))
