"""The picture: where we lead and where we lag, at a glance."""
import math

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks import frameworks, table
from minicnn import drawing
from minicnn.drawing import BLUE, GREY, INK, ORANGE, picture

_LINE = 0.235            # inches of height for a line
_MOST_LINES = 44         # in a column
_LABELS, _BARS = 4.3, 3.7   # inches of width
_NARROWEST, _WIDEST = 2.0, 10.0   # ratio up to which the axis goes at least and at most


@picture
def draw(document):
    """A Figure with a bar for each result, from 1 to the other's time divided by ours, on a logarithmic axis.

    Against PyTorch if that took part, else against plain NumPy. Bars are for the first number of threads, diamonds for the second.
    """
    rival = _rival(document["results"])
    cases = {key: {threads: record["contenders"][rival] for threads, record in records.items() if rival in record["contenders"]}
             for key, records in table.by_case(document["results"]).items()}
    cases = {key: measurements for key, measurements in cases.items() if measurements}
    columns = _split(_lines(cases))
    height = max(map(len, columns)) * _LINE
    figure = drawing.figure(len(columns) * (_LABELS + _BARS) + 0.3, height + 1.9, layout=None)
    low, high = _limits(cases)
    for place, lines in enumerate(columns):
        left = (place * (_LABELS + _BARS) + _LABELS) / figure.get_figwidth()
        bottom = (0.75 + height - len(lines) * _LINE) / figure.get_figheight()
        axes = figure.add_axes((left, bottom, (_BARS - 0.45) / figure.get_figwidth(), len(lines) * _LINE / figure.get_figheight()))
        _draw_column(axes, lines, low, high)
    _write_titles(figure, document, rival, cases)
    return figure


def _rival(records):
    """With whom we are compared."""
    others = [name for record in records for name in record["contenders"] if name not in (frameworks.OURS, frameworks.DEFINITION)]
    return others[0] if others else frameworks.DEFINITION


def _lines(cases):
    """What stands below each other: blocks (lists) of lines, each the bars of one subject under its name and perhaps its group's."""
    blocks, group, subject = [], None, None
    for (case_group, case_subject, aspect), measurements in cases.items():
        if (case_group, case_subject) != (group, subject):
            blocks.append([("subject", case_subject, None)])
            if case_group != group:
                blocks[-1].insert(0, ("group", case_group, None))
        group, subject = case_group, case_subject
        blocks[-1].append(("bar", aspect, measurements))
    return blocks


def _split(blocks):
    """The blocks as columns of about equal length, none much longer than _MOST_LINES."""
    total = sum(map(len, blocks))
    count = math.ceil(total / _MOST_LINES)
    columns, done = [[] for _ in range(count)], 0
    for block in blocks:
        columns[min(count - 1, (done + len(block) // 2) * count // total)] += block
        done += len(block)
    return [column for column in columns if column]


def _limits(cases):
    """The axis's ends: even about 1 in its logarithm only if the results are."""
    ratios = [measurement["ratio"] for measurements in cases.values() for measurement in measurements.values()]
    return (1 / min(_WIDEST, max(_NARROWEST, 1.6 / min(ratios))), min(_WIDEST, max(_NARROWEST, 1.6 * max(ratios))))


def _draw_column(axes, lines, low, high):
    axes.set(xscale="log", xlim=(low, high), ylim=(len(lines) - 0.5, -0.5), yticks=[])
    axes.spines["left"].set_visible(False)
    powers = [2.0 ** power for power in range(-4, 5) if low <= 2.0 ** power <= high]
    axes.xaxis.set_major_locator(FixedLocator(powers))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×" if value >= 1 else f"1/{1 / value:g}"))
    axes.tick_params(axis="x", labelsize=11, length=0)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.axvline(1, color=INK, linewidth=1.2)
    labels = axes.get_yaxis_transform()   # across: a share of the axes' width; down: lines
    for place, (kind, text, measurements) in enumerate(lines):
        if kind == "group":
            axes.text(-_LABELS / (_BARS - 0.45), place, text.upper(), transform=labels, va="center", weight="bold", fontsize=11, color=BLUE)
        elif kind == "subject":
            axes.text(-0.99 * _LABELS / (_BARS - 0.45), place, text, transform=labels, va="center", fontsize=11,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
        else:
            axes.text(-0.03, place, text, transform=labels, va="center", ha="right", fontsize=11, color="#595959")
            _draw_bar(axes, place, list(measurements.values()), low, high)


def _draw_bar(axes, place, measurements, low, high):
    ratio = measurements[0]["ratio"]
    end = min(max(ratio, low), high)
    axes.barh(place, end - 1, left=1, height=0.72, color=BLUE if ratio >= 1 else ORANGE)
    for other in measurements[1:]:
        axes.plot(min(max(other["ratio"], low), high), place, "D", markersize=5, markerfacecolor="white", markeredgecolor=INK, clip_on=False)
    inside = ratio > 0.8 * high or ratio < low / 0.8
    axes.annotate(table.doubtful(measurements[0]) + table.three_digits(ratio), (end, place), va="center", fontsize=10,
                  xytext=((-4 if ratio >= 1 else 4) * (1 if inside else -1), 0), textcoords="offset points",
                  ha="right" if (ratio >= 1) == inside else "left", color="white" if inside else INK)


def _write_titles(figure, document, rival, cases):
    width, height = figure.get_size_inches()
    ratios = [next(iter(measurements.values()))["ratio"] for measurements in cases.values()]
    ahead = sum(ratio >= 1 for ratio in ratios)
    threads = list(dict.fromkeys(threads for measurements in cases.values() for threads in measurements))
    named = [f"{count} thread{'s' * (count > 1)}" for count in threads]
    version = document["versions"].get("torch" if rival == "PyTorch" else "numpy", "")
    figure.text(0.15 / width, 1 - 0.2 / height, f"minicnn is ahead of {rival} in {ahead} of {len(ratios)}", va="top", fontsize=16, weight="bold")
    diamonds = f"   diamonds: {named[1]}" if len(named) > 1 else ""
    figure.text(0.15 / width, 1 - 0.55 / height, f"How many times as fast as {rival} {version}, or with how many times less memory.   "
                                                 f"bars: {named[0]}{diamonds}", va="top", fontsize=11)
    figure.text(0.15 / width, 0.15 / height, f"{document['processor']}, {document['cores']} cores; {document['date'][:10]}", va="bottom",
                fontsize=10, color=GREY)
