"""Patches that maps answer to, beside their projections: as Figure 2 of Zeiler & Fergus, "Visualizing and understanding convolutional
networks", ECCV 2014."""
import math
from typing import NamedTuple

from minicnn.drawing import INK, TOLD_APART, picture
from minicnn.visualize.deconvnet import Answer
from minicnn.visualize.layers import Layer
from minicnn.visualize.pictures.sheet import Sheet, around_grey, colours, mosaic, patch

_SIDE, _GAP, _BETWEEN = 1.75, 0.08, 0.4              # of an image; between two of a map; between maps, in inches
_LABEL = 0.62                                        # height of the words above
_ACROSS = 3                                          # patches in a row of a grid
_NARROWEST = 10.5                                    # width of a sheet, for the title
_OWN, _OTHERS = "the patch where the map is highest, and its projection", "the strongest patches of many images (projections: grey is 0)"


class Feature(NamedTuple):
    """A map of a layer, and what is shown of it."""

    layer: Layer
    channel: int
    own: Answer      # where it is highest in the photograph that is looked at; None if that is not, or leaves the map at 0
    others: list     # Answers: what it answers to most among many images


@picture
def sheet(rows, look, title, photo=None):
    """A row for each layer, from low to high: the photograph, if one is looked at, with the receptive fields of the maps' highest units;
    then for each map the patch there and its projection, and below, or alone: the strongest patches of all, and their projections.

    rows   lists of Features, those of a list of one layer
    look   the function from what a network takes (C, H, W) to pixels from 0 to 1
    photo  the pixels (C, H, W) of the photograph
    """
    halves = 1 if photo is None else 2
    block, tall = 2 * _SIDE + _GAP, halves * (_SIDE + _GAP) - _GAP
    begin, step = (0 if photo is None else tall + _BETWEEN), tall + _LABEL + 0.2
    width = begin + max(map(len, rows)) * (block + _BETWEEN) - _BETWEEN
    drawn = Sheet(max(width, _NARROWEST), len(rows) * step - 0.2, title, _OTHERS if photo is None else f"{_OWN}; below, {_OTHERS}")
    for number, row in enumerate(rows):
        top, fields = number * step, row[0].layer.fields
        size = " × ".join(str(math.ceil(field.size)) for field in fields)
        drawn.text(0, top, f"{row[0].layer.name}: a unit sees {size} pixels", weight="bold", fontsize=14)
        top += _LABEL
        if photo is not None:
            drawn.image(colours(photo), 0, top, tall)
        for place, (feature, colour) in enumerate(zip(row, TOLD_APART)):
            left = begin + place * (block + _BETWEEN)
            drawn.text(left, top - 0.28, _name(feature, photo), color=INK if photo is None else colour)
            if feature.own:
                drawn.outline(feature.own.strong.seen, photo.shape[1:], 0, top, tall, colour)
                _pair(drawn, [feature.own], 1, look, left, top, colour)
            if feature.others:
                _pair(drawn, feature.others, _ACROSS, look, left, top + (halves - 1) * (_SIDE + _GAP))
    return drawn.figure


def _name(feature, photo):
    if photo is None:
        return f"map {feature.channel}"
    if feature.own is None:
        return f"map {feature.channel}: 0 everywhere"
    activation = feature.own.strong.activation
    return f"map {feature.channel}: {activation:{',.0f' if activation >= 100 else '.3g'}}"


def _pair(drawn, answers, across, look, left, top, *frame):
    patches = [patch(look(answer.strong.x), answer.strong.seen, colours) for answer in answers]
    projections = [patch(answer.signal, answer.strong.seen, around_grey) for answer in answers]
    for images, start in ((patches, left), (projections, left + _SIDE + _GAP)):
        drawn.image(mosaic(images, across), start, top, _SIDE, *frame)


@picture
def compared(pixels, rows, title):
    """Several projections of the same units, side by side.

    pixels  (C, H, W), from 0 to 1, of the image
    rows    {words about a unit: (what it sees, {words about a projection: signal (C, H, W)})}
    """
    names = list(next(iter(rows.values()))[1])
    side = 2.9
    drawn = Sheet((len(names) + 1) * (side + _GAP) - _GAP, len(rows) * (side + 0.4) + 0.2, title, "grey is 0; each on a scale of its own")
    for column, name in enumerate(["what the unit sees", *names]):
        drawn.text(column * (side + _GAP), 0.2, name, va="baseline")
    for row, (words, (seen, signals)) in enumerate(rows.items()):
        top = 0.3 + row * (side + 0.4)
        drawn.image(patch(pixels, seen, colours), 0, top, side)
        for column, name in enumerate(names, 1):
            drawn.image(patch(signals[name], seen, around_grey), column * (side + _GAP), top, side)
        drawn.text(0, top + side + 0.03, words, fontsize=11)
    return drawn.figure
