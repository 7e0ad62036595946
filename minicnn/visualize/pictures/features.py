"""Kernels, maps, depth columns, and the patches that maps answer to most."""
import math

import numpy as np
from matplotlib.patheffects import withStroke

from minicnn import drawing
from minicnn.drawing import GREY, INK, TOLD_APART, picture
from minicnn.training.pictures import in_colour
from minicnn.visualize import features
from minicnn.visualize.pictures.sheet import Sheet, colours, mosaic, patch

_PHOTO = 3.2           # width of the photograph in inches
_BESIDE = 3.7          # where begins what is beside it
_WIDE = 8.6            # and its width
_MOST_MAPS = 12        # of a layer
_IN_A_ROW = 6
_GAP = 0.08


@picture
def kernels_and_maps(image, kernels, maps, title):
    """Each kernel of a first convolution, and beside it what the layer makes with it of an image; dark is much.

    image    pixels (C, H, W), from 0 to 1
    kernels  (K, C, h, w), of one channel or three
    maps     (K, H, W)
    """
    across = math.ceil(math.sqrt(len(kernels) / 2))
    pair = _WIDE / across
    side = (pair - 3 * _GAP) / 2
    tall = side * max(1, maps.shape[1] / maps.shape[2]) + _GAP + 0.02
    rows = math.ceil(len(kernels) / across)
    weights = "grey is 0" if kernels.shape[1] == 3 else "orange is positive, blue negative"
    drawn = _beside(image, rows * tall, title, f"kernels: {weights}.   maps: white is 0, black is the map's highest activation")
    most = abs(kernels).max()
    for number, (kernel, values) in enumerate(zip(kernels, maps)):
        row, column = divmod(number, across)
        left, top = _BESIDE + column * pair, row * tall
        if len(kernel) == 3:
            drawn.image(in_colour(kernel), left, top, side)
        else:
            drawn.image(kernel[0], left, top, side, cmap=drawing.SIGNED, vmin=-most, vmax=most)
        drawn.image(values, left + side + _GAP / 2, top, side, **_shades(values))
        _number(drawn, left + side + _GAP / 2, top, number)
    return drawn.figure


@picture
def maps(image, outputs, title):
    """The most active maps of layers for one image, a block for each layer, the highest first.

    image    pixels (C, H, W), from 0 to 1
    outputs  {name of a layer: (C, H, W)}
    """
    side = (_WIDE + _GAP) / _IN_A_ROW - _GAP
    chosen = {name: features.most_active(output, _MOST_MAPS) for name, output in outputs.items()}
    heights = {}
    for name, output in outputs.items():
        rows = max(1, math.ceil(len(chosen[name]) / _IN_A_ROW))
        heights[name] = rows * (side * output.shape[1] / output.shape[2] + _GAP) + 0.55
    drawn = _beside(image, sum(heights.values()) - 0.2, title,
                    "white is 0, black is the map's highest activation; the number is the map's, from 0")
    top = 0
    for name, output in outputs.items():
        count, *size = output.shape
        some = f"; the {len(chosen[name])} with the highest activations" * (len(chosen[name]) < count)
        drawn.text(_BESIDE, top, f"{name}: {count} maps of {size[0]} × {size[1]}{some}", weight="bold")
        for place, channel in enumerate(chosen[name]):
            row, column = divmod(place, _IN_A_ROW)
            left, down = _BESIDE + column * (side + _GAP), top + 0.3 + row * (side * size[0] / size[1] + _GAP)
            drawn.image(output[channel], left, down, side, **_shades(output[channel]))
            _number(drawn, left, down, channel)
        top += heights[name]
    return drawn.figure


def _beside(image, height, title, caption):
    """A Sheet with the image at the left, and room of this height beside it."""
    drawn = Sheet(_BESIDE + _WIDE, max(height, _PHOTO * image.shape[1] / image.shape[2] + 0.35), title, caption)
    drawn.text(0, 0, "the image")
    drawn.image(colours(image), 0, 0.35, _PHOTO)
    return drawn


def _shades(values):
    """From white at 0 to black; where there are negative values, orange above 0 and blue below."""
    most = abs(values).max() or 1
    if values.min() < 0:
        return {"cmap": drawing.SIGNED, "vmin": -most, "vmax": most}
    return {"cmap": "gray_r", "vmin": 0, "vmax": most}


def _number(drawn, left, top, number):
    drawn.text(left + 0.03, top + 0.02, number, fontsize=8, path_effects=[withStroke(linewidth=2, foreground="white")])


@picture
def depth_columns(image, pixel, columns, title):
    """Depth columns above one place of an image: what the units see, and what each of them answers.

    image    pixels (C, H, W), from 0 to 1
    pixel    row and column
    columns  features.Columns, from low layers to high
    """
    figure = drawing.figure(12.8, 1.2 + 1.55 * len(columns), title)
    grid = figure.add_gridspec(len(columns), 2, width_ratios=(1, 1.7))
    photo = figure.add_subplot(grid[:, 0])
    photo.imshow(colours(image))
    photo.plot(pixel[1], pixel[0], "+", color="white", markersize=12, markeredgewidth=2)
    drawing.frame(photo)
    photo.set_title("what one unit of each layer sees", loc="left")
    height, width = image.shape[1:]
    for number, (column, colour) in enumerate(zip(columns, TOLD_APART)):
        top, left, bottom, right = np.clip(column.seen, 0, (height, width, height, width)) - 0.5
        photo.plot([left, right, right, left, left], [top, top, bottom, bottom, top], color=colour, clip_on=False)
        axes = figure.add_subplot(grid[number, 1])
        values = column.activations
        axes.bar(np.arange(len(values)), values, width=1, color=colour)
        axes.set_title(f"{column.layer.name}: {len(values)} maps at row {column.position[0]}, column {column.position[1]}; "
                       f"{np.count_nonzero(values)} are not 0", loc="left", color=colour)
        axes.set(xlim=(-0.5, len(values) - 0.5), ylim=(min(0, values.min()) * 1.25, max(values.max() * 1.25, 1e-6)))
        axes.locator_params(axis="y", nbins=3)
        for channel in np.argsort(-values)[:3]:
            if values[channel] > 0:
                axes.annotate(f"{channel}", (channel, values[channel]), ha="center", va="bottom", fontsize=10)
        axes.tick_params(axis="x", labelsize=10)
    axes.set_xlabel("number of the map")
    return figure


@picture
def strongest(found, look, title):
    """The strongest patches of each of several maps.

    found  {words above: list of strongest.Strong}
    look   the function from what a network takes (C, H, W) to pixels from 0 to 1
    """
    across = min(4, len(found))
    side = (12.2 + 0.35) / max(across, 3) - 0.35
    rows = math.ceil(len(found) / across)
    drawn = Sheet(across * (side + 0.35) - 0.35, rows * (side + 0.65) - 0.25, title)
    for number, (words, strong) in enumerate(found.items()):
        row, column = divmod(number, across)
        left, top = column * (side + 0.35), row * (side + 0.65)
        drawn.text(left, top, words, color=INK if strong else GREY)
        if strong:
            patches = [patch(look(one.x), one.seen, colours) for one in strong]
            drawn.image(mosaic(patches, 3), left, top + 0.3, side)
    return drawn.figure
