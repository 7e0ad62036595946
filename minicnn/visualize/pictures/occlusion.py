"""The pictures of the occlusion experiment, in the arrangement of Zeiler & Fergus (ECCV 2014), Figure 6."""
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter

from minicnn import drawing
from minicnn.drawing import AMBER, BLUE, GREEN, INK, ORANGE, PURPLE, SKY, picture
from minicnn.visualize import classes
from minicnn.visualize.occlusion import GREY
from minicnn.visualize.pictures import sheet
from minicnn.wording import confidence, shortened

_KINDS = BLUE, AMBER, GREEN, PURPLE, SKY, ORANGE   # of classes
_OTHERS = "#D0D0D0"                              # what is rare shares a grey
_READING = "each point of a map: the square has its middle there; ×: lowest; the mark on the scale: without the square"


@picture
def occlusion(image, found, model, wanted, title, fill=GREY, answers=(), look=None):
    """The input and the three maps, and below them what else the most active map answers to.

    image    (C, H, W), from 0 to 1: what was covered in part
    found    the occlusion.Occlusion of it
    wanted   the number of the class that it shows
    fill     the square's colour, as occlusion.occlude took it
    answers  deconvnet.Answers of that map, the one in this image first
    look     the function from what the network takes (C, H, W) to pixels from 0 to 1, for these
    """
    figure = drawing.figure(16, 5.9 + 4.2 * bool(answers), title)
    upper, lower = figure.subfigures(2, 1, height_ratios=(5.5, 4.2)) if answers else (figure, None)
    covered, probability, best, activation = upper.subplots(1, 4)

    in_place = found.probabilities[:, :, wanted]
    drawing.show_image(covered, image)
    _draw_square(covered, found, in_place, fill, image.shape[0])
    covered.set_title("input, and the square where\nit costs most of the probability", loc="left")

    whole = found.whole_probabilities[wanted]
    scale = _draw_map(probability, found, in_place, whole, image.shape)
    scale.set_major_formatter(PercentFormatter(1, decimals=0 if in_place.max() > 0.1 else None))
    probability.set_title(f"p({shortened(classes.name(model, wanted), 22)})\nwithout the square: {confidence(whole)}", loc="left")

    _draw_classes(best, found, image.shape, model)
    best.set_title("most probable class\n", loc="left")

    whole = found.whole_activations[found.most_active]
    _draw_map(activation, found, found.activations[:, :, found.most_active], whole, image.shape)
    activation.set_title(f"total activation of map {found.most_active} of {found.layer.name}\nwithout the square: {whole:,.4g}", loc="left")
    if answers:
        _draw_answers(lower, found, answers, look)
    drawing.caption(upper, _READING)
    return figure


@picture
def compare(columns, title):
    """Several experiments side by side: above, each image with the square, where it costs most; below, the probability of a class, all on
    one scale.

    columns  {words: (image (C, H, W) from 0 to 1, Occlusion, number of the class, colour of the square)}
    """
    figure = drawing.figure(max(3.6 * len(columns), 9), 8.4, title)
    highest = max(max(found.probabilities[:, :, wanted].max(), found.whole_probabilities[wanted])
                  for _, found, wanted, _ in columns.values())
    for (words, (image, found, wanted, fill)), (covered, probability) in zip(columns.items(), figure.subplots(2, len(columns)).T):
        in_place = found.probabilities[:, :, wanted]
        drawing.show_image(covered, image)
        _draw_square(covered, found, in_place, fill, image.shape[0])
        covered.set_title(words, loc="left")
        scale = _draw_map(probability, found, in_place, found.whole_probabilities[wanted], image.shape, highest)
        scale.set_major_formatter(PercentFormatter(1, decimals=0))
        probability.set_title(f"{confidence(in_place.min())} to {confidence(in_place.max())}", loc="left")
    drawing.caption(figure, _READING)
    return figure


def _extent(found):
    """The edges of a map on the image: left, right, bottom, top, in pixels."""
    reach = (found.size - found.stride) / 2   # from the edge of a square to that of its place
    return (found.lefts[0] + reach, found.lefts[-1] + reach + found.stride, found.tops[-1] + reach + found.stride, found.tops[0] + reach)


def _draw_map(axes, found, values, whole, shape, highest=0):
    """Numbers by the place of the square, in the place of the image, with a cross where they are lowest; on their scale is marked what
    they are without a square. The scale reaches to the highest of them, or further, to `highest`. Returns its axis."""
    drawn = axes.imshow(values, cmap="viridis", vmin=min(0, values.min()), vmax=max(whole, values.max(), highest), extent=_extent(found))
    row, column = found.lowest(values)
    axes.plot(column, row, "x", color="white", markersize=9, markeredgewidth=2.5)
    _fit(axes, shape)
    bar = axes.figure.colorbar(drawn, cax=axes.inset_axes((0, -0.1, 1, 0.045)), orientation="horizontal")
    bar.outline.set_visible(False)
    bar.ax.axvline(whole, ymin=-0.4, ymax=1.4, color=INK, linewidth=2, clip_on=False)
    bar.ax.xaxis.set_major_locator(MaxNLocator(5))
    return bar.ax.xaxis


def _fit(axes, shape):
    """The axes end where the image (C, H, W) does."""
    drawing.frame(axes)
    axes.set(xlim=(0, shape[2]), ylim=(shape[1], 0))


def _draw_square(axes, found, values, fill, channels):
    """The square on the image, where the values are lowest."""
    row, column = found.lowest(values)
    colour = np.broadcast_to(fill, channels)
    shade = colour if channels == 3 else np.repeat(1 - colour, 3)   # grey images are drawn as ink
    corner = column - found.size / 2 - 0.5, row - found.size / 2 - 0.5   # pixels have their middle at whole numbers there
    axes.add_patch(Rectangle(corner, found.size, found.size, facecolor=shade, edgecolor=INK, linewidth=1))


def _draw_classes(axes, found, shape, model):
    """A colour for each class that is the most probable one somewhere; the few most frequent have names."""
    best = found.best
    numbers, counts = np.unique(best, return_counts=True)
    named = numbers[np.argsort(-counts, kind="stable")][:len(_KINDS)]
    kind = np.full(best.shape, len(_KINDS))
    for place, number in enumerate(named):
        kind[best == number] = place
    axes.imshow(kind, cmap=ListedColormap((*_KINDS, _OTHERS)), vmin=-0.5, vmax=len(_KINDS) + 0.5, extent=_extent(found))
    _fit(axes, shape)
    legend = [Patch(color=colour, label=shortened(classes.name(model, number), 18)) for colour, number in zip(_KINDS, named)]
    if len(numbers) > len(named):
        legend.append(Patch(color=_OTHERS, label=f"{len(numbers) - len(named)} others"))
    axes.legend(handles=legend, loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=2, frameon=False, fontsize=11, handlelength=1,
                columnspacing=1, labelspacing=0.3)


def _draw_answers(figure, found, answers, look):
    """Patches that the most active map answers to, and below each its projection."""
    figure.suptitle(f"the patch that map {found.most_active} of {found.layer.name} answers to here, then those of other images; below, "
                    "what of them the map has seen (DeconvNet; grey is 0)", fontsize=13, x=0.01, ha="left", weight="normal")
    for column, answer in zip(figure.subplots(2, len(answers), squeeze=False).T, answers):
        seen = answer.strong.seen
        column[0].imshow(sheet.patch(look(answer.strong.x), seen, sheet.colours))
        column[1].imshow(sheet.patch(answer.signal, seen, sheet.around_grey))
        column[0].set_title(f"{answer.strong.activation:,.3g}", fontsize=11)
        for axes in column:
            drawing.frame(axes)
