"""Patches that maps answer to, beside their projections: as Figure 2 of Zeiler & Fergus, "Visualizing and understanding convolutional
networks", ECCV 2014."""
import math
from typing import NamedTuple

from minicnn.drawing import BLUE, INK, ORANGE, picture
from minicnn.training import preparation
from minicnn.visualize.deconvnet import Answer
from minicnn.visualize.layers import Layer
from minicnn.visualize.pictures.sheet import Sheet, around_grey, colours, mosaic, patch

_COLOURS = BLUE, ORANGE, "#009E73", "#CC79A7", INK   # of the maps in a row, on the photograph
_SIDE, _GAP, _BETWEEN = 1.75, 0.08, 0.4              # of an image; between two of a map; between maps, in inches
_LABEL = 0.62                                        # height of the words above
_ACROSS = 3                                          # patches in a row of a grid


class Feature(NamedTuple):
    """A map of a layer, and what is shown of it."""

    layer: Layer
    channel: int
    own: Answer      # where it answers most in the photograph that is looked at; or None
    others: list     # Answers: what it answers to most in other images


@picture
def sheet(rows, preprocessing, title):
    """A row for each layer, from low to high: the photograph, if one is looked at, with the receptive fields of the maps' highest units;
    then for each map the patch there and its projection, and below or, without a photograph, alone: the strongest patches of all, and
    their projections.

    rows           lists of Features, those of a list of one layer
    preprocessing  models.classifier.Preprocessing
    """
    looked_at = rows[0][0].own
    halves = [half for half in ("own", "others") if any(getattr(feature, half) for row in rows for feature in row)]
    block, tall = 2 * _SIDE + _GAP, len(halves) * (_SIDE + _GAP) - _GAP
    begin = (tall + _BETWEEN) if looked_at else 0
    width = begin + max(map(len, rows)) * (block + _BETWEEN) - _BETWEEN
    drawn = Sheet(width, len(rows) * (tall + _LABEL + 0.2) - 0.2, title, _caption(halves))
    for number, row in enumerate(rows):
        top = number * (tall + _LABEL + 0.2)
        layer = row[0].layer
        size = " × ".join(str(math.ceil(field.size)) for field in layer.fields)
        drawn.text(0, top, f"{layer.name}: a unit sees {size} pixels", weight="bold", fontsize=14)
        top += _LABEL
        if looked_at:
            pixels = preparation.pixels(preprocessing, looked_at.strong.x)
            drawn.image(colours(pixels), 0, top, tall)
        for place, (feature, colour) in enumerate(zip(row, _COLOURS)):
            left = begin + place * (block + _BETWEEN)
            drawn.text(left, top - 0.28, _name(feature), color=colour if looked_at else INK)
            down = top
            if feature.own:
                drawn.outline(feature.own.strong.seen, pixels.shape[1:], 0, top, tall, colour)
                _pair(drawn, [feature.own], 1, preprocessing, left, down, colour)
                down += _SIDE + _GAP
            if feature.others:
                _pair(drawn, feature.others, _ACROSS, preprocessing, left, down)
    return drawn.figure


def _name(feature):
    return f"map {feature.channel}" + (f": {feature.own.strong.activation:.3g}" if feature.own else "")


def _pair(drawn, answers, across, preprocessing, left, top, *frame):
    patches = [patch(preparation.pixels(preprocessing, answer.strong.x), answer.strong.seen, colours) for answer in answers]
    projections = [patch(answer.signal, answer.strong.seen, around_grey) for answer in answers]
    for images, start in ((patches, left), (projections, left + _SIDE + _GAP)):
        drawn.image(mosaic(images, across), start, top, _SIDE, *frame)


def _caption(halves):
    own = "the patch where the map is highest, and its projection" * ("own" in halves)
    others = "the strongest patches among many images, and their projections" * ("others" in halves)
    return f"{own}{'; below, ' * (len(halves) == 2)}{others} (grey is 0)"
