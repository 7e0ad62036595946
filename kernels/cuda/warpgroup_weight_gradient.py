"""The gradient of a convolution's weights on Hopper's tensor cores (warpgroup.py).

For each filter tap it is a product of the pixels that the tap sees (channels x positions) with grad_y (positions x filters): a block
computes a tile of channels and filters for one tap, and the depth is all positions of all images, split between blocks where tiles are
too few for the GPU. grad_y, which is the same for all taps, is brought into order beforehand; under filters of 1 x 1 without stride and
padding, where there is but one tap, x may be it instead, if it is smaller. A thread copies numbers of one position of a slab, for many
channels, or of four positions at once under such filters.
"""
import functools

from numba import cuda, float32, int32, uint32

from .array import empty_like
from .intrinsics import (
    copy_async_four, copy_async_one, copy_commit, copy_wait_all, copy_wait_but_1, publish_to_warpgroups, round_to_tf32, store4,
)
from .launch import blocks, kernel
from .tensor_core_plan import add_parts
from .warpgroup import (
    DEPTH, STAGES, launch_bounds, left_pitch, left_words, put_pitch, right_copy, shared_bytes, stage_words, tile,
)
from .warpgroup_plan import NARROW, WIDE, plan_of


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight, with operands that are rounded to tf32: for what `serves_convolution`
    accepts."""
    filters, channels, *window = grad_weight.shape
    filters, taps = filters // groups, window[0] * window[1]
    images, positions = grad_y.shape[0], grad_y.shape[2] * grad_y.shape[3]
    pointwise = (*window, *stride, *padding) == (1, 1, 1, 1, 0, 0)
    left, right, rows, columns, row_step, column_step = x, grad_y, channels, filters, taps, channels * taps
    if pointwise and channels < filters:
        left, right, rows, columns, row_step, column_step = grad_y, x, filters, channels, channels, 1
    wide = pointwise and positions % 4 == 0 and left.address % 16 == 0
    slabs = max(1, blocks(images * positions, DEPTH))
    plan = plan_of(rows, columns, slabs, x.machine.multiprocessors, taps * groups, WIDE if wide else NARROW)
    tiles = blocks(columns, plan.columns)
    arranged = empty_like(right, (groups * tiles * slabs * DEPTH * plan.columns,))
    _arrange(plan.columns)[blocks(arranged.size, 1024), 256](right.reshape(-1), arranged, groups, columns, tiles, slabs, images, positions)
    whole = plan.parts == 1
    result = grad_weight if whole else empty_like(grad_weight, (plan.parts, *grad_weight.shape))
    grid = blocks(rows, plan.rows) * tiles, taps, groups * plan.parts
    _gradient(plan.rows, plan.columns, wide)[grid, 2 * plan.rows, shared_bytes(plan.rows, plan.columns, True, True)](
        left.reshape(-1), arranged, result.reshape(-1), groups, rows, columns, row_step, column_step, images, slabs, plan.slabs,
        *grad_y.shape[2:], *left.shape[2:], window[1], *stride, *padding, *dilation)
    if not whole:
        add_parts[blocks(grad_weight.size, 256), 256](result.reshape(plan.parts, -1), grad_weight.reshape(-1), False)


@functools.cache
def _arrange(columns):
    """The kernel that rounds grad_y, or x, and writes it as (groups, tiles of channels, slabs of positions, slab)."""
    @cuda.jit(device=True, forceinline=True)
    def number(source, k, there, images, positions, image_size, start):
        image, position = divmod(k, uint32(positions))
        if there and image < uint32(images):
            return round_to_tf32(source[uint32(start + image * uint32(image_size) + position)])
        return float32(0)

    @kernel
    def arrange(source, arranged, groups, channels, tiles, slabs, images, positions):
        """A thread writes four numbers of one channel; threads side by side read numbers side by side."""
        slab, rest = divmod(uint32(cuda.grid(1)), uint32(DEPTH // 4 * columns))
        column, four = divmod(rest, uint32(DEPTH // 4))
        tile_, slab_of_tile = divmod(slab, uint32(slabs))
        group, tile_ = divmod(tile_, uint32(tiles))
        target = uint32((slab * uint32(DEPTH // 4) + four) * uint32(4 * columns) + column * uint32(4))
        channel = uint32(column + tile_ * uint32(columns))
        k = uint32(slab_of_tile * uint32(DEPTH) + four * uint32(4))
        if target < uint32(arranged.size):
            there, size = channel < uint32(channels), groups * channels * positions
            start = uint32((group * uint32(channels) + channel) * uint32(positions))
            store4(arranged, target, number(source, k, there, images, positions, size, start),
                   number(source, k + uint32(1), there, images, positions, size, start),
                   number(source, k + uint32(2), there, images, positions, size, start),
                   number(source, k + uint32(3), there, images, positions, size, start))

    return arrange


@functools.cache
def _gradient(rows, columns, wide):
    """The kernel for tiles of this size: a block computes `rows` channels of `columns` filters at one tap, over one part of the depth."""
    count, place, clear, read, begin, finish, put, sums_place = tile(rows, columns, True, True)
    copy_right = right_copy(columns, 2 * rows)
    words_left, words_stage = left_words(rows, True), stage_words(rows, columns, True)
    pitch, sums_pitch, threads, slab_words = left_pitch(rows, True), put_pitch(rows, columns, True), 2 * rows, DEPTH * columns
    all_words, step = STAGES * words_stage, 4 if wide else 1
    across = DEPTH // step          # threads for one channel of a slab
    at_once = threads // across     # channels

    @kernel(launch_bounds=launch_bounds(rows, columns), specific=True)
    def gradient(source, arranged, result, groups, all_rows, all_columns, row_step, column_step, images, all_slabs, part_slabs,
                 height, width, source_height, source_width, window_columns, down, right, top, left, dilation_down, dilation_right):
        shared, sums = cuda.shared.array(0, float32, alignment=128), cuda.local.array(count, float32)
        clear(sums, shared, 0, 0)
        tiles = (all_columns + columns - 1) // columns
        part, group = divmod(uint32(cuda.blockIdx.z), uint32(groups))
        row_tile, column_tile = divmod(uint32(cuda.blockIdx.x), uint32(tiles))
        part, group, first_row, column_tile = int32(part), int32(group), int32(int32(row_tile) * rows), int32(column_tile)
        tap = cuda.blockIdx.y
        tap_row = int32(tap // window_columns * dilation_down - top)
        tap_column = int32(tap % window_columns * dilation_right - left)
        thread = cuda.threadIdx.x
        row, beside = int32(thread // across), int32(thread % across * step)
        size, source_size = height * width, source_height * source_width
        first_slab = int32(part * part_slabs)
        slabs = int32(max(0, min(part_slabs, all_slabs - first_slab)))
        k = int32(first_slab * DEPTH + beside)
        k_end = int32(min((first_slab + slabs) * DEPTH, images * size))
        next_slab = int32(((group * tiles + column_tile) * all_slabs + first_slab) * slab_words)
        last_slab = int32(next_slab + slabs * slab_words)
        left_place, copy_place = int32(place(thread)), int32(row * pitch + beside)
        target, stage = int32(0), int32(0)
        for turn in range(int32(slabs + STAGES - 1)):
            if turn >= STAGES - 1:
                begin(sums, shared, stage + words_left, 0)
                stage = int32(stage + words_stage)
                if stage == all_words:
                    stage = int32(0)
            copy_right(shared, target + words_left, arranged, next_slab, next_slab < last_slab)
            image, position = divmod(uint32(k), uint32(size))
            i, j = divmod(position, uint32(width))
            i, j = int32(int32(i) * down + tap_row), int32(int32(j) * right + tap_column)
            seen = k < k_end and 0 <= i and i < source_height and 0 <= j and j < source_width
            start = int32(((int32(image) * groups + group) * all_rows + first_row + row) * source_size + i * source_width + j)
            for more in range(0, rows, at_once):
                present = seen and first_row + row + more < all_rows
                if wide:
                    copy_async_four(shared, target + copy_place + more * pitch, source, start + more * source_size, present)
                else:
                    copy_async_one(shared, target + copy_place + more * pitch, source, start + more * source_size, present)
            copy_commit()
            k, next_slab, target = int32(k + DEPTH), int32(next_slab + slab_words), int32(target + words_stage)
            if target == all_words:
                target = int32(0)
            if turn >= STAGES - 1:
                read(sums, shared, stage + left_place, 0)
                finish(sums, shared, 0, 0)
            if turn >= STAGES - 2:
                copy_wait_but_1()
                publish_to_warpgroups()
                cuda.syncthreads()   # the slab after the next one is there for all, and all are done with this one
                if turn == STAGES - 2:
                    read(sums, shared, left_place, 0)
        copy_wait_all()
        cuda.syncthreads()   # the slabs are no more needed
        put(sums, shared, sums_place(thread), 0)
        cuda.syncthreads()
        if first_row + thread % rows < all_rows:
            first = (part * groups + group) * all_rows * all_columns * cuda.gridDim.y + (first_row + thread % rows) * row_step + tap
            first_column = column_tile * columns
            for column in range(thread // rows, min(columns, all_columns - first_column), threads // rows):
                result[uint32(first + (first_column + column) * column_step)] = shared[column * sums_pitch + thread % rows]

    return gradient
