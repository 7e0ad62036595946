"""Convolution on tensor cores, as a product of matrices of which one is never made.

For each filter tap (r, k) the output's (filters x pixels) gets a product of the tap's weights (filters x channels) with the pixels that
the tap sees (channels x pixels). A slab of the depth is 16 channels at one tap, so a thread, which copies numbers of one pixel only,
decides once for a slab where that pixel's numbers are, or that they are padding.

The gradient of the input is the same sum with channels and filters exchanged: pixel i of it gets, from tap r, position
(i + padding - r dilation) / stride of grad_y, where that is a whole number. So the pixels fall into stride x stride phases, of those that
are the same modulo the stride: for all pixels of a phase the same taps count.

Filters of 1 x 1 without stride and padding see numbers that lie side by side: then a thread copies four pixels at once.
"""
import functools

from numba import cuda, float32, int32, uint32

from .array import empty_like
from .intrinsics import copy_async_four, copy_async_one, copy_commit, copy_wait_all, copy_wait_but_2
from .launch import blocks, kernel
from .precision import tensor_core_operands
from .tensor_core import DEPTH, STAGES, THREADS, matrix_copy, pitch, shared_bytes, tile, words
from .tensor_core_plan import plan_of

_LEAST = 16     # channels and filters of a group, for which tiles are worth it: there are 16 channels in a slab
_KEPT = "weight for tensor cores"
_FORWARD, _BACKWARD = False, True


def serves_convolution(x, weight, groups):
    """Shall the convolutions of x, or of grad_y, and their gradients be computed here?

    If the setting kernels.precision and the GPU have tensor cores work on them, and a group has at least 16 channels and 16 filters: the
    first layer of a network, with 3 channels, or a depthwise convolution would fill a fifth of the slabs or less.
    """
    return tensor_core_operands(x) is not None and min(weight.shape[0] // groups, weight.shape[1]) >= _LEAST


def conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual=None, rectify=False, kept=None):
    """As kernels.reference.convolution.conv2d, with operands that are rounded as kernels.precision says: for what `serves_convolution`
    accepts."""
    kept = {} if kept is None else kept
    if _KEPT not in kept:
        kept[_KEPT] = _by_taps(weight, groups, _FORWARD)
    flat = None if residual is None else residual.reshape(-1)
    _launch(_FORWARD, x, kept[_KEPT], y, stride, padding, dilation, weight.shape[2:], groups, bias, flat, rectify)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_input, and rounded as conv2d."""
    by_taps = _by_taps(weight, groups, _BACKWARD)
    _launch(_BACKWARD, grad_y, by_taps, grad_x, stride, padding, dilation, weight.shape[2:], groups, None, None, False)


def _by_taps(weight, groups, backward):
    """The weights with the depth in front and together: (groups, taps, filters, channels), or channels and filters exchanged."""
    filters, channels, taps = weight.shape[0] // groups, weight.shape[1], weight.shape[2] * weight.shape[3]
    result = empty_like(weight, (groups, taps, channels, filters) if backward else (groups, taps, filters, channels))
    _reorder[blocks(weight.size, 256), 256](weight.reshape(groups, filters, channels, taps), result, backward)
    return result


@kernel
def _reorder(weight, result, backward):
    place = cuda.grid(1)
    if place < result.size:
        groups, taps, rows, columns = result.shape
        rest, column = divmod(uint32(place), uint32(columns))
        rest, row = divmod(rest, uint32(rows))
        group, tap = divmod(rest, uint32(taps))
        if backward:
            result[group, tap, row, column] = weight[group, column, row, tap]
        else:
            result[group, tap, row, column] = weight[group, row, column, tap]


def _launch(backward, source, weight, output, stride, padding, dilation, window, groups, bias, residual, rectify):
    rows, depth = weight.shape[2:]   # of a group: output's channels and the source's
    images, height, width = output.shape[0], *output.shape[2:]
    window, stride, padding = map(tuple, (window, stride, padding))
    phases = stride if backward else (1, 1)
    pixels = images * blocks(height, phases[0]) * blocks(width, phases[1])   # of the largest phase
    count = phases[0] * phases[1] * groups
    plan = plan_of(rows, pixels, depth * window[0] * window[1], source.machine.multiprocessors, count=count, most_parts=1)
    pointwise = window == stride == (1, 1) and padding == (0, 0) and height * width % 4 == 0 and source.address % 16 == 0
    convolve = _convolution(plan.rows, plan.columns, depth % 4 == 0, depth % DEPTH == 0, pointwise, backward, tensor_core_operands(source))
    grid = blocks(rows, plan.rows) * blocks(pixels, plan.columns), 1, count
    convolve[grid, THREADS, shared_bytes(plan.rows, plan.columns, True, False)](
        source.reshape(-1), weight.reshape(-1), bias, residual, output.reshape(-1), rectify, images, groups, rows, depth,
        *source.shape[2:], height, width, *window, *stride, *padding, *dilation)


@functools.cache
def _convolution(rows, columns, wide_weight, whole_slabs, pointwise, backward, operands):
    """The kernel for tiles of this size: a block computes `rows` channels of `columns` pixels of one group, in one phase."""
    kind = tile(rows, columns, True, False, operands)
    places, clear, multiply, put, place, count = kind.places, kind.clear, kind.multiply, kind.put, kind.place, kind.count
    copy_weight = matrix_copy(rows, True, wide_weight)
    left_words, stage_words = words(rows, True), words(rows, True) + words(columns, False)
    sums_pitch = pitch(columns, False)
    step = 4 if pointwise else 1
    across = columns // step        # threads for one channel of a slab
    at_once = THREADS // across     # channels

    @cuda.jit(device=True, forceinline=True)
    def counts(phase, tap, stride, padding, dilation):
        """Does this tap, along one axis, see pixels of this phase?"""
        return not backward or (phase + padding - tap * dilation) % stride == 0

    @cuda.jit(device=True, forceinline=True)
    def shift(phase, tap, stride, padding, dilation):
        """How far the position that the tap sees is from the pixel's own."""
        if backward:
            return (phase + padding - tap * dilation) // stride
        return tap * dilation - padding

    @kernel(launch_bounds=(THREADS, 2))
    def convolution(source, weight, bias, residual, output, rectify, images, groups, all_rows, depth, source_height, source_width,
                    height, width, window_rows, window_columns, down, right, top, left, dilation_down, dilation_right):
        shared, sums = cuda.shared.array(0, float32, alignment=16), cuda.local.array(count, float32)
        clear(sums, shared, 0, 0)
        row_tiles = (all_rows + rows - 1) // rows
        pixel_tile, row_tile = divmod(uint32(cuda.blockIdx.x), uint32(row_tiles))
        phase, group = divmod(uint32(cuda.blockIdx.z), uint32(groups))
        first_row, group = int32(row_tile) * rows, int32(group)
        phase_row, phase_column = int32(0), int32(0)
        if backward:
            phase_row, phase_column = int32(phase // uint32(right)), int32(phase % uint32(right))
            phase_height, phase_width = (height - phase_row + down - 1) // down, (width - phase_column + right - 1) // right
        else:
            phase_height, phase_width = height, width
        thread = cuda.threadIdx.x

        # the pixel whose results this thread writes, and whose numbers it copies
        pixel = int32(pixel_tile) * columns + thread % columns
        exists = pixel < images * phase_height * phase_width
        rest, j = divmod(uint32(pixel), uint32(max(phase_width, 1)))
        image, i = divmod(rest, uint32(max(phase_height, 1)))
        image, i, j = int32(image), int32(i), int32(j)
        source_row, source_column = (i, j) if backward else (i * down, j * right)
        source_size = source_height * source_width
        source_start = (image * groups + group) * depth * source_size
        seen, start = False, 0
        if pointwise:   # the four pixels whose numbers it copies
            pixels = pixel_tile * uint32(columns) + uint32(thread % across * step)
            seen = int32(pixels) < images * source_size
            source_image, position = divmod(pixels, uint32(source_size))
            start = (int32(source_image) * groups + group) * depth * source_size + int32(position)

        taps = 0
        for r in range(window_rows):
            if counts(phase_row, r, down, top, dilation_down):
                for k in range(window_columns):
                    if counts(phase_column, k, right, left, dilation_right):
                        taps += 1
        slabs = taps * ((depth + DEPTH - 1) // DEPTH)
        left_place, right_place = places(thread)
        tap, channel = -1, depth
        for slab in range(slabs + STAGES - 1):
            if slab >= STAGES - 1:
                copy_wait_but_2()
                cuda.syncthreads()   # a slab is there for all, and all are done with the one before
            if slab < slabs:
                if channel >= depth:   # the next tap
                    channel = 0
                    tap += 1
                    if not pointwise:
                        while not (counts(phase_row, tap // window_columns, down, top, dilation_down)
                                   and counts(phase_column, tap % window_columns, right, left, dilation_right)):
                            tap += 1
                        row = source_row + shift(phase_row, tap // window_columns, down, top, dilation_down)
                        column = source_column + shift(phase_column, tap % window_columns, right, left, dilation_right)
                        seen = exists and 0 <= row and row < source_height and 0 <= column and column < source_width
                        start = source_start + row * source_width + column
                stage = slab % STAGES * stage_words
                weight_row = (group * window_rows * window_columns + tap) * all_rows
                copy_weight(shared, stage, weight, weight_row + first_row, weight_row + all_rows, channel, depth, depth)
                target = stage + left_words + thread // across * sums_pitch + thread % across * step
                first = channel + thread // across
                for more in range(0, DEPTH, at_once):
                    present = seen if whole_slabs else seen and first + more < depth
                    if pointwise:
                        copy_async_four(shared, target + more * sums_pitch, source, start + (first + more) * source_size, present)
                    else:
                        copy_async_one(shared, target + more * sums_pitch, source, start + (first + more) * source_size, present)
                channel += DEPTH
            copy_commit()
            if slab >= STAGES - 1:
                stage = (slab - (STAGES - 1)) % STAGES * stage_words
                multiply(sums, shared, stage + left_place, stage + left_words + right_place)
        copy_wait_all()
        cuda.syncthreads()   # the slabs are no more needed
        put(sums, shared, place(thread), 0)
        cuda.syncthreads()
        if exists:
            if backward:
                i, j = i * down + phase_row, j * right + phase_column
            size = height * width
            first = (image * groups + group) * all_rows * size + i * width + j
            for row in range(thread // columns, min(rows, all_rows - first_row), THREADS // columns):
                value = shared[row * sums_pitch + thread % columns]
                target = uint32(first + (first_row + row) * size)
                if bias is not None:
                    value += bias[uint32(group * all_rows + first_row + row)]
                if residual is not None:
                    value += residual[target]
                if rectify and value <= float32(0):
                    value = float32(0)
                output[target] = value

    return convolution
