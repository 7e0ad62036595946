"""The table on the screen."""
from benchmarks.frameworks import OURS

_GAP, _SECTION_GAP = "  ", "   |"
_WORTH_TELLING = 0.1   # seconds of compilation
_UNITS = {"s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
          "bytes": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "bytes"))}


def render(document):
    """The table of a document (what the JSON file holds), as text."""
    rows = by_case(document["results"])
    sections = [_Section(document, threads) for threads in dict.fromkeys(record["threads"] for record in document["results"])]
    lines = [[cell for section in sections for cell in section.cells(records)] for records in rows.values()]
    heads = [head for section in sections for head in section.heads]
    widths = [max(map(len, column)) for column in zip(heads, *lines)]
    label_width = max(len(aspect) for _, _, aspect in rows) + 2

    begins = {sum(len(section.heads) for section in sections[:place]) for place in range(len(sections))}
    titles, place = [], 0
    for section in sections:
        columns = widths[place:place + len(section.heads)]
        titles.append(_SECTION_GAP + _GAP + section.title.ljust(sum(columns) + len(_GAP) * (len(columns) - 1)))
        place += len(section.heads)
    text = [(" " * label_width + "".join(titles)).rstrip(), _line("", heads, widths, label_width, begins)]
    group = subject = None
    for (row_group, row_subject, aspect), cells in zip(rows, lines):
        if row_group != group:
            text += ["", row_group.upper()]
        if (row_group, row_subject) != (group, subject):
            text.append(row_subject)
        group, subject = row_group, row_subject
        text.append(_line("  " + aspect, cells, widths, label_width, begins))
    return "\n".join(text)


def by_case(records):
    """{(group, subject, aspect): {threads: record}}, in the order in which they first appear."""
    rows = {}
    for record in records:
        rows.setdefault((record["group"], record["subject"], record["aspect"]), {})[record["threads"]] = record
    return rows


def _line(label, cells, widths, label_width, begins):
    text = label.ljust(label_width)
    for place, (cell, width) in enumerate(zip(cells, widths)):
        text += _SECTION_GAP * (place in begins) + _GAP + cell.rjust(width)
    return text.rstrip()


class _Section:
    """The columns for one number of threads."""

    def __init__(self, document, threads):
        records = [record for record in document["results"] if record["threads"] == threads]
        self.threads = threads
        self.title = f"{threads} thread{'s' * (threads > 1)}"
        self.peak = document["peaks"].get(str(threads))   # none if only whole processes were measured
        if self.peak:
            self.title += f", {self.peak:.0f} GFLOP/s at most"
        self.others = list(dict.fromkeys(name for record in records for name in record["contenders"] if name != OURS))
        self.compiled = any(compilation_seconds(record) > _WORTH_TELLING for record in records)
        self.heads = ["time", "rate", "of peak", *self.others] + ["compile"] * self.compiled

    def cells(self, records):
        record = records.get(self.threads)
        if record is None:
            return [""] * len(self.heads)
        cells = [quantity(record["contenders"][OURS]["median"], record["unit"]), rate(record),
                 f"{100 * record['gflops'] / self.peak:.0f} %" if "gflops" in record else ""]
        for name in self.others:
            other = record["contenders"].get(name)
            cells.append("" if other is None else doubtful(other) + ratio(other["ratio"]))
        if self.compiled:
            seconds = compilation_seconds(record)
            cells.append(quantity(seconds, "s") if seconds > _WORTH_TELLING else "")
        return cells


def compilation_seconds(record):
    """What our first call took more than a later one; 0 where that is not known."""
    ours = record["contenders"][OURS]
    return max(0.0, ours["first_call"] - ours["median"]) if "first_call" in ours else 0.0


def doubtful(measurement):
    """A mark for figures from disturbed rounds."""
    return "~" if 2 * measurement["disturbed"] > measurement["rounds"] else ""


def quantity(value, unit):
    """Seconds or bytes, three digits: "1.23 ms", "216 MB"."""
    steps = _UNITS[unit]
    scale, name = next(((scale, name) for scale, name in steps if value >= 0.9995 * scale), steps[-1])
    return f"{three_digits(value / scale)} {name}"


def rate(record):
    """Arithmetic where that is the bound, else memory: "198 GFLOP/s", "34.1 GB/s"."""
    if "gflops" in record:
        return f"{three_digits(record['gflops'])} GFLOP/s"
    if "gigabytes_per_second" in record:
        return f"{three_digits(record['gigabytes_per_second'])} GB/s"
    return ""


def ratio(value):
    return f"{three_digits(value)}x"


def three_digits(value):
    """1.23, 12.3, 123, 1230."""
    for digits, limit in ((2, 9.995), (1, 99.95)):
        if value < limit:
            return f"{value:.{digits}f}"
    return f"{value:.0f}"
