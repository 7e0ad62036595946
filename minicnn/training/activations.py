"""The picture of an image on its way through a network."""
import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from minicnn import Tensor, drawing
from minicnn import functional as F
from minicnn.drawing import FRAME, GREY, picture
from minicnn.training import layers, preparation
from minicnn.wording import shortened

# The sheet of activations, in inches.
_BOTTOM, _HEIGHT, _TOP = 0.75, 5.0, 1.35   # below, along and above the columns of maps and strips of numbers
_SLOT, _BETWEEN = 1.0, 0.4                 # least width of a column with its name, gap to the next
_STRIP, _BARS = 0.32, 2.4                  # widths of a strip of numbers, and of the bars at the end
_MOST_MAPS = 16                            # shown of a layer
_MOST_LAYERS = 7                           # shown between the input and the scores
_MOST_BARS = 10                            # at the end


@picture
def activations(model, preprocessing, image, classes, label):
    """An image on its way through the layers, from left to right; of many, some of those that have weights are shown.

    image   uint8 (C, H, W), as in a Dataset
    label   its class, an index into `classes`
    """
    x = preparation.seen(preprocessing, image)
    *hidden, last = layers.outputs(model, x)
    probabilities = F.softmax(Tensor(last.output.reshape(1, -1)), 1).array[0]   # (K, 1, 1) if the network ends with a mean
    best = np.argsort(-probabilities, kind="stable")
    classes = [shortened(name, 24) for name in classes]
    places = np.arange(len(classes)) if len(classes) <= _MOST_BARS else best[:_MOST_BARS]
    shown = hidden if len(hidden) <= _MOST_LAYERS else _choice(hidden, {name for name, _ in model.named_modules()})

    figure = Figure(facecolor="white")
    sheet = figure.add_axes((0, 0, 1, 1))
    sheet.set_axis_off()
    right = _draw_input(sheet, 0.2, x, preprocessing)
    for name, output in shown:
        right = _draw_layer(sheet, _arrow(sheet, right), name, output)
    left = _arrow(sheet, right) + 0.1 + 0.1 * max(len(classes[place]) for place in places)   # names stand on the left of the bars
    highest = f"\n(the {len(places)} highest)" if len(places) < len(classes) else ""
    _head(sheet, left + _BARS / 2, f"{last.name}\n{len(classes)} probabilities{highest}")
    width, height = left + _BARS + 0.2, _BOTTOM + _HEIGHT + _TOP
    sheet.text(width / 2, height - 0.2, f"What the layers make of a test image (true {classes[label]}, said {classes[best[0]]})",
               ha="center", va="top", fontsize=16, weight="bold")
    some = f" ({len(shown)} are shown)" if len(shown) < len(hidden) else ""
    drawing.caption(figure, f"hidden layers{some}: white is 0, orange is positive, blue is negative, each layer on a scale of its own")
    sheet.set(xlim=(0, width), ylim=(0, height), aspect="auto")
    figure.set_size_inches(width, height)
    bars = figure.add_axes((left / width, _BOTTOM / height, _BARS / width, _HEIGHT / height))
    drawing.show_probabilities(bars, probabilities[places], [classes[place] for place in places], list(places).index(best[0]))
    return figure


def _choice(hidden, modules):
    """A few layers with weights, at even distances, the first and the last among them."""
    hidden = [layer for layer in hidden if layer.name in modules] or hidden
    return [hidden[place] for place in np.unique(np.linspace(0, len(hidden) - 1, _MOST_LAYERS).round().astype(int))]


def _draw_input(sheet, left, x, preprocessing):
    """What the network sees: in grey, or as the colours that it was before it was normalised. Returns its right edge."""
    if len(x) == 3:
        maps = [preparation.pixels(preprocessing, x).transpose(1, 2, 0)]
    else:
        maps = x
    return _draw_maps(sheet, left, f"input\n{_size(x)}", maps, cmap="gray_r", vmin=x.min(), vmax=x.max())


def _draw_layer(sheet, left, name, output):
    """One layer on the sheet: its maps, or its numbers as a strip. Returns its right edge."""
    most = abs(output).max() or 1   # a dead layer is white
    scale = {"cmap": drawing.SIGNED, "vmin": -most, "vmax": most}
    if output.size == len(output):
        return _draw_maps(sheet, left, f"{name}\n{_size(output)}", [output.reshape(-1, 1)], (_STRIP, _HEIGHT), **scale)
    some = f"\n(first {_MOST_MAPS})" if len(output) > _MOST_MAPS else ""
    return _draw_maps(sheet, left, f"{name}\n{_size(output)}{some}", output[:_MOST_MAPS], **scale)


def _size(array):
    return " × ".join(map(str, array.shape))


def _draw_maps(sheet, left, description, maps, size=None, **scale):
    """Images of one size, in one column or two. `size` is that of each in inches, width and height, unless they are to fill the column.
    Returns the right edge."""
    columns, gap = (1 if len(maps) <= 8 else 2), 0.09
    rows = math.ceil(len(maps) / columns)
    cell = min((_HEIGHT + gap) / rows - gap, 1.7)
    across, cell = size or (cell * maps[0].shape[1] / maps[0].shape[0], cell)
    width = columns * across + (columns - 1) * gap
    slot = max(width, _SLOT, 0.105 * max(map(len, description.split("\n"))))
    top = _BOTTOM + (_HEIGHT + rows * (cell + gap) - gap) / 2
    for number, values in enumerate(maps):
        row, column = divmod(number, columns)
        x, y = left + (slot - width) / 2 + column * (across + gap), top - row * (cell + gap) - cell
        sheet.imshow(values, extent=(x, x + across, y, y + cell), **scale)
        sheet.add_patch(Rectangle((x, y), across, cell, fill=False, edgecolor=FRAME, linewidth=0.8))
        if len(maps) > 1:
            sheet.text(x + 0.03, y + cell - 0.03, number, va="top", fontsize=8,
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
