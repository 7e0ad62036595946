"""The pictures that a run leaves: how it learned, its first kernels, what becomes of an image in it, and where it fails;
and one of what it makes of other people's images.

Each function returns a Figure, which a notebook can show; `draw_all` writes them into the folder of a run.
"""
import math

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from minicnn import Tensor, drawing
from minicnn import functional as F
from minicnn.drawing import BLUE, GREY, INK, ORANGE, picture
from minicnn.errors import InputError
from minicnn.training.activations import activations
from minicnn.wording import confidence, percent, shortened


def draw_all(model, test_set, evaluation, rows, folder, title):
    """Draw everything into `folder`; returns the names of the files.

    test_set    the Dataset that `evaluation`, an Evaluation, is about
    rows        those of metrics.csv
    title       what was learned: "lenet on mnist"
    """
    drawn = {"curves.png": curves(rows, title)}
    if any(parameter.ndim == 4 for parameter in model.parameters()):
        drawn["filters.png"] = filters(model)
    drawn["activations.png"] = activations(model, model.preprocessing, test_set.image(0), test_set.classes, test_set.labels[0])
    drawn["confusion.png"] = confusion(evaluation, test_set.classes)
    drawn["mistakes.png"] = mistakes(evaluation, test_set)
    for name, figure in drawn.items():
        drawing.save(figure, folder / name)
    return list(drawn)


_MOST_NUMBERED = 36   # kernels that have room for a number each
_MOST_CLASSES = 20    # that have room in a table of confusions, and bars in place of it


@picture
def curves(rows, title):
    """Loss and error of every epoch, on logarithmic axes because they fall by orders of magnitude; the best epoch is marked."""
    figure = drawing.figure(12.8, 5.8, f"{title}: {percent(rows[-1]['test_accuracy'])} of the test images recognised")
    figure.get_layout_engine().set(wspace=0.06)
    epochs = [row["epoch"] for row in rows]
    loss, error = figure.subplots(1, 2)
    loss.set_title("loss", loc="left")
    _curves(loss, epochs, [[row[f"{part}_loss"] for row in rows] for part in ("train", "test")], "{:.3g}".format)
    error.set_title("images not recognised", loc="left")
    parts = [part for part in ("train", "test", "test_top5") if f"{part}_accuracy" in rows[0]]
    _curves(error, epochs, [[100 * (1 - row[f"{part}_accuracy"]) for row in rows] for part in parts], "{:.3g} %".format)
    drawing.caption(figure, "training: averaged over the epoch, while the network changes.   test: at the end of the epoch")
    return figure


def _curves(axes, epochs, curves, in_words):
    """Lines for training and test, and if there are three, for the test with five guesses."""
    positive = [value for values in curves for value in values if value > 0] or [1]
    low, high = min(positive) / 1.6, max(positive) * 1.6   # at least one labelled tick lies between, whatever the values
    axes.set(yscale="log", ylim=(low, high), xlabel="epoch", xlim=(0.5, 1.5) if len(epochs) == 1 else (epochs[0], epochs[-1]))
    axes.grid(axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(10, steps=(1, 2, 5, 10), integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: in_words(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())

    best = int(np.argmin(curves[1]))
    names = ["training", f"test\nlowest: {in_words(curves[1][best])}\nin epoch {epochs[best]}"]
    names += [f"test, top 5: {in_words(values[-1])}" for values in curves[2:]]
    curves = [np.maximum(values, low) for values in curves]   # what is 0 runs along the lower edge
    heights = drawing.apart([np.log(values[-1] / low) / np.log(high / low) for values in curves], 0.16)
    for values, height, colour, name in zip(curves, heights, (GREY, ORANGE, BLUE), names):
        axes.plot(epochs, values, color=colour, marker="o" if len(epochs) <= 25 else "", clip_on=False, zorder=3)
        axes.annotate(name, (1, height), xycoords="axes fraction", xytext=(12, 0), textcoords="offset points", va="center",
                      color=colour)
    axes.plot(epochs[best], curves[1][best], "o", markersize=14, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1.5,
              clip_on=False, zorder=4)


def first_kernels(model):
    """The name of the first convolution, and its kernels, an array (K, C, H, W) on the host. InputError if there is none."""
    for name, parameter in model.named_parameters():
        if parameter.ndim == 4:
            return name.rpartition(".")[0], parameter.detach().cpu().numpy()
    raise InputError(f"{type(model).__name__} has no convolution, so there are no kernels to draw")


def in_colour(kernel):
    """A kernel (3, H, W) as colours (H, W, 3): grey is 0, the largest weight has full brightness."""
    return 0.5 + kernel.transpose(1, 2, 0) / (2 * (abs(kernel).max() or 1))


@picture
def filters(model):
    """The kernels of the first convolution: in colour if it sees colours, else all on one scale of weights."""
    layer, weight = first_kernels(model)
    colour = weight.shape[1] == 3
    kernels = weight if colour else weight.reshape(-1, *weight.shape[2:])
    columns = math.ceil(math.sqrt(1.5 * len(kernels)))
    rows = math.ceil(len(kernels) / columns)
    figure = drawing.figure(9, 9 * rows / columns * (1 if colour else 0.86) + 0.8,
                            f"{layer}: {len(kernels)} kernels of {' × '.join(map(str, kernels.shape[1:]))} weights")
    most = abs(kernels).max()
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for number, (axes, kernel) in enumerate(zip(grid.flat, kernels)):   # from 0, as channels are counted in code
        axes.set_axis_on()
        if colour:
            axes.imshow(in_colour(kernel))
        else:
            image = axes.imshow(kernel, cmap=drawing.SIGNED, vmin=-most, vmax=most)
        if len(kernels) <= _MOST_NUMBERED:
            axes.set_title(number)
        drawing.frame(axes)
    if colour:
        drawing.caption(figure, "weights as red, green and blue: grey is 0, each kernel on a scale of its own")
    else:
        bar = figure.colorbar(image, ax=grid, shrink=0.9, aspect=30)
        bar.outline.set_visible(False)
        bar.set_label("weight")
    return figure


@picture
def confusion(evaluation, classes):
    """Which class is taken for which, and how often: the mistakes in colour; on the diagonal, the share that is recognised.

    Of more than 20 classes, only what is most often mistaken for what.
    """
    counts, classes = evaluation.confusion(), [shortened(name, 24) for name in classes]
    errors = np.where(np.eye(len(classes)), 0, counts)
    if len(classes) > _MOST_CLASSES:
        return _confusions(errors, counts, classes)
    side = max(7, 2.5 + 0.7 * len(classes))
    figure = drawing.figure(side, side + 0.3, _not_recognised(errors, counts))
    axes = figure.subplots()
    axes.imshow(np.where(errors, errors, np.nan), cmap=drawing.COUNTS, vmin=1, vmax=max(errors.max(), 2))
    axes.set_facecolor("#F7F7F7")
    for true, predicted in zip(*counts.nonzero()):
        count = counts[true, predicted]
        if true == predicted:
            axes.add_patch(Rectangle((true - 0.5, true - 0.5), 1, 1, facecolor="#E2EEF6"))
            axes.text(true, true, f"{percent(count / counts[true].sum(), 1)}\n{count}", ha="center", va="center", color=BLUE,
                      fontsize=11, linespacing=1.4)
        else:
            axes.text(predicted, true, count, ha="center", va="center", fontsize=14)
    places = np.arange(len(classes))
    slanted = {"rotation": 40, "ha": "right"} if max(map(len, classes)) > 3 else {}
    axes.set_xticks(places, classes, **slanted)
    axes.set_yticks(places, classes)
    axes.set_xlabel("what the network said")
    axes.set_ylabel("true class")
    axes.set_xticks(places[1:] - 0.5, minor=True)
    axes.set_yticks(places[1:] - 0.5, minor=True)
    axes.tick_params(which="both", length=0)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.spines[:].set_visible(False)
    drawing.caption(figure, "blue: how many of the class were recognised, and what share that is")
    return figure


def _confusions(errors, counts, classes):
    """The pairs of classes between which most mistakes are made, as bars."""
    order = np.argsort(-errors, axis=None, kind="stable")[:_MOST_CLASSES]
    pairs = [np.unravel_index(place, errors.shape) for place in order if errors.flat[place]]
    figure = drawing.figure(9.5, 1.8 + 0.36 * max(len(pairs), 4), _not_recognised(errors, counts))
    axes = figure.subplots()
    axes.set_title(f"the {len(pairs)} most frequent mistakes", loc="left")
    axes.barh(range(len(pairs)), [errors[pair] for pair in pairs], color=ORANGE, height=0.75)
    for place, pair in enumerate(pairs):
        axes.text(errors[pair], place, f" {errors[pair]} of {counts[pair[0]].sum()}", va="center", fontsize=12)
    axes.set(yticks=range(len(pairs)), yticklabels=[f"{classes[true]}, said {classes[said]}" for true, said in pairs], xticks=[],
             xlim=(0, 1.15 * max(errors.max(), 1)), ylim=(max(len(pairs), 1) - 0.5, -0.5))
    axes.tick_params(axis="y", length=0)
    axes.spines["bottom"].set_visible(False)
    return figure


def _not_recognised(errors, counts):
    return f"{errors.sum():,} of {counts.sum():,} test images not recognised ({percent(errors.sum() / counts.sum())})"


@picture
def mistakes(evaluation, test_set, most=24, columns=6):
    """The images that were taken for a wrong class with the greatest confidence, at most so many."""
    highest = F.softmax(Tensor(evaluation.scores), 1).array.max(1)
    wrong = np.flatnonzero(evaluation.predictions != evaluation.labels)
    worst = wrong[np.argsort(-highest[wrong], kind="stable")][:most]
    which = f"The {most} worst of {len(wrong):,}" if len(wrong) > most else f"All {len(wrong)}" if len(wrong) else "No"
    rows = math.ceil(len(worst) / columns)
    figure = drawing.figure(12.8, 2.7 * rows + 0.7, f"{which} mistakes among {len(test_set):,} test images")
    if not len(worst):
        figure.suptitle(figure.get_suptitle(), y=0.5, va="center")
        return figure
    true, said = ([shortened(test_set.classes[of[place]]) for place in worst] for of in (evaluation.labels, evaluation.predictions))
    size = 12 if max(map(len, said)) <= 6 else 10
    grid = figure.subplots(rows, columns).flat
    for number, (axes, place) in enumerate(zip(grid, worst)):
        drawing.show_image(axes, test_set.image(place))
        axes.set_title(f"true {true[number]}\nsaid {said[number]} ({confidence(highest[place])})", fontsize=size)
    for axes in grid[len(worst):]:
        axes.set_axis_off()
    return figure


_FEWEST_BARS, _MOST_BARS = 5, 10   # of more classes than that only the most probable are drawn, or there is nothing to read


@picture
def predictions(made, classes, top=3):
    """For each Prediction of `made`: the file, what the network sees, and the probabilities; of many classes about the `top` highest."""
    longest = max(map(len, classes))
    figure = drawing.figure(8 + 0.1 * longest, 2.9 * len(made) + 0.8, "What the network sees, and what it says")
    grid = figure.subplots(len(made), 3, squeeze=False, width_ratios=(1, 1, 1.3 + 0.03 * longest))
    for (file, seen, bars), prediction in zip(grid, made):
        file.imshow(prediction.original, cmap="gray", vmin=0, vmax=1)
        name = prediction.path.name
        file.set_title(name if len(name) <= 26 else f"…{name[-25:]}")
        drawing.frame(file)
        drawing.show_image(seen, prediction.image)
        seen.set_title(" × ".join(map(str, prediction.image.shape)))
        best = np.argsort(-prediction.probabilities, kind="stable")
        shown = np.arange(len(classes)) if len(classes) <= _MOST_BARS else best[:min(max(top, _FEWEST_BARS), _MOST_BARS)]
        chosen = list(shown).index(best[0])
        drawing.show_probabilities(bars, prediction.probabilities[shown], [classes[place] for place in shown], chosen)
    return figure
