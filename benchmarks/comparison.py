"""A few functions of one's own against each other, in a few lines:

    from benchmarks import compare

    compare({"mine": lambda: my_relu(x, y), "minicnn": lambda: kernels.cpu.relu(x, y)}, bytes=x.nbytes + y.nbytes)
"""
import time

from benchmarks import table, timer

# Seconds between turns: the threads of OpenBLAS, on which NumPy multiplies matrices, spin for 2^26 cycles before they sleep.
_GAP = 0.03


def compare(functions, *, bytes=0, multiply_adds=0, effort=timer.FULL):
    """Time functions against each other, print a small table, return {name: Measurement}.

    functions      {name: function without arguments}
    bytes          what one call must read and write at least; with it, the table has GB/s
    multiply_adds  what one call computes; with it, the table has GFLOP/s and the share of the machine's FMA peak
    effort         how much time it may take, a timer.Effort

    The functions are timed in turns, so that none has a better machine than the others; each one's first call, in which a kernel
    may be compiled, is timed apart.
    """
    contenders = {name: timer.repeat(function) for name, function in functions.items()}
    first_calls = {name: run(1) for name, run in contenders.items()}
    peak = _peak() if multiply_adds else None
    measurements = timer.interleave(contenders, effort, time.process_time, _GAP)
    print(_render(measurements, first_calls, bytes, multiply_adds, peak))
    return measurements


def _peak():
    from benchmarks import peak

    return peak.measure()


def _render(measurements, first_calls, bytes, multiply_adds, peak):
    first = next(iter(measurements))
    rates = ["GFLOP/s", "of peak"] * bool(multiply_adds) + ["GB/s"] * bool(bytes)
    heads = ["", "time", f"speed ({first}: 1)", *rates, "first call"]
    lines = []
    for name, measurement in measurements.items():
        seconds, mark = measurement.median, table.doubtful(measurement._asdict())
        cells = [name, mark + table.quantity(seconds, "s"), table.three_digits(1 / measurement.ratio)]
        if multiply_adds:
            gflops = 2e-9 * multiply_adds / seconds
            cells += [table.three_digits(gflops), f"{100 * gflops / peak:.0f} %"]
        if bytes:
            cells.append(table.three_digits(1e-9 * bytes / seconds))
        lines.append([*cells, table.quantity(first_calls[name], "s")])
    widths = [max(map(len, column)) for column in zip(heads, *lines)]
    return "\n".join("  ".join([cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])]) for cells in [heads, *lines])
