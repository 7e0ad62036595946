"""The two loops over register tiles that every matrix product and every convolution runs in.

A piece of parallel work is a strip of the result, chosen so that the part of `right` it reads stays in the processor's second-level
cache while the panels of `left` pass over it. Pieces are cut by size alone, never by the number of threads, so the result's
bits do not depend on it.
"""
import numba
import numpy as np

from .compiler import inner, kernel
from .epilogue import finish
from .tile import DOT_COLUMNS, DOT_ROWS, OUTER_SHAPES, dot_tile, outer_tile

_PIECES = 16         # a result is cut into about so many pieces where its size allows
_PER_PIECE = 0.002   # what a piece more costs, as a share of the work


@kernel
def outer_product(rows, left, panel_depth, right, right_step, tile_step, offsets, out, units, groups, live_rows, row_length, start,
                  first_tile, end, pitch, width, line_step, columns, depth_block, tiles_per_piece, panels_per_piece, accumulate,
                  residual, add, rectify):
    """out[u] = left[u % groups] x right[u] by outer tiles of rows x columns, for units u: an image and a group of channels, or a matrix.

    left         panels as packing.pack_rows writes them, of depth panel_depth, of which the first offsets.size steps are taken
    right        unit u begins at u * right_step; row k is offsets[k] from there; with a tile_step, tiles have panels of their own, so far
                 apart, of which that of first_tile comes first
    out          live_rows rows of row_length numbers a unit; positions first_tile * columns ... end - 1, in lines of `pitch` of which
                 `width` are real and lie line_step after those of the line before
    start        (groups * live_rows,) what the sums start from
    residual     like `out`: added at last if `add`; and what is then negative becomes 0 if `rectify`
    """
    depth = offsets.size
    tiles, panels = (end + columns - 1) // columns - first_tile, (live_rows + rows - 1) // rows
    strips, stacks = (tiles + tiles_per_piece - 1) // tiles_per_piece, (panels + panels_per_piece - 1) // panels_per_piece
    for piece in numba.prange(units * strips * stacks):
        unit, rest = piece // (strips * stacks), piece % (strips * stacks)
        group = unit % groups
        strip_tile, first_panel = (rest % strips) * tiles_per_piece, (rest // strips) * panels_per_piece
        for k in range(0, depth, depth_block):
            for panel in range(first_panel, min(panels, first_panel + panels_per_piece)):
                row = panel * rows
                for t in range(strip_tile, min(tiles, strip_tile + tiles_per_piece)):
                    first = (first_tile + t) * columns
                    outer_tile(rows, min(depth_block, depth - k), left, ((group * panels + panel) * panel_depth + k) * rows, 1, rows,
                               right, unit * right_step + (t * tile_step - first if tile_step else 0), offsets, k,
                               out, (unit * live_rows + row) * row_length, row_length, start, group * live_rows + row,
                               min(rows, live_rows - row), first, end, pitch, width, line_step, accumulate or k > 0)
        if add or rectify:
            begin = (first_tile + strip_tile) * columns
            stop = min(end, (first_tile + strip_tile + tiles_per_piece) * columns)
            for row in range(first_panel * rows, min(live_rows, (first_panel + panels_per_piece) * rows)):
                finish_lines(out, (unit * live_rows + row) * row_length, begin, stop, pitch, width, line_step, residual, add, rectify)


@inner
def finish_lines(out, y0, begin, stop, pitch, width, line_step, residual, add, rectify):
    """What follows the sums at positions begin ... stop - 1 of one row."""
    if line_step == width:   # without gaps in `out`
        pitch, begin, stop = stop, begin // pitch * width + min(width, begin % pitch), stop // pitch * width + min(width, stop % pitch)
        width = stop
    for line in range(begin // pitch, (stop + pitch - 1) // pitch):
        first, end = max(0, begin - line * pitch), min(width, stop - line * pitch)
        place = y0 + line * line_step
        if first < end:
            finish(out[place + first:place + end], residual[place + first:place + end], add, rectify)


@kernel
def dot_product(images, count, left, left_image, left_row, right, right_image, right_group, offsets, out, groups, live_rows,
                row_length, positions, images_per_pass, rows_per_piece, tiles_per_piece, accumulate):
    """out[g, i, j] = sum over images n and positions p of left[n, g, i, p] right[n, g, offsets[j] + p], by dot tiles.

    left    image n begins at n * left_image; group g's row i at (g * live_rows + i) * left_row more
    right   image n begins at n * right_image; group g at g * right_group more
    out     (groups, live_rows, row_length), of which offsets.size columns are written
    """
    rows, columns, live_columns = DOT_ROWS, DOT_COLUMNS, offsets.size
    tiles = (live_columns + columns - 1) // columns
    strips, stacks = (tiles + tiles_per_piece - 1) // tiles_per_piece, (live_rows + rows_per_piece - 1) // rows_per_piece
    for piece in numba.prange(groups * strips * stacks):
        group, rest = piece // (strips * stacks), piece % (strips * stacks)
        first_tile, first_row = (rest % strips) * tiles_per_piece, (rest // strips) * rows_per_piece
        end_tile, end_row = min(tiles, first_tile + tiles_per_piece), min(live_rows, first_row + rows_per_piece)
        if not accumulate:
            for i in range(first_row, end_row):
                target = (group * live_rows + i) * row_length
                for j in range(first_tile * columns, min(live_columns, end_tile * columns)):
                    out[target + j] = 0
        for image in range(0, images, images_per_pass):
            for p in range(0, count, positions):
                for i in range(first_row, end_row, rows):
                    row = group * live_rows + i
                    for t in range(first_tile, end_tile):
                        dot_tile(min(images_per_pass, images - image), min(positions, count - p),
                                 left, image * left_image + row * left_row + p, left_image, left_row,
                                 right, image * right_image + group * right_group + p, right_image, offsets, t * columns,
                                 out, row * row_length + t * columns, row_length, min(rows, end_row - i),
                                 min(columns, live_columns - t * columns))


def outer_shape(rows, lanes, columns=None):
    """The (rows, columns) of the outer tile that wastes least of a result with so many rows; and columns, if those are few.

    What is left of the columns is worked out register by register, which takes about half as long again.
    """
    def cost(height):
        if columns is None:
            return _ceiling(rows, height)
        registers = -(-columns // lanes)
        return _ceiling(rows, height) * (registers + registers % OUTER_SHAPES[height] / 2)

    height = min(OUTER_SHAPES, key=cost)
    return height, OUTER_SHAPES[height] * lanes


def _ceiling(size, step):
    return -(-size // step) * step


def pieces(tiles, panels, most_tiles, units=1):
    """(tiles, panels) in a piece of work: no more tiles than share the cache, and pieces that threads can share evenly.

    Every thread gets about as many pieces as the others, one after the other; whether there are two threads or four, none should wait
    long. The choice does not depend on how many there are, so neither do the result's bits.
    """
    least = -(-tiles // max(1, most_tiles))
    choices = [(-(-tiles // strips), -(-panels // stacks)) for stacks in range(1, min(panels, _PIECES) + 1)
               for strips in range(least, max(least, min(tiles, least + 8)) + 1)
               if stacks == 1 or units * least * (stacks - 1) < _PIECES]
    return min(choices, key=lambda choice: _cost(tiles, panels, units, *choice))


def _cost(tiles, panels, units, tiles_per_piece, panels_per_piece):
    """How long the busiest of some threads works, relative to what it would have to; a little more for each piece."""
    strips, stacks = [np.diff([*range(0, size, step), size]) for size, step in ((tiles, tiles_per_piece), (panels, panels_per_piece))]
    loads = np.tile(np.outer(stacks, strips).reshape(-1), min(units, 4 * _PIECES))
    busiest = [threads * max(part.sum() for part in np.array_split(loads, threads)) / loads.sum() for threads in (2, 4)]
    return sum(busiest) / 2 + _PER_PIECE * len(loads) / min(units, 4 * _PIECES)
