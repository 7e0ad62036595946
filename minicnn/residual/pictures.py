"""The pictures of residual networks: each function takes what the other files here measure, and returns a Figure."""
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from minicnn import drawing
from minicnn.drawing import BLUE, FRAME, GREY, INK, ORANGE, picture
from minicnn.residual import paths

_IN_PERCENT = FuncFormatter(lambda share, _: f"{100 * share:.3g} %")


def _looks(names):
    """By name: blue for residual networks, orange for plain ones, in each kind all but the last dashed."""
    looks = {}
    for colour, own in ((ORANGE, [name for name in names if "plain" in name]), (BLUE, [name for name in names if "plain" not in name])):
        for place, name in enumerate(own):
            last = place == len(own) - 1
            looks[name] = {"color": colour, "linestyle": "-" if last else "--", "linewidth": 2.5 if last else 1.8}
    return looks


def _legend(axes, looks, **settings):
    axes.legend([Line2D([], [], **look) for look in looks.values()], list(looks), frameon=False, handlelength=2.6, **settings)


@picture
def gradients(measured, title):
    """Size of the gradient at each depth, and how far batches agree about its direction.

    measured  {name: gradients.ByDepth}, of networks that may be of different depth
    """
    figure = drawing.figure(12.8, 5.4, title)
    left, right = figure.subplots(1, 2)
    looks = _looks(measured)
    for name, found in measured.items():
        layers = np.arange(1, len(found.names) + 1)
        left.plot(layers, found.sizes, **looks[name])
        right.plot(layers, found.agreement, **looks[name])
    left.set(yscale="log")
    left.set_title("size: norm of gradient / norm of weights", loc="left")
    right.axhline(0, color=GREY, linewidth=1)
    right.set(ylim=(min(-0.08, right.get_ylim()[0]), 1.03))
    right.set_title("agreement: cosine between two batches", loc="left")
    for axes in (left, right):
        axes.set(xlabel="convolution, from the image on")
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    _legend(right, looks, loc="upper left", bbox_to_anchor=(1, 1))
    drawing.caption(figure, "agreement 1: all batches ask for the same change of the weights; 0: each asks for another")
    return figure


@picture
def degradation(curves, title):
    """How networks of different depth come to know their training images.

    curves  {name: degradation.Curve}, the shallower of a kind first
    """
    figure = drawing.figure(12.8, 5.4, title)
    axes = figure.subplots(1, 2, sharey=True)
    looks = _looks(curves)
    for panel, kind, names in zip(axes, ("plain", "residual"), ([name for name in curves if "plain" in name],
                                                                [name for name in curves if "plain" not in name])):
        ends = drawing.apart([curves[name].errors[-1] for name in names], 0.14, 0.07)   # half a name above the axis
        for name, height in zip(names, ends):
            curve = curves[name]
            panel.plot(curve.when, curve.errors, **looks[name])
            panel.annotate(f"{name}\n{100 * curve.errors[-1]:.1f} %", (1, height), xycoords=("axes fraction", "data"), xytext=(6, 0),
                           textcoords="offset points", va="center", color=looks[name]["color"], fontsize=12)
        panel.set_title(kind, loc="left", weight="bold")
        panel.set(xlabel="epoch", ylim=(0, 1), xlim=(0, max(curve.when[-1] for curve in curves.values())))
        panel.yaxis.set_major_formatter(_IN_PERCENT)
        panel.grid(axis="y")
    axes[0].set_ylabel("training images not recognised")
    drawing.caption(figure, "of the images of each batch, before the step that it leads to; numbers: at the end")
    return figure


@picture
def lesions(errors, whole, title):
    """The error after taking out each block by itself.

    errors  {name: (blocks,) from lesions.delete_each}
    whole   {name: the error of the network as it is}
    """
    figure = drawing.figure(12.8, 2.6 + 2.4 * len(errors), title)
    for axes, (name, found) in zip(figure.subplots(len(errors), 1, squeeze=False)[:, 0], errors.items()):
        places = np.arange(1, len(found) + 1)
        axes.bar(places, found, color=ORANGE if "plain" in name else BLUE, width=0.7)
        axes.axhline(whole[name], color=INK, linewidth=1.2, linestyle="--")
        axes.annotate(f"whole:\n{100 * whole[name]:.1f} %", (1, whole[name]), xycoords=("axes fraction", "data"), xytext=(6, 0),
                      textcoords="offset points", va="center", fontsize=12)
        for place in places[np.isnan(found)]:
            axes.text(place, 0.5, "shape\nchanges", ha="center", va="center", fontsize=11, color=GREY, rotation=90)
        axes.set(ylim=(0, 1), xlim=(0.4, len(found) + 0.6), ylabel="images not\nrecognised")
        axes.set_title(name, loc="left", weight="bold")
        axes.yaxis.set_major_formatter(_IN_PERCENT)
        axes.xaxis.set_major_locator(MaxNLocator(18, integer=True, steps=(1, 2, 5, 10)))
        axes.grid(axis="y")
        axes.set_axisbelow(True)
    axes.set_xlabel("block taken out, from the image on")
    return figure


@picture
def deletions_and_swaps(counts, deleted, taus, swapped, whole, title):
    """The error after taking out several random blocks, and after bringing blocks out of order.

    counts, deleted  how many blocks were taken out (counts,), and the errors (counts, repeats)
    taus, swapped    Kendall's tau of new orders and the errors, of one shape
    whole            the error of the network as it is
    """
    figure = drawing.figure(12.8, 5.2, title)
    left, right = figure.subplots(1, 2, sharey=True)
    low, median, high = np.quantile(deleted, (0.1, 0.5, 0.9), axis=1)
    left.fill_between(counts, low, high, color=BLUE, alpha=0.18, linewidth=0)
    left.plot(counts, median, "o-", color=BLUE)
    left.set_title("random blocks taken out", loc="left", weight="bold")
    left.set(xlabel="how many", ylabel="images not recognised", ylim=(0, 1))
    left.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    left.yaxis.set_major_formatter(_IN_PERCENT)
    right.plot(taus.ravel(), swapped.ravel(), "o", color=BLUE, alpha=0.55, markersize=7, markeredgewidth=0)
    right.set_title("random blocks swapped", loc="left", weight="bold")
    spread = max(1 - taus.min(), 0.01)
    right.set(xlabel="Kendall's tau: 1 is the order as it was", xlim=(1 + 0.02 * spread, 1 - 1.05 * spread))
    for axes in (left, right):
        axes.axhline(whole, color=INK, linewidth=1.2, linestyle="--")
        axes.grid(axis="y")
    right.annotate(f"whole:\n{100 * whole:.1f} %", (1, whole), xycoords=("axes fraction", "data"), xytext=(6, 0),
                   textcoords="offset points", va="center", fontsize=12)
    drawing.caption(figure, f"left: median of {deleted.shape[1]} draws, and the range of the middle four fifths.   "
                            "right: each dot is another order")
    return figure


@picture
def path_lengths(norms, title):
    """How many paths there are of each length, what gradient one of them carries, and what they carry together.

    norms  (blocks + 1,) from paths.gradient_by_length
    """
    figure = drawing.figure(12.8, 4.9, title)
    number, carried, together = figure.subplots(1, 3)
    lengths = np.arange(len(norms))
    for axes, shares, head in ((number, paths.share_of_paths(len(norms) - 1), "how many paths"),
                               (together, paths.share_of_gradient(norms), "number × gradient")):
        first, last = paths.middle(shares)
        inside = (lengths >= first) & (lengths <= last)
        axes.bar(lengths, shares, color=np.where(inside, BLUE, FRAME), width=0.8)
        axes.set_title(f"{head}\n95 % have length {first} to {last}", loc="left")
        axes.yaxis.set_major_formatter(_IN_PERCENT)
    carried.plot(lengths, norms, "o-", color=BLUE, markersize=4)
    carried.set(yscale="log")
    carried.set_title("gradient by one of them\nnorm, mean of random ones", loc="left")
    for axes in (number, carried, together):
        axes.set(xlabel="length: blocks gone through", xlim=(-0.7, lengths[-1] + 0.7))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.grid(axis="y")
        axes.set_axisbelow(True)
    return figure
