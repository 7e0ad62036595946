"""The pictures that a run leaves: how it learned, its first kernels, what becomes of an image in it, and where it fails;
and one of what it makes of other people's images.

Each function returns a Figure, which a notebook can show; `draw_all` writes them into the folder of a run.
"""
import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from minicnn import Tensor, drawing
from minicnn import functional as F
from minicnn.drawing import BLUE, GREY, INK, ORANGE, picture
from minicnn.training import layers
from minicnn.training.settings import make_transform
from minicnn.wording import confidence, percent


def draw_all(model, preprocessing, test_set, evaluation, rows, folder, title):
    """Draw everything into `folder`; returns the names of the files.

    test_set    the Dataset that `evaluation`, an Evaluation, is about
    rows        those of metrics.csv
    title       what was learned: "lenet on mnist"
    """
    drawn = {"curves.png": curves(rows, title)}
    if any(parameter.ndim == 4 for parameter in model.parameters()):
        drawn["filters.png"] = filters(model)
    drawn["activations.png"] = activations(model, preprocessing, test_set.images[0], test_set.classes, test_set.labels[0])
    drawn["confusion.png"] = confusion(evaluation, test_set.classes)
    drawn["mistakes.png"] = mistakes(evaluation, test_set)
    for name, figure in drawn.items():
        drawing.save(figure, folder / name)
    return list(drawn)


@picture
def curves(rows, title):
    """Loss and error of every epoch, on logarithmic axes because they fall by orders of magnitude; the best epoch is marked."""
    figure = drawing.figure(12.8, 5.8, f"{title}: {percent(rows[-1]['test_accuracy'])} of the test images recognised")
    figure.get_layout_engine().set(wspace=0.06)
    epochs = [row["epoch"] for row in rows]
    for axes, title, wording, measure in zip(
            figure.subplots(1, 2), ("loss", "images not recognised"), ("{:.3g}", "{:.3g} %"),
            (lambda row, part: row[f"{part}_loss"], lambda row, part: 100 * (1 - row[f"{part}_accuracy"]))):
        axes.set_title(title, loc="left")
        _curve(axes, epochs, *([measure(row, part) for row in rows] for part in ("train", "test")), wording.format)
    drawing.caption(figure, "training: averaged over the epoch, while the network changes.   test: at the end of the epoch")
    return figure


def _curve(axes, epochs, train, test, in_words):
    positive = [value for value in train + test if value > 0] or [1]
    low, high = min(positive) / 1.6, max(positive) * 1.6   # at least one labelled tick lies between, whatever the values
    axes.set(yscale="log", ylim=(low, high), xlabel="epoch", xlim=(0.5, 1.5) if len(epochs) == 1 else (epochs[0], epochs[-1]))
    axes.grid(axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(10, steps=(1, 2, 5, 10), integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: in_words(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())

    # What is 0 runs along the lower edge. The names stand at the ends of the lines, some way apart.
    train, test = np.maximum(train, low), np.maximum(test, low)
    best = int(np.argmin(test))
    heights = np.log([train[-1] / low, test[-1] / low]) / np.log(high / low)
    heights += np.array([0.5, -0.5] if heights[0] > heights[1] else [-0.5, 0.5]) * max(0, 0.16 - abs(heights[0] - heights[1]))
    for values, height, colour, name in zip((train, test), heights, (GREY, ORANGE), (
            "training", f"test\nlowest: {in_words(test[best])}\nin epoch {epochs[best]}")):
        axes.plot(epochs, values, color=colour, marker="o" if len(epochs) <= 25 else "", clip_on=False, zorder=3)
        axes.annotate(name, (1, height), xycoords="axes fraction", xytext=(12, 0), textcoords="offset points", va="center",
                      color=colour)
    axes.plot(epochs[best], test[best], "o", markersize=14, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1.5,
              clip_on=False, zorder=4)


@picture
def filters(model):
    """The kernels of the first convolution, all on one scale of colours."""
    layer, weight = next((name.rpartition(".")[0], tensor.settle()) for name, tensor in model.named_parameters() if tensor.ndim == 4)
    kernels = weight.reshape(-1, *weight.shape[2:])
    columns = math.ceil(math.sqrt(1.5 * len(kernels)))
    rows = math.ceil(len(kernels) / columns)
    figure = drawing.figure(9, 9 * rows / columns * 0.86 + 0.8,
                            f"{layer}: {len(kernels)} kernels of {kernels.shape[1]} × {kernels.shape[2]} weights")
    most = abs(kernels).max()
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for number, (axes, kernel) in enumerate(zip(grid.flat, kernels), 1):
        axes.set_axis_on()
        image = axes.imshow(kernel, cmap=drawing.SIGNED, vmin=-most, vmax=most)
        axes.set_title(number)
        drawing.frame(axes)
    bar = figure.colorbar(image, ax=grid, shrink=0.9, aspect=30)
    bar.outline.set_visible(False)
    bar.set_label("weight")
    return figure


# The sheet of activations, in inches.
_BOTTOM, _HEIGHT, _TOP = 0.75, 5.0, 1.35   # below, along and above the columns of maps and strips of numbers
_SLOT, _BETWEEN = 1.0, 0.4                 # least width of a column with its name, gap to the next
_STRIP, _BARS = 0.32, 2.4                  # widths of a strip of numbers, and of the bars at the end
_MOST_MAPS = 16                            # shown of a layer


@picture
def activations(model, preprocessing, image, classes, label):
    """An image on its way through every layer, from left to right.

    image   uint8 (C, H, W), as in a Dataset
    label   its class, an index into `classes`
    """
    x = make_transform(preprocessing, image.shape)(image[None].astype(np.float32) / 255, None)[0]
    *hidden, last = layers.outputs(model, np.ascontiguousarray(x))
    probabilities = F.softmax(Tensor(last.output[None]), 1).array[0]
    chosen = int(probabilities.argmax())

    figure = Figure(facecolor="white")
    sheet = figure.add_axes((0, 0, 1, 1))
    sheet.set_axis_off()
    right = _draw_layer(sheet, 0.2, "input", x, "gray_r")
    for name, output in hidden:
        right = _draw_layer(sheet, _arrow(sheet, right), name, output, drawing.SIGNED)
    left = _arrow(sheet, right) + 0.1 + 0.1 * max(map(len, classes))   # names stand on the left of the bars
    _head(sheet, left + _BARS / 2, f"{last.name}\n{len(classes)} probabilities")
    width, height = left + _BARS + 0.2, _BOTTOM + _HEIGHT + _TOP
    sheet.text(width / 2, height - 0.2, f"What the layers make of a test image (true {classes[label]}, said {classes[chosen]})",
               ha="center", va="top", fontsize=16, weight="bold")
    drawing.caption(figure, "hidden layers: white is 0, orange is positive, blue is negative, each layer on a scale of its own")
    sheet.set(xlim=(0, width), ylim=(0, height), aspect="auto")
    figure.set_size_inches(width, height)
    bars = figure.add_axes((left / width, _BOTTOM / height, _BARS / width, _HEIGHT / height))
    drawing.show_probabilities(bars, probabilities, classes, chosen)
    return figure


def _draw_layer(sheet, left, name, output, colours):
    """One layer on the sheet: its maps, in one column or two, or its numbers as a strip. Returns its right edge."""
    description = f"{name}\n{' × '.join(map(str, output.shape))}"
    if output.size == len(output):
        shown, columns, rows, gap, cell, across = [output.reshape(-1, 1)], 1, 1, 0, _HEIGHT, _STRIP
    else:
        shown = output[:_MOST_MAPS]
        description += f"\n(first {_MOST_MAPS})" if len(shown) < len(output) else ""
        columns, gap = (1 if len(shown) <= 8 else 2), 0.09
        rows = math.ceil(len(shown) / columns)
        cell = min((_HEIGHT + gap) / rows - gap, 1.7)
        across = cell * output.shape[2] / output.shape[1]
    width = columns * across + (columns - 1) * gap
    slot = max(width, _SLOT)
    top = _BOTTOM + (_HEIGHT + rows * (cell + gap) - gap) / 2
    most = abs(output).max() or 1   # a dead layer is white
    lowest = output.min() if colours == "gray_r" else -most
    for number, values in enumerate(shown):
        row, column = divmod(number, columns)
        x, y = left + (slot - width) / 2 + column * (across + gap), top - row * (cell + gap) - cell
        place = (x, x + across, y, y + cell)
        sheet.imshow(values, cmap=colours, vmin=lowest, vmax=most, extent=place)
        sheet.add_patch(Rectangle((x, y), across, cell, fill=False, edgecolor="#C8C8C8", linewidth=0.8))
        if len(shown) > 1:
            sheet.text(x + 0.03, y + cell - 0.03, number + 1, va="top", fontsize=8,
                       path_effects=[withStroke(linewidth=2, foreground="white")])
    _head(sheet, left + slot / 2, description)
    return left + slot


def _head(sheet, middle, text):
    """Text above a column."""
    sheet.text(middle, _BOTTOM + _HEIGHT + 0.1, text, ha="center", va="bottom", fontsize=12)


def _arrow(sheet, left):
    """An arrow to the next layer. Returns where that begins."""
    middle = _BOTTOM + _HEIGHT / 2
    sheet.annotate("", (left + _BETWEEN - 0.05, middle), (left + 0.05, middle),
                   arrowprops={"arrowstyle": "-|>", "color": GREY, "linewidth": 1.5})
    return left + _BETWEEN


@picture
def confusion(evaluation, classes):
    """Which class is taken for which, and how often: the mistakes in colour; on the diagonal, the share that is recognised."""
    counts = evaluation.confusion()
    errors = np.where(np.eye(len(classes)), 0, counts)
    figure = drawing.figure(9.5, 9.8, f"{errors.sum():,} of {counts.sum():,} test images not recognised "
                                      f"({percent(errors.sum() / counts.sum())})")
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
    grid = figure.subplots(rows, columns).flat
    for axes, place in zip(grid, worst):
        drawing.show_image(axes, test_set.images[place])
        true, said = (test_set.classes[of[place]] for of in (evaluation.labels, evaluation.predictions))
        axes.set_title(f"true {true}\nsaid {said} ({confidence(highest[place])})", fontsize=12)
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
