"""The two loops over register tiles that every matrix product and every convolution runs in.

A piece of parallel work is a strip of the result, chosen so that the part of `right` it reads stays in the processor's second-level
cache while the panels of `left` pass over it. Pieces are cut by size alone, never by the number of threads, so the result's
bits do not depend on it.
"""
import numba

from .compiler import inner, kernel
from .epilogue import finish
from .tile import DOT_COLUMNS, DOT_ROWS, OUTER_SHAPES, dot_tile, outer_tile

_PIECES = 16   # a result is cut into at least this many pieces where its size allows


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


def outer_shape(rows, lanes):
    """The (rows, columns) of the outer tile that wastes fewest of its rows; at the edge it is worked out register by register."""
    height = min(OUTER_SHAPES, key=lambda height: _ceiling(rows, height))
    return height, OUTER_SHAPES[height] * lanes


def _ceiling(size, step):
    return -(-size // step) * step


def pieces(tiles, panels, most_tiles, units=1):
    """(tiles, panels) in a piece of work: as many tiles as share the cache, and pieces enough for all threads."""
    strips = -(-tiles // max(1, most_tiles))
    stacks = min(panels, -(-_PIECES // (strips * units)))
    return -(-tiles // strips), -(-panels // stacks)
