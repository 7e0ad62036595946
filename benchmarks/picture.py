"""The picture: where we lead and where we lag, at a glance."""
import math

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks import frameworks, table
from minicnn import drawing
from minicnn.drawing import BLUE, GREY, INK, ORANGE, picture

# Inches: a line's height; in a column of lines, the widths of names, bars and a figure.
_LINE, _NAMES, _BARS, _FIGURE = 0.235, 3.6, 3.0, 0.6
_BELOW, _ABOVE, _MARGIN = 0.85, 1.1, 0.35
_MOST_LINES = 60
_NARROWEST, _WIDEST = 2.0, 10.0   # ratio up to which the axis goes at least and at most
_TEXT = "#595959"


@picture
def draw(document):
    """A Figure with a bar for each result, from 1 to the other's time divided by ours, on a logarithmic axis.

    Against PyTorch if that took part, else against plain NumPy. Bars are for the first number of threads, diamonds for others.
    """
    rival = _rival(document["results"])
    cases = {key: {threads: record["contenders"][rival] for threads, record in records.items() if rival in record["contenders"]}
             for key, records in table.by_case(document["results"]).items()}
    cases = {key: measurements for key, measurements in cases.items() if measurements}
    threads = list(dict.fromkeys(count for measurements in cases.values() for count in measurements))
    columns = _split(_blocks(cases))
    lines = max(map(len, columns))
    column_width = _NAMES + _BARS + len(threads) * _FIGURE + _MARGIN
    width, height = len(columns) * column_width + _MARGIN, _BELOW + lines * _LINE + _ABOVE
    figure = drawing.figure(width, height, _title(rival, cases))
    figure.set_layout_engine("none")   # lines are equally far apart in all columns, however many there are
    for place, column in enumerate(columns):
        left, bottom = _MARGIN + place * column_width + _NAMES, _BELOW + (lines - len(column)) * _LINE
        axes = figure.add_axes((left / width, bottom / height, _BARS / width, len(column) * _LINE / height))
        _draw_column(axes, column, threads, _limits(cases))
    _write_legend(figure, document, rival, cases, threads)
    return figure


def _rival(records):
    """With whom we are compared."""
    others = [name for record in records for name in record["contenders"] if name not in (frameworks.OURS, frameworks.DEFINITION)]
    return others[0] if others else frameworks.DEFINITION


def _blocks(cases):
    """Lines that stay together, as lists of (kind, text, measurements): the bars of one subject, below its name."""
    blocks, group, subject = [], None, None
    for (case_group, case_subject, aspect), measurements in cases.items():
        if (case_group, case_subject) != (group, subject):
            blocks.append([("subject", case_subject, None)])
            if case_group != group:
                blocks[-1][:0] = [("space", "", None), ("group", case_group, None)]
        group, subject = case_group, case_subject
        blocks[-1].append(("bar", aspect, measurements))
    return blocks


def _split(blocks):
    """The blocks as columns of lines, about equally long and none much longer than _MOST_LINES."""
    total = sum(map(len, blocks))
    count = math.ceil(total / _MOST_LINES)
    columns, done = [[] for _ in range(count)], 0
    for block in blocks:
        columns[min(count - 1, (done + len(block) // 2) * count // total)] += block
        done += len(block)
    return [column if column[0][0] == "space" else [("space", "", None), *column] for column in columns if column]


def _limits(cases):
    """Where the axis ends: a little beyond the extremes, unless those are few and far out."""
    ratios = [measurement["ratio"] for measurements in cases.values() for measurement in measurements.values()]
    return 1 / min(_WIDEST, max(_NARROWEST, 1.1 / min(ratios))), min(_WIDEST, max(_NARROWEST, 1.1 * max(ratios)))


def _draw_column(axes, lines, threads, limits):
    axes.set(xscale="log", xlim=limits, ylim=(len(lines) - 0.5, -0.5), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(FixedLocator([2.0 ** power for power in range(-4, 5) if limits[0] <= 2.0 ** power <= limits[1]]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value >= 1 else f"1/{1 / value:g}"))
    axes.tick_params(axis="x", labelsize=11, length=0)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.axvline(1, color=INK, linewidth=1.2, zorder=3)

    def write(inches, place, text, **style):
        """Text so far to the right of the axis's left end, in a line."""
        axes.text(inches / _BARS, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=11, **style)

    for column, count in enumerate(threads, 1):
        write(_BARS + column * _FIGURE, 0, f"{count} thr.", ha="right", color=GREY)
    for place, (kind, text, measurements) in enumerate(lines):
        if kind == "group":
            write(-_NAMES, place, text.upper(), weight="bold")
        elif kind == "subject":
            write(-_NAMES, place, text, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1}, zorder=4)
        elif kind == "bar":
            write(-0.1, place, text, ha="right", color=_TEXT)
            _draw_bar(axes, place, list(measurements.values()), limits)
            for column, count in enumerate(threads, 1):
                if count in measurements:
                    found = measurements[count]
                    write(_BARS + column * _FIGURE, place, table.doubtful(found) + table.three_digits(found["ratio"]), ha="right",
                          color=_colour(found["ratio"]), weight="bold" if column == 1 else "normal")


def _draw_bar(axes, place, measurements, limits):
    bar, *diamonds = [min(max(measurement["ratio"], limits[0]), limits[1]) for measurement in measurements]
    axes.barh(place, bar - 1, left=1, height=0.72, color=_colour(bar), alpha=0.35 if table.doubtful(measurements[0]) else 1)
    for diamond in diamonds:
        axes.plot(diamond, place, "D", markersize=5.5, markerfacecolor="white", markeredgecolor=INK, markeredgewidth=1.2,
                  clip_on=False, zorder=5)


def _colour(ratio):
    return BLUE if ratio >= 1 else ORANGE


def _title(rival, cases):
    ratios = [next(iter(measurements.values()))["ratio"] for measurements in cases.values()]
    return f"minicnn is ahead of {rival} in {sum(ratio >= 1 for ratio in ratios)} of {len(ratios)} measurements"


def _write_legend(figure, document, rival, cases, threads):
    doubtful = any(map(table.doubtful, (found for measurements in cases.values() for found in measurements.values())))
    bars, *diamonds = [f"{count} thread{'s' * (count > 1)}" for count in threads]
    version = document["versions"].get({"PyTorch": "torch", "NumPy": "numpy"}[rival], "")
    figure.text(0.5, 1 - 0.7 / figure.get_figheight(), ha="center", va="center", fontsize=12, s=
                f"how many times as fast as {rival} {version}, or with how many times less memory;   bars: {bars}"
                + "".join(f", diamonds: {count}" for count in diamonds)
                + ", pale and ~: other processes were busy" * doubtful)
    drawing.caption(figure, f"{document['processor']}, {document['cores']} cores, {document['date'][:10]}; python -m benchmarks")
