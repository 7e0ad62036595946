"""Convolution on Hopper's tensor cores (warpgroup.py), as a product of matrices of which one is never made.

    output (pixels, filters) = sum over channels and filter taps of  source (pixels, channels) weights (channels, filters)

A slab of the depth is 32 channels at one filter tap, so a thread, which copies numbers of one pixel only, decides once for a slab where
that pixel's numbers are, or that they are padding. All taps of 32 channels follow each other: most of the pixels that one tap sees are
in the first cache yet, from the tap before.

The gradient of the input is the same sum with channels and filters exchanged: pixel i of it gets, from tap r, position
(i + padding - r dilation) / stride of grad_y, where that is a whole number. So the pixels fall into stride x stride phases, of those that
are the same modulo the stride: for all pixels of a phase the same taps count, and along each axis those are equally far apart.

Filters of 1 x 1 without stride and padding see numbers that lie side by side: then a thread copies four pixels at once.
"""
import functools
import math

from numba import cuda, float32, int32, uint32

from .array import empty_like
from .intrinsics import (
    copy_async_four, copy_async_one, copy_commit, copy_wait_all, copy_wait_but_1, publish_to_warpgroups, round_to_tf32, store4,
)
from .launch import blocks, kernel
from .plan import add_up
from .warpgroup import (
    DEPTH, STAGES, launch_bounds, left_pitch, left_words, put_pitch, right_copy, shared_bytes, stage_words, tile,
)
from .warpgroup_plan import NARROW, WIDE, plan_of

_KEPT = "weight for warpgroups"
_FORWARD, _BACKWARD = False, True


def conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual=None, rectify=False, kept=None):
    """As kernels.reference.convolution.conv2d, with operands that are rounded to tf32: for what `serves_convolution` accepts."""
    _launch(_FORWARD, x, weight, y, stride, padding, dilation, groups, bias, residual, rectify, {} if kept is None else kept)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_input, and rounded as conv2d."""
    _launch(_BACKWARD, grad_y, weight, grad_x, stride, padding, dilation, groups, None, None, False, {})


def _arranged(weight, groups, columns, backward):
    """The weights, rounded: (groups, tiles of filters, slabs of channels, taps, slab), or channels and filters exchanged."""
    filters, channels, taps = weight.shape[0] // groups, weight.shape[1], weight.shape[2] * weight.shape[3]
    steps = (channels * taps, taps)   # to the next filter, the next channel
    sizes = (filters, channels)
    if backward:
        steps, sizes = steps[::-1], sizes[::-1]
    tiles, slabs = blocks(sizes[0], columns), blocks(sizes[1], DEPTH)
    result = empty_like(weight, (groups * tiles * slabs * taps * DEPTH * columns,))
    count = result.size // (4 * taps)
    _arrange(columns)[blocks(count, 128), 128](weight.reshape(-1), result, count, weight.size // groups, tiles, slabs, taps, *sizes, *steps)
    return result


@functools.cache
def _arrange(columns):
    @kernel
    def arrange(weight, result, count, group_size, tiles, slabs, taps, all_columns, depth, column_step, k_step):
        """A thread writes four of the depth of one column, for all taps."""
        place = uint32(cuda.grid(1))
        if place < uint32(count):
            rest, column = divmod(place, uint32(columns))
            rest, four = divmod(rest, uint32(DEPTH // 4))
            rest, slab = divmod(rest, uint32(slabs))
            group, tile_ = divmod(rest, uint32(tiles))
            target = rest * uint32(slabs) + slab
            target = target * uint32(taps * (DEPTH * columns)) + (four * uint32(columns) + column) * uint32(4)
            column += tile_ * uint32(columns)
            k = slab * uint32(DEPTH) + four * uint32(4)
            source = group * uint32(group_size) + column * uint32(column_step) + k * uint32(k_step)
            there = column < uint32(all_columns)
            for _ in range(uint32(taps)):
                store4(result, target, number(weight, source, there and k < uint32(depth)),
                       number(weight, source + uint32(k_step), there and k + uint32(1) < uint32(depth)),
                       number(weight, source + uint32(2 * k_step), there and k + uint32(2) < uint32(depth)),
                       number(weight, source + uint32(3 * k_step), there and k + uint32(3) < uint32(depth)))
                target += uint32(DEPTH * columns)
                source += uint32(1)

    @cuda.jit(device=True, forceinline=True)
    def number(weight, place, there):
        return round_to_tf32(weight[place]) if there else float32(0)
    return arrange


def _launch(backward, source, weight, output, stride, padding, dilation, groups, bias, residual, rectify, kept):
    filters, depth = weight.shape[0] // groups, weight.shape[1]
    if backward:
        filters, depth = depth, filters
    images, height, width = output.shape[0], *output.shape[2:]
    window, stride, padding = map(tuple, (weight.shape[2:], stride, padding))
    phases = stride if backward else (1, 1)
    pixels = images * blocks(height, phases[0]) * blocks(width, phases[1])   # of the largest phase
    count = phases[0] * phases[1] * groups
    pointwise = window == stride == (1, 1) and padding == (0, 0) and height * width % 4 == 0 and source.address % 16 == 0
    # taps of one phase are stride / gcd(stride, dilation) apart
    taps = [blocks(taps, step // math.gcd(step, wide)) for taps, step, wide in zip(window, phases, dilation)]
    slabs = blocks(depth, DEPTH) * math.prod(taps)
    plan = plan_of(pixels, filters, slabs, source.machine.multiprocessors, count, WIDE if pointwise else NARROW)
    key = _KEPT, plan.columns
    if key not in kept:
        kept[key] = _arranged(weight, groups, plan.columns, backward)
    whole = plan.parts == 1
    sums = output if whole else empty_like(output, (plan.parts, *output.shape))
    grid = blocks(filters, plan.columns) * blocks(pixels, plan.rows), plan.parts, count
    _convolution(plan.rows, plan.columns, depth % DEPTH == 0, pointwise, backward)[
        grid, 2 * plan.rows, shared_bytes(plan.rows, plan.columns, False, True)](
        source.reshape(-1), kept[key], bias if whole else None, residual.reshape(-1) if whole and residual is not None else None,
        sums.reshape(-1), rectify and whole, output.size, plan.slabs, images, groups, filters, depth,
        *source.shape[2:], height, width, *window, *stride, *padding, *dilation)
    if not whole:
        add_up(sums, output, False, bias, residual, rectify)


@functools.cache
def _convolution(rows, columns, whole_slabs, pointwise, backward):
    """The kernel: a block computes `columns` channels of `rows` pixels of one group, in one phase."""
    count, place, clear, read, begin, finish, put, sums_place = tile(rows, columns, False, True)
    copy_weight = right_copy(columns, 2 * rows)
    words_left, words_stage = left_words(rows, False), stage_words(rows, columns, False)
    pitch, sums_pitch, threads, slab_words = left_pitch(rows, False), put_pitch(rows, columns, True), 2 * rows, DEPTH * columns
    all_words, step = STAGES * words_stage, 4 if pointwise else 1
    across = rows // step           # threads for one channel of a slab
    at_once = threads // across     # channels

    @cuda.jit(device=True, forceinline=True)
    def next_tap(first, window, phase, stride, padding, dilation):
        """The first tap from `first` on, along one axis, that sees pixels of this phase."""
        if backward:
            while first < window and (phase + padding - first * dilation) % stride != 0:
                first += 1
        return int32(first)

    @cuda.jit(device=True, forceinline=True)
    def shift(tap, phase, stride, padding, dilation):
        """How far the position that the tap sees is from the pixel's own."""
        return int32((phase + padding - tap * dilation) // stride if backward else tap * dilation - padding)

    @kernel(launch_bounds=launch_bounds(rows, columns), specific=True)
    def convolution(source, weight, bias, residual, output, rectify, output_size, part_slabs, images, groups, all_columns, depth,
                    source_height, source_width, height, width, window_rows, window_columns, down, right, top, left,
                    dilation_down, dilation_right):
        shared, sums = cuda.shared.array(0, float32, alignment=128), cuda.local.array(count, float32)
        clear(sums, shared, 0, 0)
        tiles = (all_columns + columns - 1) // columns
        pixel_tile, column_tile = divmod(uint32(cuda.blockIdx.x), uint32(tiles))
        phase, group = divmod(uint32(cuda.blockIdx.z), uint32(groups))
        first_column, group = int32(column_tile) * columns, int32(group)
        phase_row, phase_column, phase_height, phase_width = int32(0), int32(0), height, width
        if backward:
            phase_row, phase_column = int32(phase // uint32(right)), int32(phase % uint32(right))
            phase_height, phase_width = int32((height - phase_row + down - 1) // down), int32((width - phase_column + right - 1) // right)
        thread = cuda.threadIdx.x

        # the pixel whose results this thread writes, and whose numbers it copies
        pixel = int32(int32(pixel_tile) * rows + thread % rows)
        exists = pixel < images * phase_height * phase_width
        rest, j = divmod(uint32(pixel), uint32(max(phase_width, 1)))
        image, i = divmod(rest, uint32(max(phase_height, 1)))
        image, i, j = int32(image), int32(i), int32(j)
        source_row, source_column = (i, j) if backward else (int32(i * down), int32(j * right))
        source_size = source_height * source_width
        start = int32((image * groups + group) * depth * source_size)
        seen = exists
        if pointwise:   # the four pixels whose numbers it copies
            pixels = pixel_tile * uint32(rows) + uint32(thread % across * step)
            seen = int32(pixels) < images * source_size
            source_image, position = divmod(pixels, uint32(source_size))
            start = int32((int32(source_image) * groups + group) * depth * source_size + int32(position))

        # the taps that count
        first_row_tap = next_tap(0, window_rows, phase_row, down, top, dilation_down)
        first_column_tap = next_tap(0, window_columns, phase_column, right, left, dilation_right)
        row_step = int32(next_tap(first_row_tap + 1, window_rows, phase_row, down, top, dilation_down) - first_row_tap)
        column_step = int32(next_tap(first_column_tap + 1, window_columns, phase_column, right, left, dilation_right) - first_column_tap)
        row_taps = int32(max(0, window_rows - first_row_tap + row_step - 1) // row_step)
        column_taps = int32(max(0, window_columns - first_column_tap + column_step - 1) // column_step)
        first_row_shift = shift(first_row_tap, phase_row, down, top, dilation_down)
        first_column_shift = shift(first_column_tap, phase_column, right, left, dilation_right)
        row_shift_step = int32(-(row_step * dilation_down // down) if backward else row_step * dilation_down)
        column_shift_step = int32(-(column_step * dilation_right // right) if backward else column_step * dilation_right)

        channel_slabs = (depth + DEPTH - 1) // DEPTH
        part = int32(cuda.blockIdx.y)
        taps = row_taps * column_taps
        first_slab = int32(part * part_slabs)
        slabs = int32(max(0, min(part_slabs, taps * channel_slabs - first_slab)))
        channel_slab, tap = divmod(uint32(first_slab), uint32(max(taps, 1)))
        row_tap, column_tap = divmod(tap, uint32(max(column_taps, 1)))
        channel, row_tap, column_tap = int32(channel_slab) * DEPTH, int32(row_tap), int32(column_tap)
        weight_start = int32((group * tiles + int32(column_tile)) * channel_slabs * (window_rows * window_columns) * slab_words)

        left_place = int32(place(thread))
        copy_place = int32(thread // across * pitch + thread % across * step)
        target, copied = int32(0), int32(0)
        stage = int32(0)
        for turn in range(int32(slabs + STAGES - 1)):
            if turn >= STAGES - 1:
                begin(sums, shared, stage + words_left, 0)
                stage = int32(stage + words_stage)
                if stage == all_words:
                    stage = int32(0)
            # begin to copy one slab
            more = copied < slabs
            copied += 1
            weight_place = weight_start + ((channel // DEPTH) * window_rows * window_columns
                                           + (first_row_tap + row_tap * row_step) * window_columns
                                           + first_column_tap + column_tap * column_step) * slab_words
            copy_weight(shared, target + words_left, weight, weight_place, more)
            here, first = seen and more, channel + thread // across
            position = int32(start + first * source_size)
            if not pointwise:
                row = source_row + first_row_shift + row_tap * row_shift_step
                column = source_column + first_column_shift + column_tap * column_shift_step
                here = here and 0 <= row and row < source_height and 0 <= column and column < source_width
                position = int32(position + row * source_width + column)
            for beyond in range(0, DEPTH, at_once):
                present = here if whole_slabs else here and first + beyond < depth
                if pointwise:
                    copy_async_four(shared, target + copy_place + beyond * pitch, source, position + beyond * source_size, present)
                else:
                    copy_async_one(shared, target + copy_place + beyond * pitch, source, position + beyond * source_size, present)
            copy_commit()
            target = int32(target + words_stage)
            if target == all_words:
                target = int32(0)
            column_tap += 1
            if column_tap == column_taps:
                column_tap = int32(0)
                row_tap += 1
                if row_tap == row_taps:
                    row_tap = int32(0)
                    channel += DEPTH
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
        if exists:
            if backward:
                i, j = i * down + phase_row, j * right + phase_column
            size = height * width
            first = int32((image * groups + group) * all_columns * size + i * width + j)
            for column in range(thread // rows, min(columns, all_columns - first_column), threads // rows):
                value = shared[column * sums_pitch + thread % rows]
                place_ = uint32(first + (first_column + column) * size)
                if bias is not None:
                    value += bias[uint32(group * all_columns + first_column + column)]
                if residual is not None:
                    value += residual[place_]
                if rectify and value <= float32(0):
                    value = float32(0)
                output[uint32(part * output_size) + place_] = value

    return convolution
