"""Pictures of explanations by gradients: maps beside each other and over the photograph, their sanity, and their worth in numbers."""
import math

import numpy as np
from matplotlib.ticker import PercentFormatter

from minicnn import drawing
from minicnn.drawing import AMBER, BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, picture

_COLOURS = BLUE, ORANGE, GREEN, PURPLE, AMBER, SKY, "#7A5230", INK   # of methods
_SHARE = 99   # per cent of the values that are within the scale: a few large ones would leave all others pale (Smilkov et al., section 3.2)


@picture
def sheet(image, maps, title, over=(), columns=4, note=None):
    """The image, and what methods say of it.

    image  (C, H, W), from 0 to 1
    maps   {title: array}: what is (C, H, W) is drawn in its colours, grey being 0; what is (H, W), in orange where it is above 0 and in
           blue where it is below; if nothing is below 0, as ink on paper
    over   titles of maps (H, W) that are laid over the image, as places in it
    note   a remark below the picture
    """
    figure, panels = _grid(1 + len(maps), columns, image.shape, title, note)
    _show_image_and_maps(panels, image, maps, over)
    panels[0].set_title("what the network sees")
    return figure


@picture
def by_class(image, rows, title, note=None):
    """The same maps for several classes: below each other, so that what belongs to the class can be told from what is always there.

    rows  {class: {title: array}}: what is (H, W) is laid over the image, what is (C, H, W) drawn in its colours
    """
    count = max(map(len, rows.values()))
    figure, panels = _grid((1 + count) * len(rows), 1 + count, image.shape, title, note)
    for place, (name, maps) in enumerate(rows.items()):
        row = panels[place * (1 + count):(place + 1) * (1 + count)]
        _show_image_and_maps(row, image, maps, [kind for kind, values in maps.items() if values.ndim == 2])
        row[0].set_title(name, weight="bold")
    return figure


@picture
def cascade(found, title):
    """What becomes of maps while the layers of a network become random, from left to right: Adebayo et al. (2018), Figure 2.

    found  {method: sanity.Randomised}, all with the same stages
    """
    stages = next(iter(found.values())).stages
    width = 1.62 * (1 + len(stages))
    figure = drawing.figure(width, 1.98 * len(found) + 1.3, title)
    grid = figure.subplots(len(found), 1 + len(stages), squeeze=False)
    for row, (method, randomised) in zip(grid, found.items()):
        _show_map(row[0], _pale(randomised.original))
        row[0].set_ylabel(method)
        for axes, values, correlation in zip(row[1:], randomised.maps, randomised.absolute):
            _show_map(axes, _pale(values))
            axes.set_xlabel(f"{correlation:.2f}", labelpad=3)
    for axes, name in zip(grid[0], ["trained", *(stage.name for stage in stages)]):
        axes.set_title(name)
    drawing.caption(figure, "from left to right one layer more is random; below each map: the rank correlation with the first one, of "
                            "absolute values")
    return figure


def _pale(values):
    """Strength by pixel, as ink."""
    return abs(values).max(0) if values.ndim == 3 else abs(values)


@picture
def correlations(found, title):
    """How alike maps are to what they were, while the layers become random: Adebayo et al. (2018), Figure 4. Arguments as of cascade."""
    stages = next(iter(found.values())).stages
    figure = drawing.figure(13.5, 5.2, title)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, kind in zip(panels, ("absolute", "signed")):
        for colour, (method, randomised) in zip(_COLOURS, found.items()):
            axes.plot(range(1 + len(stages)), [1, *getattr(randomised, kind)], "o-", color=colour, label=method, markersize=5)
        axes.axhline(0, color=GREY, linewidth=1)
        axes.set_xticks(range(1 + len(stages)), ["trained", *(stage.name for stage in stages)], rotation=40, ha="right")
        axes.grid(axis="y")
    panels[0].set(title="of absolute values", ylabel="rank correlation")
    panels[1].set_title("of values with their signs")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    return figure


@picture
def deletion_insertion(curves, title, yardsticks=()):
    """What becomes of the probability while pixels are taken away, or put back, in the order of maps; in the legends the areas.

    curves      {name: (deletion, insertion)}, deletion_insertion.Curves
    yardsticks  names of those that know nothing of the network, drawn in grey
    """
    figure = drawing.figure(14, 6.6, title)
    panels = figure.subplots(1, 2, sharey=True)
    highest = max(curve.values.max() for pair in curves.values() for curve in pair)
    for place, (axes, heading) in enumerate(zip(panels, ("deletion: small areas are good", "insertion: large areas are good"))):
        colours, strokes = iter(_COLOURS), iter(("--", ":", "-."))
        for name, pair in curves.items():
            curve = pair[place]
            colour, stroke = (GREY, next(strokes)) if name in yardsticks else (next(colours), "-")
            axes.plot(curve.shares, curve.values, stroke, color=colour, label=f"{curve.area:.3f}  {name}", linewidth=2)
        axes.set(title=heading, xlim=(0, 1), ylim=(0, 1.03 * highest))
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.grid()
        axes.legend(title="area", ncols=2, fontsize=11, loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False)
    panels[0].set(xlabel="pixels that have become grey", ylabel="probability of the class")
    panels[1].set_xlabel("pixels that have become sharp")
    return figure


def _grid(count, columns, shape, title, note):
    """A figure with so many panels for images (C, H, W), as a list of axes."""
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    figure = drawing.figure(3.4 * columns, (3.3 * shape[1] / shape[2] + 0.45) * rows + 0.9, title)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels[count:]:
        axes.set_axis_off()
    if note:
        drawing.caption(figure, note)
    return figure, panels[:count]


def _show_image_and_maps(panels, image, maps, over):
    """The image in the first panel, and {title: map} in those after it; those whose titles are in `over` are laid over the image."""
    first, *others = panels
    drawing.show_image(first, image)
    for axes, (title, values) in zip(others, maps.items()):
        if title in over:
            _show_over(axes, image, values)
        else:
            _show_map(axes, values)
        axes.set_title(title)


def _scale(values):
    """What is drawn in full: nearly the largest of the absolute values; above 0."""
    sizes = abs(values)
    return float(np.percentile(sizes, _SHARE)) or float(sizes.max()) or 1.0


def _show_map(axes, values):
    scale = _scale(values)
    if values.ndim == 3:
        colours = np.clip(0.5 + values / (2 * scale), 0, 1)
        axes.imshow(colours.transpose(1, 2, 0) if len(colours) == 3 else colours[0], cmap="gray", vmin=0, vmax=1)
    elif values.min() < 0:
        axes.imshow(values, cmap=drawing.SIGNED, vmin=-scale, vmax=scale)
    else:
        axes.imshow(values, cmap="gray_r", vmin=0, vmax=scale)
    drawing.frame(axes)


def _show_over(axes, image, values):
    """A map over the image in grey: the stronger, the more of the image is covered by colour."""
    brightness = image.mean(0) if len(image) == 3 else 1 - image[0]
    axes.imshow(brightness, cmap="gray", vmin=0, vmax=1)
    share = np.clip(values / (values.max() or 1), 0, 1)
    axes.imshow(share, cmap="inferno", vmin=0, vmax=1, alpha=0.75 * np.sqrt(share))
    drawing.frame(axes)
