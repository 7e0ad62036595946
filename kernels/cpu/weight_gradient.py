"""The gradient of a convolution's weight on outer tiles: the images are stored pixel by pixel.

    grad_weight[m, c, r, s] = sum over images n and positions i, j of grad_y[n, m, i, j] x[n, c, i * down + r - top, j * right + s - left]

is, for each tap (r, s), a matrix product that sums over positions: grad_y on the left, its numbers broadcast; on the right the pixel
that tap meets at each position. Once the channels of a pixel lie side by side, they are the columns, and since the pixels of a
line do so too, the taps of one row of the filter are one run of `columns * channels` columns:

    position i, j:   pixel (i * down + r, j * right) | next pixel | next pixel     one run for each row r of the filter
                     c = 0 1 2 ...                   | 0 1 2 ...  | 0 1 2 ...

Strides cost nothing, there are no gaps at the ends of lines, and the table of offsets says where each position's pixel lies. The result
comes by taps and is transposed once, at the end.
"""
import functools
from typing import NamedTuple

import numpy as np

from .machine import VECTOR_UNIT
from .memory import empty
from .packing import pack_pixels, pack_rows, unpack_taps
from .product import outer_product, outer_shape, pieces

_DEPTH = 512             # positions in one pass over an outer tile
_TILES = 2               # whose part of the pixels stays in the cache while all panels pass
_CACHE = 512 * 1024      # bytes of pixels that are worked off while they are in the cache, if those are enough positions
_POSITIONS = 512         # as many are enough


def grad_weight_by_pixels(grad_y, x, grad_weight, stride, padding):
    """As kernels.reference.convolution.conv2d_grad_weight without dilation and groups; no array is empty."""
    images, filters = grad_y.shape[:2]
    channels, rows, columns = grad_weight.shape[1:]
    plan = _plan_of(images, x.shape[1:], grad_weight.shape, grad_y.shape[2:], stride, padding, x.dtype)
    size = grad_y.shape[2] * grad_y.shape[3]
    sums = grad_weight.reshape(-1) if rows == columns == 1 else empty((grad_weight.size,), x.dtype)
    for first in range(0, images, plan.images):
        count = min(plan.images, images - first)
        pixels = empty((count * plan.height * plan.width * channels,), x.dtype)
        pack_pixels(x[first:first + count].reshape(-1), channels, *x.shape[2:], *padding, plan.height, plan.width, plan.lanes, pixels)
        panel_step = count * size * plan.tile_rows
        panels = empty((plan.panels * panel_step,), x.dtype)
        pack_rows(grad_y[first:first + count].reshape(-1), filters, size, plan.tile_rows, count, size * plan.tile_rows, panel_step,
                  plan.lanes, panels)
        outer_product(plan.tile_rows, panels, count * size, pixels, plan.width * channels, 0, plan.offsets[:count * size], sums, rows, 1,
                      filters, columns * channels, plan.start, 0, columns * channels, columns * channels, columns * channels,
                      columns * channels, plan.tile_columns, _DEPTH, plan.tiles_per_piece, plan.panels_per_piece, first > 0,
                      sums, False, False)
    if sums.base is not grad_weight:
        unpack_taps(sums, rows, filters, columns, channels, plan.lanes, grad_weight.reshape(-1))


class _Plan(NamedTuple):
    images: int            # at a time
    height: int            # of a bordered image
    width: int
    offsets: np.ndarray    # of the positions of `images` images
    tile_rows: int
    tile_columns: int
    panels: int
    lanes: int
    start: np.ndarray
    tiles_per_piece: int
    panels_per_piece: int


@functools.lru_cache(maxsize=256)
def _plan_of(images, image, weight, output, stride, padding, dtype):
    channels, filters, columns = image[0], weight[0], weight[3]
    height, width = (max(size + p, (out - 1) * s + taps)
                     for size, p, out, s, taps in zip(image[1:], padding, output, stride, weight[2:]))
    size = output[0] * output[1]
    at_a_time = max(_CACHE // (height * width * channels * dtype.itemsize), -(-_POSITIONS // size))
    at_a_time = -(-images // -(-images // at_a_time))   # about the same number each time
    n, i, j = np.ogrid[:at_a_time, :output[0], :output[1]]
    offsets = ((n * height + i * stride[0]) * width + j * stride[1]) * channels
    lanes = VECTOR_UNIT.lanes(dtype)
    tile_rows, tile_columns = outer_shape(filters, lanes)
    panels, tiles = -(-filters // tile_rows), -(-columns * channels // tile_columns)
    return _Plan(at_a_time, height, width, offsets.reshape(-1).astype(np.int64), tile_rows, tile_columns, panels, lanes,
                 np.zeros(panels * tile_rows, dtype), *pieces(tiles, panels, _TILES, weight[2]))
