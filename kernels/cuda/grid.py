"""A thread for every position of every plane, for kernels of images: which one is a thread's?

    @kernel
    def double(x, y, threads, lines, per_lines, lines_shift, across, per_across, across_shift):
        thread = int32(cuda.grid(1))
        if thread < threads:
            plane, row, column = position(thread, lines, per_lines, lines_shift, across, per_across, across_shift)
            ...

    launch_on_grid(double, y.shape, x, y)

Threads are counted row by row, so that neighbours read and write neighbours in memory, and small planes fill blocks as well as large ones.
"""
from numba import cuda, int32

from .array import DeviceArray
from .division import divider, quotient
from .launch import blocks

BLOCK = 256


def launch_on_grid(kernel, shape, *arguments):
    """A thread for every position of (images, channels, rows, columns); arrays are passed on as flat ones, and the grid after them."""
    images, channels, rows, columns = shape
    threads = images * channels * rows * columns
    flat = [argument.reshape(-1) if isinstance(argument, DeviceArray) else argument for argument in arguments]
    kernel[blocks(threads, BLOCK), BLOCK](*flat, threads, rows, *divider(rows), columns, *divider(columns))


@cuda.jit(device=True)
def position(thread, lines, per_lines, lines_shift, across, per_across, across_shift):
    """plane, row, column."""
    line = int32(quotient(thread, per_across, across_shift))
    plane = int32(quotient(line, per_lines, lines_shift))
    return plane, int32(line - plane * lines), int32(thread - line * across)
