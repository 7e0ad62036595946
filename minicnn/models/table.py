"""A Summary as a table, 120 characters wide at most."""
import itertools
import math

WIDTH = 120
_LEAST = 16   # for the functions, which are cut off where there is too little room
_HEADS = ("layer", "functions", "output", "parameters", "MACs", "memory", "field", "stride", "offset")
_ALIGNED_LEFT = 2   # columns

LEGEND = """\
MACs: multiply-adds. memory: of what the functions give; a training step keeps about as much. field: the receptive
field, how many pixels of the image a unit sees along rows and columns; stride: how much further the next unit's lies;
offset: where the first unit's begins, negative in the padding. all: each unit sees the whole image."""


def draw(summary):
    """Layers of one part of the network ("layer1.0") stand below its name and its sums."""
    lines = []   # the cells of each
    for part, rows in itertools.groupby(zip(summary.rows, _parts(summary.rows)), key=lambda pair: pair[1]):
        rows = [row for row, _ in rows]
        if part is None or len(rows) == 1:
            lines += [_cells(row, _name(row), summary.input_shape) for row in rows]
            continue
        sums = (f"{sum(getattr(row, what) for row in rows):,}" for what in ("parameters", "multiply_adds"))
        lines.append((part, "", "", *sums, "", "", "", ""))
        lines += [_cells(row, "  " + _name(row).removeprefix(f"{part}."), summary.input_shape) for row in rows]
    widths = [max(map(len, column)) for column in zip(_HEADS, *lines)]
    widths[1] = max(_LEAST, min(widths[1], WIDTH - sum(widths[:1] + widths[2:]) - 2 * (len(widths) - 1)))
    table = [_line(_HEADS, widths), "-" * (sum(widths) + 2 * (len(widths) - 1)), *(_line(cells, widths) for cells in lines)]
    title = f"{summary.title} for images of {' x '.join(map(str, summary.input_shape))}"
    return "\n".join([title, "", *table, "", *_totals(summary), "", LEGEND])


def _parts(rows):
    """For each row the name of the part of the network that it is in, or None.

    "layer1.0.conv2" is in "layer1.0", "features.3" in "features". What has no weights, and so no path, is in a part if it stands within
    it; and so is the function in which its branches meet.
    """
    parts = [_part(row.name) for row in rows]
    for place, (row, part) in enumerate(zip(rows, parts)):
        if part is None and "." not in row.name and place:
            following = next((later for later in parts[place + 1:] if later is not None), None)
            if parts[place - 1] == following or row.kind.startswith(("Add", "Concatenate")):
                parts[place] = parts[place - 1]
    return parts


def _part(name):
    words = name.split(".")
    if len(words) > 2 and words[1].isdigit():
        return ".".join(words[:2])
    return words[0] if len(words) > 1 else None


def _name(row):
    """The layer's; "-" if that is only its function's, which stands beside it."""
    return "-" if row.kind.startswith(row.name) else row.name


def _cells(row, name, input_shape):
    return (name, row.kind, _shape(row.output_shape), f"{row.parameters:,}" if row.parameters else "",
            f"{row.multiply_adds:,}" if row.multiply_adds else "", bytes_in_words(row.activations), *_field(row, input_shape))


def _field(row, input_shape):
    """Size, stride and offset in words."""
    fields, units = row.receptive_field, row.output_shape[1:] if len(row.output_shape) == 3 else (1, 1)
    if all(field.offset <= 0 and field.offset + field.size >= pixels and (count == 1 or not field.stride)
           for field, count, pixels in zip(fields, units, input_shape[1:])):
        return "all", "", ""
    sizes, strides, offsets = zip(*((math.ceil(field.size), field.stride, math.floor(field.offset)) for field in fields))
    return _pair(sizes), _pair(strides), _pair(offsets, ", ")


def _pair(values, between="x"):
    """Of rows and columns, as one number if they are equal."""
    return str(values[0]) if values[0] == values[1] else f"{values[0]}{between}{values[1]}"


def _shape(shape):
    return "x".join(map(str, shape))


def _line(cells, widths):
    aligned = []
    for place, (cell, width) in enumerate(zip(cells, widths)):
        cell = cell if len(cell) <= width else cell[:width - 1] + "…"
        aligned.append(cell.ljust(width) if place < _ALIGNED_LEFT else cell.rjust(width))
    return "  ".join(aligned).rstrip()


def _totals(summary):
    frozen, unused = summary.parameters - summary.trainable, summary.unused
    learned = f"{summary.trainable:,} of them trainable" if frozen else "all trainable"
    buffers = f", and {summary.buffers:,} numbers in buffers" if summary.buffers else ""
    yield f"{summary.parameters:,} parameters, {learned}{buffers}: {bytes_in_words(summary.weight_bytes)} of weights"
    if unused:
        parts = ", ".join(f"{part} ({count:,})" for part, count in unused.items())
        yield f"Not used in evaluation, and so in no row: the parameters of {parts}"
    yield (f"{in_units(summary.multiply_adds)} multiply-adds and {bytes_in_words(summary.activations)} of activations "
           "for one image")


def in_units(count):
    """4,089,184,256 is "4.09 G"; below a million, all digits."""
    for unit, size in (("G", 1e9), ("M", 1e6)):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count:,}"


def bytes_in_words(count):
    """25,700,000 is "25.7 MB"."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} B"
