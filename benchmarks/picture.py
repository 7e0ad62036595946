"""The picture: where we lead and where we lag, at a glance."""
import math
from typing import NamedTuple

from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks import frameworks, table
from minicnn import drawing
from minicnn.drawing import BLUE, GREY, INK, ORANGE, picture

# Inches: a line's height; in a column of lines, the widths of names, bars and a figure.
_LINE, _NAMES, _BARS, _FIGURE = 0.235, 3.6, 3.0, 0.63
_BELOW, _ABOVE, _MARGIN = 0.85, 1.45, 0.35
_MOST_LINES, _MOST_COLUMNS = 75, 3
_NARROWEST, _WIDEST = 2.0, 10.0   # ratio up to which the axis goes at least and at most
_LONGEST = 44   # letters that have room in front of a bar
_TEXT = "#595959"
_MARKER = {"markersize": 5.5, "markerfacecolor": "white", "markeredgecolor": INK, "markeredgewidth": 1.2}
_MARKERS = {frameworks.CHANNELS_LAST: "D", frameworks.COMPILED: "^", frameworks.ONNXRUNTIME: "o"}


class _Result(NamedTuple):
    """What is drawn of a case.

    rival     {threads: Measurement as a dict} of the one whom the bars are for
    hardest   (name, Measurement as a dict) of the one who leaves us the least, with the first number of threads; None if that is
              the rival
    """

    rival: dict
    hardest: tuple

    @property
    def ratios(self):
        """Against the rival, and against the hardest."""
        first = next(iter(self.rival.values()))["ratio"]
        return first, self.hardest[1]["ratio"] if self.hardest else first


@picture
def draw(document):
    """A Figure with a bar for each result, from 1 to the other's time divided by ours, on a logarithmic axis.

    Against PyTorch as it comes if that took part, else against plain NumPy. Bars are for the first number of threads, and so is
    the marker, where another rival is harder to beat: its shape says who that is.
    """
    rival = _rival(document["results"])
    results = {key: _result(records, rival) for key, records in table.by_case(document["results"]).items()
               if any(rival in record["contenders"] for record in records.values())}
    threads = list(dict.fromkeys(count for result in results.values() for count in result.rival))
    heads = [_in_words(count, "thr.") for count in threads] + ["rival"] * any(result.hardest for result in results.values())
    columns = _split(_blocks(results))
    lines = max(map(len, columns))
    column_width = _NAMES + _BARS + len(heads) * _FIGURE + _MARGIN
    width, height = len(columns) * column_width + _MARGIN, _BELOW + lines * _LINE + _ABOVE
    figure = drawing.figure(width, height, _title(rival, results.values()))
    figure.suptitle(figure.get_suptitle(), y=1 - 0.3 / height)
    figure.set_layout_engine("none")   # lines are equally far apart in all columns, however many there are
    for place, column in enumerate(columns):
        left, bottom = _MARGIN + place * column_width + _NAMES, _BELOW + (lines - len(column)) * _LINE
        axes = figure.add_axes((left / width, bottom / height, _BARS / width, len(column) * _LINE / height))
        _draw_column(axes, column, threads, heads, _limits(results.values()))
    _write_legend(figure, document, rival, results.values(), threads)
    return figure


def _in_words(condition, unit):
    """A number of threads; or a precision, which has its name."""
    return condition if isinstance(condition, str) else f"{condition} {unit}"


def _rival(records):
    """With whom we are compared first of all."""
    names = {name for record in records for name in record["contenders"]}
    return frameworks.PYTORCH if frameworks.PYTORCH in names else frameworks.DEFINITION


def _result(records, rival):
    first = next(record["contenders"] for record in records.values() if rival in record["contenders"])
    names = [name for name in (rival, *frameworks.RIVALS) if name in first]
    hardest = min(names, key=lambda name: first[name]["ratio"])
    return _Result({threads: record["contenders"][rival] for threads, record in records.items() if rival in record["contenders"]},
                   (hardest, first[hardest]) if hardest != rival else None)


def _blocks(results):
    """Lines that stay together, as lists of (kind, text, value): the bars of one subject, below its name."""
    groups = {}
    for (group, subject, aspect), result in results.items():
        groups.setdefault(group, {}).setdefault(subject, []).append((aspect, result))
    blocks = []
    for group, subjects in groups.items():
        own = [result for bars in subjects.values() for _, result in bars]
        head = [("space", "", None), ("group", group, own)]
        for subject, bars in subjects.items():
            alone = f"{subject}, {bars[0][0]}"
            if len(bars) == 1 and len(alone) <= _LONGEST:
                block = [("bar", alone, bars[0][1])]
            else:
                block = [("subject", subject, None), *(("bar", aspect, result) for aspect, result in bars)]
            blocks.append([*head, *block])
            head = []
    return blocks


def _split(blocks):
    """The blocks as columns of lines, about equally long and, while there are few, none much longer than _MOST_LINES."""
    total = sum(map(len, blocks))
    count = min(_MOST_COLUMNS, math.ceil(total / _MOST_LINES))
    columns, done = [[] for _ in range(count)], 0
    for block in blocks:
        columns[min(count - 1, (done + len(block) // 2) * count // total)] += block
        done += len(block)
    return [column if column[0][0] == "space" else [("space", "", None), *column] for column in columns if column]


def _limits(results):
    """Where the axis ends: a little beyond the extremes, unless those are few and far out."""
    ratios = [ratio for result in results for ratio in result.ratios]
    return 1 / min(_WIDEST, max(_NARROWEST, 1.1 / min(ratios))), min(_WIDEST, max(_NARROWEST, 1.1 * max(ratios)))


def _draw_column(axes, lines, threads, heads, limits):
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

    if not any(value.hardest for kind, _, value in lines if kind == "bar"):
        heads = heads[:len(threads)]
    for column, head in enumerate(heads, 1):
        write(_BARS + column * _FIGURE, 0, head, ha="right", color=GREY)
    for place, (kind, text, value) in enumerate(lines):
        if kind == "group":
            write(-_NAMES, place, text.upper(), weight="bold")
            write(-0.1, place, _count(value), ha="right", color=GREY)
        elif kind == "subject":
            write(-_NAMES, place, text, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1}, zorder=4)
        elif kind == "bar":
            write(-0.1, place, text, ha="right", color=_TEXT)
            _draw_bar(axes, place, value, limits)
            figures = [value.rival.get(count) for count in threads] + [value.hardest and value.hardest[1]]
            for column, found in enumerate(figures, 1):
                if found:
                    write(_BARS + column * _FIGURE, place, table.doubtful(found) + table.three_digits(found["ratio"]), ha="right",
                          color=_colour(found["ratio"]), weight="bold" if column == 1 else "normal")


def _draw_bar(axes, place, result, limits):
    found = next(iter(result.rival.values()))
    bar, marker = [min(max(ratio, limits[0]), limits[1]) for ratio in result.ratios]
    axes.barh(place, bar - 1, left=1, height=0.72, color=_colour(bar), alpha=0.35 if table.doubtful(found) else 1)
    if result.hardest:
        axes.plot(marker, place, _MARKERS[result.hardest[0]], clip_on=False, zorder=5, **_MARKER)


def _colour(ratio):
    return BLUE if ratio >= 1 else ORANGE


def _count(results):
    """In how many we lead, in few words."""
    first, hardest = [sum(ratio >= 1 for ratio in ratios) for ratios in zip(*(result.ratios for result in results))]
    of_all = f", {hardest} of all" if any(result.hardest for result in results) else ""
    return f"ahead in {first} of {len(results)}{of_all}"


def _title(rival, results):
    first, hardest = [sum(ratio >= 1 for ratio in ratios) for ratios in zip(*(result.ratios for result in results))]
    title = f"minicnn is ahead of {rival} in {first} of {len(results)} measurements"
    return title + f", of every rival in {hardest}" * any(result.hardest for result in results)


def _write_legend(figure, document, rival, results, threads):
    measurements = [found for result in results for found in (*result.rival.values(), *filter(None, (result.hardest or (0, 0))[1:]))]
    version = document["versions"].get({"PyTorch": "torch", "NumPy": "numpy"}[rival], "")
    bars = _in_words(threads[0], f"thread{'s' * (threads[0] != 1)}")
    top = figure.get_figheight()
    figure.text(0.5, 1 - 0.68 / top, ha="center", va="center", fontsize=12, s=
                f"how many times as fast as {rival} {version}, or with how many times less memory;   bars: {bars}"
                + ", pale and ~: other processes were busy" * any(map(table.doubtful, measurements)))
    hardest = {result.hardest[0] for result in results if result.hardest}
    if hardest:
        handles = [Line2D([], [], linestyle="none", label="where another rival is harder to beat:")]
        handles += [Line2D([], [], linestyle="none", marker=marker, label=name, **_MARKER)
                    for name, marker in _MARKERS.items() if name in hardest]
        figure.legend(handles=handles, loc="center", bbox_to_anchor=(0.5, 1 - 0.98 / top), ncols=len(handles), frameon=False, fontsize=12,
                      handletextpad=0.1, columnspacing=1.2)
    machine = document.get("gpu") or f"{document['processor']}, {document['cores']} cores"
    drawing.caption(figure, f"{machine}, {document['date'][:10]}; python -m benchmarks" + " --device cuda" * ("gpu" in document))
