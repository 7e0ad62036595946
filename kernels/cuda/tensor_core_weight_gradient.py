"""The gradient of a convolution's weights on tensor cores.

For each filter tap it is a product of grad_y (filters x positions) with the pixels that the tap sees (positions x channels): a block
computes a tile of filters and channels for one tap, and the depth is all positions of all images, split between blocks where tiles are
too few for the GPU. A thread copies numbers of one position of a slab, for many filters and channels, or of four positions at once: of
grad_y, and of x under filters of 1 x 1 without stride and padding.
"""
import functools

from numba import cuda, float32, int32, uint32

from .array import empty_like
from .intrinsics import copy_async_four, copy_async_one, copy_commit, copy_wait_all, copy_wait_but_2
from .launch import blocks, kernel
from .precision import tensor_core_operands
from .tensor_core import DEPTH, STAGES, THREADS, pitch, shared_bytes, tile, words
from .tensor_core_plan import add_parts, plan_of


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight, with operands that are rounded as kernels.precision says: for what
    `serves_convolution` accepts."""
    filters, channels, *window = grad_weight.shape
    filters, taps = filters // groups, window[0] * window[1]
    images, positions = grad_y.shape[0], grad_y.shape[2] * grad_y.shape[3]
    plan = plan_of(filters, channels, images * positions, x.machine.multiprocessors, count=taps * groups)
    grad_y_wide = positions % 4 == 0 and grad_y.address % 16 == 0
    pointwise = (*window, *stride, *padding) == (1, 1, 1, 1, 0, 0)
    x_wide = pointwise and positions % 4 == 0 and x.address % 16 == 0
    gradient = _gradient(plan.rows, plan.columns, grad_y_wide, x_wide, tensor_core_operands(x))
    whole = plan.parts == 1
    result = grad_weight if whole else empty_like(grad_weight, (plan.parts, *grad_weight.shape))
    grid = blocks(filters, plan.rows) * blocks(channels, plan.columns), taps, groups * plan.parts
    gradient[grid, THREADS, shared_bytes(plan.rows, plan.columns, True, True)](
        grad_y.reshape(-1), x.reshape(-1), result.reshape(-1), groups, filters, channels, images, plan.depth,
        *grad_y.shape[2:], *x.shape[2:], window[1], *stride, *padding, *dilation)
    if not whole:
        add_parts[blocks(grad_weight.size, 256), 256](result.reshape(plan.parts, -1), grad_weight.reshape(-1), False)


@functools.cache
def _gradient(rows, columns, grad_y_wide, x_wide, operands):
    """The kernel for tiles of this size: a block computes `rows` filters of `columns` channels at one tap, over one part of the depth."""
    kind = tile(rows, columns, True, True, operands)
    places, clear, multiply, put, place, count = kind.places, kind.clear, kind.multiply, kind.put, kind.place, kind.count
    left_words, stage_words = words(rows, True), words(rows, True) + words(columns, True)
    sums_pitch = pitch(columns, False)
    y_step, x_step = 4 if grad_y_wide else 1, 4 if x_wide else 1
    y_across, x_across = DEPTH // y_step, DEPTH // x_step                 # threads for one row of a slab
    y_at_once, x_at_once = THREADS // y_across, THREADS // x_across       # rows

    @cuda.jit(device=True, forceinline=True)
    def split(position, height, width):
        """Of a position in the batch: image, row, column."""
        rest, column = divmod(uint32(position), uint32(width))
        image, row = divmod(rest, uint32(height))
        return int32(image), int32(row), int32(column)

    @cuda.jit(device=True, forceinline=True)
    def chunk(row, column):
        """Where tile[row, column] lies in a slab; see tensor_core."""
        return row * DEPTH + (((column >> 2) ^ (row >> 1 & 3)) << 2) + (column & 3)

    @kernel(launch_bounds=(THREADS, 2))
    def gradient(grad_y, x, result, groups, filters, channels, images, part_depth, height, width, x_height, x_width, window_columns,
                 down, right, top, left, dilation_down, dilation_right):
        shared, sums = cuda.shared.array(0, float32, alignment=16), cuda.local.array(count, float32)
        clear(sums, shared, 0, 0)
        part, group = divmod(uint32(cuda.blockIdx.z), uint32(groups))
        row_tile, column_tile = divmod(uint32(cuda.blockIdx.x), uint32((channels + columns - 1) // columns))
        part, group, first_row, first_column = int32(part), int32(group), int32(row_tile) * rows, int32(column_tile) * columns
        tap = cuda.blockIdx.y
        tap_row, tap_column = tap // window_columns * dilation_down - top, tap % window_columns * dilation_right - left
        thread = cuda.threadIdx.x
        y_row, y_column, x_row, x_column = thread // y_across, thread % y_across * y_step, thread // x_across, thread % x_across * x_step
        y_target, x_target = chunk(y_row, y_column), left_words + chunk(x_row, x_column)
        y_size, x_size = height * width, x_height * x_width
        k = part * part_depth
        k_end = min(k + part_depth, images * y_size)
        slabs = (k_end - k + DEPTH - 1) // DEPTH
        left_place, right_place = places(thread)
        for slab in range(slabs + STAGES - 1):
            if slab >= STAGES - 1:
                copy_wait_but_2()
                cuda.syncthreads()   # a slab is there for all, and all are done with the one before
            if slab < slabs:
                stage = slab % STAGES * stage_words
                image, i, j = split(k + y_column, height, width)
                y_start = ((image * groups + group) * filters + first_row + y_row) * y_size + i * width + j
                for more in range(0, rows, y_at_once):
                    present = k + y_column < k_end and first_row + y_row + more < filters
                    if grad_y_wide:
                        copy_async_four(shared, stage + y_target + more * DEPTH, grad_y, y_start + more * y_size, present)
                    else:
                        copy_async_one(shared, stage + y_target + more * DEPTH, grad_y, y_start + more * y_size, present)
                image, i, j = split(k + x_column, height, width)
                i, j = i * down + tap_row, j * right + tap_column
                seen = k + x_column < k_end and 0 <= i and i < x_height and 0 <= j and j < x_width
                x_start = ((image * groups + group) * channels + first_column + x_row) * x_size + i * x_width + j
                for more in range(0, columns, x_at_once):
                    present = seen and first_column + x_row + more < channels
                    if x_wide:
                        copy_async_four(shared, stage + x_target + more * DEPTH, x, x_start + more * x_size, present)
                    else:
                        copy_async_one(shared, stage + x_target + more * DEPTH, x, x_start + more * x_size, present)
                k += DEPTH
            copy_commit()
            if slab >= STAGES - 1:
                stage = (slab - (STAGES - 1)) % STAGES * stage_words
                multiply(sums, shared, stage + left_place, stage + left_words + right_place)
        copy_wait_all()
        cuda.syncthreads()   # the slabs are no more needed
        put(sums, shared, place(thread), 0)
        cuda.syncthreads()
        column = thread % columns
        if first_column + column < channels:
            for row in range(thread // columns, min(rows, filters - first_row), THREADS // columns):
                filter_ = (part * groups + group) * filters + first_row + row
                target = (filter_ * channels + first_column + column) * cuda.gridDim.y + tap
                result[uint32(target)] = shared[row * sums_pitch + column]

    return gradient
