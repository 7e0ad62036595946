"""How our pictures look and how they get to disk: one size of type and one set of colours for everything that is drawn.

Figures are made without pyplot: nothing global is changed, and no screen is needed.
"""
import functools

import matplotlib
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from minicnn.files import replacing
from minicnn.wording import confidence

# Okabe & Ito, "Color universal design" (2008): colours that can be told apart with any kind of colour vision.
BLUE, ORANGE, GREEN, PURPLE, AMBER, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
GREY, INK, FRAME = "#8C8C8C", "#262626", "#C8C8C8"
TOLD_APART = BLUE, ORANGE, GREEN, PURPLE, INK   # things of one kind, as lines and as words
SIGNED = LinearSegmentedColormap.from_list("signed", ["#00263B", BLUE, "white", ORANGE, "#471F00"])   # 0 is white
COUNTS = LinearSegmentedColormap.from_list("counts", ["#FBE7DA", ORANGE])                             # from 1 on

STYLE = {
    "font.size": 13, "axes.titlesize": 13, "axes.labelsize": 13, "xtick.labelsize": 12, "ytick.labelsize": 12,
    "figure.titlesize": 16, "figure.titleweight": "bold", "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": GREY,
    "xtick.color": GREY, "ytick.color": GREY, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.spines.top": False, "axes.spines.right": False, "grid.color": "#E3E3E3", "lines.linewidth": 2.5,
    "image.interpolation": "nearest",
}


def picture(draw):
    """Decorator of a function that returns a Figure: it draws in our style, whatever else is set."""
    @functools.wraps(draw)
    def draw_in_style(*arguments, **settings):
        with matplotlib.rc_context(STYLE):
            return draw(*arguments, **settings)
    return draw_in_style


def figure(width, height, title):
    """A Figure of so many inches, which arranges by itself what is put into it."""
    made = Figure((width, height), facecolor="white", layout="constrained")
    made.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    made.suptitle(title)
    return made


def caption(drawn, text):
    """A remark below the picture."""
    drawn.supxlabel(text, fontsize=11, color=GREY)


def save(drawn, path):
    """Write a Figure as PNG, whole or not at all."""
    with replacing(path) as partial:
        drawn.savefig(partial, format="png", dpi=150)


def frame(axes):
    """A thin frame instead of axes with numbers, for images."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=FRAME, linewidth=0.8)


def apart(heights, least, lowest=-np.inf):
    """The heights of names at the ends of curves, moved so far that none is closer to another than `least`, or below `lowest`."""
    moved = np.array(heights, float)
    order = np.argsort(-moved, kind="stable")
    for _ in range(20):   # neighbours push each other away, which for three takes a few rounds
        moved = np.maximum(moved, lowest)
        for above, below in zip(order, order[1:]):
            lack = max(0, least - (moved[above] - moved[below]))
            moved[[above, below]] += lack / 2, -lack / 2
    return moved


def show_image(axes, image):
    """An image (C, H, W): with one channel as ink on paper, the larger the darker; with three in colour."""
    if len(image) == 3:
        axes.imshow(image.transpose(1, 2, 0))
    else:
        axes.imshow(image[0], cmap="gray_r")
    frame(axes)


def show_probabilities(axes, probabilities, classes, chosen):
    """Bars for the classes, from top to bottom; the chosen one in colour, and numbers where there is something to read."""
    places = np.arange(len(classes))
    axes.barh(places, probabilities, color=[BLUE if place == chosen else GREY for place in places], height=0.75)
    for place, probability in enumerate(probabilities):
        if probability >= 0.005:
            axes.text(probability + 0.02, place, confidence(probability), va="center", fontsize=12)
    axes.set(yticks=places, yticklabels=classes, xticks=[], xlim=(0, 1.35), ylim=(len(classes) - 0.5, -0.5))
    axes.tick_params(axis="y", length=0)
    axes.spines["bottom"].set_visible(False)
