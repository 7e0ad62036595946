"""The gradient of a convolution's weights on Hopper's tensor cores (warpgroup.py).

For each filter tap it is a product of grad_y (filters x positions) with the pixels that the tap sees (positions x channels): a block
computes a tile of filters and channels for one tap, and the depth is all positions of all images, split between blocks where tiles are
too few for the GPU. A thread copies numbers of one position of a slab, for many filters and channels, or of four positions at once: of
grad_y, and of x under filters of 1 x 1 without stride and padding.

Nobody has brought x into order beforehand: it is copied to its places in that order, and each thread then rounds what it has copied. One
four of the depth begins 4 words further than it needs to, so that the 32 positions that a warp writes at once are in 32 banks.
"""
import functools

from numba import cuda, float32, int32, uint32

from .array import empty_like
from .intrinsics import copy_async_four, copy_async_one, copy_commit, copy_wait_all, publish_to_warpgroups, round_to_tf32
from .launch import blocks, kernel
from .tensor_core_plan import add_parts
from .warpgroup import DEPTH, arrived, launch_bounds, left_pitch, left_words, put_pitch, shared_bytes, stage_words, tile
from .warpgroup_plan import plan_of

_PADDING = 4   # words


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight, with operands that are rounded to tf32: for what `serves_convolution` accepts."""
    filters, channels, *window = grad_weight.shape
    filters, taps = filters // groups, window[0] * window[1]
    images, positions = grad_y.shape[0], grad_y.shape[2] * grad_y.shape[3]
    plan = plan_of(filters, channels, max(1, blocks(images * positions, DEPTH)), x.machine.multiprocessors, count=taps * groups,
                   tile_rows=(64, 128), tile_columns=(64, 128))
    grad_y_wide = positions % 4 == 0 and grad_y.address % 16 == 0
    x_wide = (*window, *stride, *padding) == (1, 1, 1, 1, 0, 0) and positions % 4 == 0 and x.address % 16 == 0
    whole = plan.parts == 1
    result = grad_weight if whole else empty_like(grad_weight, (plan.parts, *grad_weight.shape))
    grid = blocks(filters, plan.rows) * blocks(channels, plan.columns), taps, groups * plan.parts
    _gradient(plan.rows, plan.columns, plan.stages, grad_y_wide, x_wide)[
        grid, 2 * plan.rows, shared_bytes(plan.rows, plan.columns, plan.stages, True, False, _PADDING)](
        grad_y.reshape(-1), x.reshape(-1), result.reshape(-1), groups, filters, channels, images, plan.slabs * DEPTH,
        *grad_y.shape[2:], *x.shape[2:], window[1], *stride, *padding, *dilation)
    if not whole:
        add_parts[blocks(grad_weight.size, 256), 256](result.reshape(plan.parts, -1), grad_weight.reshape(-1), False)


@functools.cache
def _gradient(rows, columns, stages, grad_y_wide, x_wide):
    """The kernel for tiles of this size: a block computes `rows` filters of `columns` channels at one tap, over one part of the depth."""
    right_pitch = 4 * columns + _PADDING
    count, place, clear, read, begin, finish, put, sums_place = tile(rows, columns, True, False, _PADDING)
    pitch, sums_pitch, threads = left_pitch(rows, True), put_pitch(rows, columns, False), 2 * rows
    wait = arrived(stages)
    words_left, words_stage = left_words(rows, True), stage_words(rows, columns, True, _PADDING)
    all_words = stages * words_stage
    y_step, x_step = 4 if grad_y_wide else 1, 4 if x_wide else 1
    y_across, x_across = DEPTH // y_step, DEPTH // x_step                 # threads for one row of a slab
    y_at_once, x_at_once = threads // y_across, threads // x_across       # rows

    @cuda.jit(device=True, forceinline=True)
    def split(position, size, width):
        """Of a position in the batch: image, row, column."""
        image, rest = divmod(uint32(position), uint32(size))
        row, column = divmod(rest, uint32(width))
        return int32(image), int32(row), int32(column)

    @kernel(launch_bounds=launch_bounds(rows, columns), specific=True)
    def gradient(grad_y, x, result, groups, filters, channels, images, part_depth, height, width, x_height, x_width, window_columns,
                 down, right, top, left, dilation_down, dilation_right):
        shared, sums = cuda.shared.array(0, float32, alignment=128), cuda.local.array(count, float32)
        clear(sums, shared, 0, 0)
        part, group = divmod(uint32(cuda.blockIdx.z), uint32(groups))
        row_tile, column_tile = divmod(uint32(cuda.blockIdx.x), uint32((channels + columns - 1) // columns))
        part, group, first_row, first_column = int32(part), int32(group), int32(row_tile) * rows, int32(column_tile) * columns
        tap = cuda.blockIdx.y
        tap_row = int32(tap // window_columns * dilation_down - top)
        tap_column = int32(tap % window_columns * dilation_right - left)
        thread = cuda.threadIdx.x
        y_row, y_column = int32(thread // y_across), int32(thread % y_across * y_step)
        x_row, x_column = int32(thread // x_across), int32(thread % x_across * x_step)
        y_target = int32(y_row * pitch + y_column)
        x_target = int32(words_left + (x_column >> 2) * right_pitch + x_row * 4 + (x_column & 3))
        y_size, x_size = height * width, x_height * x_width
        k = int32(part * part_depth)
        k_end = int32(min(k + part_depth, images * y_size))
        slabs = int32((max(0, k_end - k) + DEPTH - 1) // DEPTH)
        left_place = int32(place(thread))
        target, fresh, stage = int32(0), int32(0), int32(0)   # where the next slab goes, where the oldest one that is not rounded lies
        for turn in range(int32(slabs + stages - 1)):
            if turn >= stages - 1:
                begin(sums, shared, stage + words_left, 0)
                stage = int32(stage + words_stage)
                if stage == all_words:
                    stage = int32(0)
            image, i, j = split(k + y_column, y_size, width)
            y_start = int32(((image * groups + group) * filters + first_row + y_row) * y_size + i * width + j)
            for more in range(0, rows, y_at_once):
                present = k + y_column < k_end and first_row + y_row + more < filters
                if grad_y_wide:
                    copy_async_four(shared, target + y_target + more * pitch, grad_y, y_start + more * y_size, present)
                else:
                    copy_async_one(shared, target + y_target + more * pitch, grad_y, y_start + more * y_size, present)
            image, i, j = split(k + x_column, y_size, width)
            i, j = int32(i * down + tap_row), int32(j * right + tap_column)
            seen = k + x_column < k_end and 0 <= i and i < x_height and 0 <= j and j < x_width
            x_start = int32(((image * groups + group) * channels + first_column + x_row) * x_size + i * x_width + j)
            for more in range(0, columns, x_at_once):
                present = seen and first_column + x_row + more < channels
                if x_wide:
                    copy_async_four(shared, target + x_target + more * 4, x, x_start + more * x_size, present)
                else:
                    copy_async_one(shared, target + x_target + more * 4, x, x_start + more * x_size, present)
            copy_commit()
            k = int32(k + DEPTH)
            target = int32(target + words_stage)
            if target == all_words:
                target = int32(0)
            if turn >= stages - 1:
                read(sums, shared, stage + left_place, 0)
                finish(sums, shared, 0, 0)
            if turn >= stages - 3:   # the next slab is rounded
                wait()
                for more in range(0, columns, x_at_once):
                    for beside in range(x_step):
                        number = uint32(fresh + x_target + more * 4 + beside)
                        shared[number] = round_to_tf32(shared[number])
                fresh = int32(fresh + words_stage)
                if fresh == all_words:
                    fresh = int32(0)
            if turn >= stages - 2:
                publish_to_warpgroups()
                cuda.syncthreads()   # the slab after the next one is there for all, and all are done with this one
                if turn == stages - 2:
                    read(sums, shared, left_place, 0)
        copy_wait_all()
        cuda.syncthreads()   # the slabs are no more needed
        put(sums, shared, sums_place(thread), 0)
        cuda.syncthreads()
        column = thread % columns
        if first_column + column < channels:
            for row in range(thread // columns, min(rows, filters - first_row), threads // columns):
                filter_ = (part * groups + group) * filters + first_row + row
                place_ = (filter_ * channels + first_column + column) * cuda.gridDim.y + tap
                result[uint32(place_)] = shared[row * sums_pitch + column]

    return gradient
