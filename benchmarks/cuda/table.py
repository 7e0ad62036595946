"""The table on the screen: a section for each precision, PyTorch's time as a multiple of ours, and how many kernels a call launches."""
from benchmarks.cuda.contenders import OURS, PRECISIONS, PYTORCH, SINGLE
from benchmarks.table import quantity, rate, ratio, three_digits

LEGEND = """\
time, rate: minicnn's, by the GPU's own clock (multiply-adds by the definition, counted as two); for memory, what must be read and written
of peak: the share of the float32 multiply-adds that were measured on registers, or of the rate of a copy
PyTorch: how many times as fast as PyTorch minicnn is, in the same precision; above 1 it leads. ! the results differ by more than rounding
launches: kernels that one call launches; "eager" is a step as users write it, "recorded" replays it as one graph, in both"""


def render(document):
    """The tables of a document (what the JSON file holds), one for each group, as text."""
    groups = {}
    for record in document["results"]:
        key = record["subject"], record["aspect"]
        groups.setdefault(record["group"], {}).setdefault(key, {})[record["precision"]] = record
    return "\n\n".join(_render_group(group, rows, document) for group, rows in groups.items())


def _render_group(group, rows, document):
    present = [precision for precision in PRECISIONS if any(precision in records for records in rows.values())]
    heads = [head for precision in present for head in _heads(precision)] + ["launches"]
    lines, subject = [], None
    for (row_subject, aspect), records in rows.items():
        if row_subject != subject:
            lines.append((row_subject, [""] * len(heads)))
        subject = row_subject
        cells = [cell for precision in present for cell in _cells(records.get(precision), precision, document)]
        lines.append((f"  {aspect}", [*cells, str(next(iter(records.values())).get("launches", ""))]))
    label_width = max(len(label) for label, cells in [(group, []), *lines] if not cells or any(cells))
    widths = [max(len(head), *(len(cells[place]) for _, cells in lines)) for place, head in enumerate(heads)]
    return "\n".join("  ".join([label.ljust(label_width), *map(str.rjust, cells, widths)]).rstrip()
                     for label, cells in [(group.upper(), heads), *lines])


def _heads(precision):
    return ["time", "rate", "of peak", "PyTorch"] if precision == SINGLE else [f"{precision}: time", "rate", "PyTorch"]


def _cells(record, precision, document):
    if record is None:
        return [""] * len(_heads(precision))
    rival = record["contenders"].get(PYTORCH)
    cells = [quantity(record["contenders"][OURS]["median"], "s"), _rate(record)]
    if precision == SINGLE:
        cells.append(_share(record, document["peaks"]))
    return [*cells, ratio(rival["ratio"]) + "!" * (not record.get("agree", True)) if rival else ""]


def _rate(record):
    """Arithmetic in TFLOP/s, memory in GB/s."""
    return f"{three_digits(record['gflops'] / 1000)} TFLOP/s" if "gflops" in record else rate(record)


def _share(record, peaks):
    for quantity_name in ("gflops", "gigabytes_per_second"):
        if quantity_name in record:
            return f"{100 * record[quantity_name] / peaks[quantity_name]:.0f} %" if quantity_name in peaks else ""
    return ""
