"""The table on the screen."""
from benchmarks.frameworks import DEFINITION, OURS, PYTORCH, RIVALS

_GAP, _SECTION_GAP = "  ", "   |"
_WORTH_TELLING = 0.1   # seconds of compilation
_UNITS = {"s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
          "bytes": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "bytes"))}


def render(document):
    """The tables of a document (what the JSON file holds), one for each group, as text."""
    groups = {}
    for key, records in by_case(document["results"]).items():
        groups.setdefault(key[0], {})[key] = records
    return "\n\n".join(_render_group(document, group, rows) for group, rows in groups.items())


def _render_group(document, group, rows):
    """A group has the columns that something in it needs."""
    thread_counts = dict.fromkeys(threads for records in rows.values() for threads in records)
    sections = [_Section(document, threads, [records[threads] for records in rows.values() if threads in records])
                for threads in thread_counts]
    lines = [[cell for section in sections for cell in section.cells(records)] for records in rows.values()]
    heads = [head for section in sections for head in section.heads]
    upper, lower = [head[0] for head in heads], [head[1] for head in heads]
    widths = [max(map(len, column)) for column in zip(upper, lower, *lines)]
    labels = [f"  {aspect}{_algorithm(records)}" for (_, _, aspect), records in rows.items()]
    label_width = max(map(len, [group, *labels]))

    begins, titles, place = set(), [], 0
    for section in sections:
        begins.add(place)
        columns = widths[place:place + len(section.heads)]
        titles.append(_SECTION_GAP + _GAP + section.title.ljust(sum(columns) + len(_GAP) * (len(columns) - 1)))
        place += len(section.heads)
    text = [(group.upper().ljust(label_width) + "".join(titles)).rstrip()]
    text += [_line("", head, widths, label_width, begins) for head in (upper, lower) if any(head)]
    subject = None
    for (_, row_subject, _), label, cells in zip(rows, labels, lines):
        if row_subject != subject:
            text.append(row_subject)
        subject = row_subject
        text.append(_line(label, cells, widths, label_width, begins))
    return "\n".join(text)


def _algorithm(records):
    """Behind a convolution's pass, what is done for it."""
    algorithm = next(iter(records.values())).get("algorithm")
    return f" ({algorithm})" if algorithm else ""


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
    """The columns for one number of threads. A head has two lines."""

    def __init__(self, document, threads, records):
        self.threads = threads
        self.title = f"{threads} thread{'s' * (threads > 1)}"
        self.peak = document["peaks"].get(str(threads))   # none if only whole processes were measured
        if self.peak and any("gflops" in record for record in records):
            self.title += f", {self.peak:.0f} GFLOP/s at most"
        named = dict.fromkeys(name for record in records for name in record["contenders"])
        self.others = [name for name in (*RIVALS, DEFINITION) if name in named]
        self.computing = any("gflops" in record for record in records)
        self.moving = any(rate(record) for record in records)
        self.erring = [name for name in (OURS, PYTORCH) if any("error" in record["contenders"].get(name, ()) for record in records)]
        self.compiled = any(compilation_seconds(record) > _WORTH_TELLING for record in records)
        self.heads = [("", "time")] + [("", "rate")] * self.moving + [("", "of peak")] * self.computing
        self.heads += [tuple(name.rpartition(" ")[::2]) for name in self.others] + [("error of", name) for name in self.erring]
        self.heads += [("", "compile")] * self.compiled

    def cells(self, records):
        record = records.get(self.threads)
        if record is None:
            return [""] * len(self.heads)
        contenders = record["contenders"]
        cells = [quantity(contenders[OURS]["median"], record["unit"])]
        if self.moving:
            cells.append(rate(record))
        if self.computing:
            cells.append(f"{100 * record['gflops'] / self.peak:.0f} %" if "gflops" in record else "")
        for name in self.others:
            cells.append(doubtful(contenders[name]) + ratio(contenders[name]["ratio"]) if name in contenders else "")
        for name in self.erring:
            error = contenders.get(name, {}).get("error")
            cells.append("" if error is None else f"{error:.0e}")
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
