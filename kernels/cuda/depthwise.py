"""Depthwise convolution: each filter sees one channel (Howard et al., "MobileNets", 2017).

There is no sum over channels, hence no matrix product, and little to compute with each number: what counts is that every number is
fetched once from memory, and seldom from the cache. A thread works on a few rows of one column, so it fetches a row of a window once for
all of its rows; threads side by side have columns side by side. How high the window is and how far it goes down are constants of the
kernel, which is compiled for each such pair: then the loops over rows unroll, and sums and taps stay in registers.

direct.py has the same sums, one thread for each number.
"""
import functools

from numba import cuda, uint32

from .array import empty_like
from .launch import blocks, kernel

ROWS, BLOCK = 4, 256             # rows of a thread, threads of a block
WARP, WARPS = 32, 2              # threads of a warp, and warps for each column of taps in the weight's gradient
LARGEST, STRIDES = 7, 3          # windows and strides up to these
_BLOCKS = 16                     # blocks of the weight's gradient for each multiprocessor


def serves(weight, stride, dilation, groups):
    """Is this a convolution for the functions below, `weight` being the shape of the filters? They take no dilation."""
    _, channels, *window = weight
    return groups > 1 == channels and max(window) <= LARGEST and max(stride) <= STRIDES and dilation == (1, 1)


def conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual=None, rectify=False):
    """As kernels.reference.convolution.conv2d, where `serves` says so."""
    residual = None if residual is None else residual.reshape(-1)
    threads = y.shape[0] * y.shape[1] * blocks(y.shape[2], ROWS) * y.shape[3]
    _forward(weight.shape[2], stride[0])[blocks(threads, BLOCK), BLOCK](
        x.reshape(-1), weight.reshape(-1), bias, residual, rectify, y.reshape(-1), weight.shape[3], stride[1], threads, y.shape[1],
        y.shape[1] // groups, *x.shape[2:], *y.shape[2:], *padding)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_input, where `serves` says so."""
    patches = [blocks(size + before, step) for size, before, step in zip(grad_x.shape[2:], padding, stride)]
    strips = blocks(patches[0], ROWS)
    threads = grad_x.shape[0] * groups * strips * patches[1]
    _grad_input(weight.shape[2], *stride)[blocks(threads, BLOCK), BLOCK](
        grad_y.reshape(-1), weight.reshape(-1), grad_x.reshape(-1), weight.shape[3], threads, groups, grad_y.shape[1] // groups, strips,
        patches[1], *grad_x.shape[2:], *grad_y.shape[2:], *padding)


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight, where `serves` says so."""
    images, filters, out_height, out_width = grad_y.shape
    strips = images * blocks(out_height, ROWS) * out_width
    parts = max(1, min(blocks(strips, WARPS * WARP), _BLOCKS * x.machine.multiprocessors // filters))
    sums = grad_weight.reshape(-1) if parts == 1 else empty_like(grad_weight, (parts * grad_weight.size,))
    _grad_weight(grad_weight.shape[2], stride[0])[(filters, parts), (WARPS * WARP, grad_weight.shape[3])](
        grad_y.reshape(-1), x.reshape(-1), sums, stride[1], strips, filters // groups, *x.shape[2:], out_height, out_width, *padding)
    if parts > 1:
        _add_parts[blocks(grad_weight.size, BLOCK), BLOCK](sums, grad_weight.reshape(-1), parts)


@functools.cache
def _forward(rows, down):
    seen_rows = (ROWS - 1) * down + rows

    @kernel
    def depthwise(x, weight, bias, residual, rectify, y, columns, across, threads, filters, multiplier, height, width, out_height,
                  out_width, top, left):
        """Rows i, i + 1, i + 2, i + 3 of column j, one column of taps after the other: each pixel that it meets is fetched once."""
        thread = uint32(cuda.grid(1))
        if thread < uint32(threads):
            strips = uint32(uint32(out_height + ROWS - 1) // uint32(ROWS))
            strip = uint32(thread // uint32(out_width))
            plane = uint32(strip // strips)
            i = uint32((strip - plane * strips) * ROWS)
            j = uint32(thread - strip * uint32(out_width))
            m = uint32(plane % uint32(filters))
            taps = cuda.local.array(rows, x.dtype)
            sums = cuda.local.array(ROWS, x.dtype)
            for a in range(ROWS):
                sums[a] = x.dtype.type(0) if bias is None else bias[m]
            image = uint32(uint32(plane // uint32(multiplier)) * uint32(height * width))
            for k in range(columns):
                column = uint32(j * uint32(across) + k - left)
                for r in range(rows):
                    taps[r] = weight[uint32((m * rows + r) * uint32(columns) + k)]
                for r in range(seen_rows):
                    row = uint32(i * down + r - top)
                    pixel = x.dtype.type(0)
                    if row < uint32(height) and column < uint32(width):
                        pixel = x[uint32(image + row * uint32(width) + column)]
                    for a in range(ROWS):
                        if 0 <= r - a * down < rows:
                            sums[a] += taps[r - a * down] * pixel
            for a in range(ROWS):
                if i + a < uint32(out_height):
                    place = uint32((plane * uint32(out_height) + i + a) * uint32(out_width) + j)
                    total = sums[a]
                    if residual is not None:
                        total += residual[place]
                    if rectify and total <= x.dtype.type(0):
                        total = x.dtype.type(0)
                    y[place] = total
    return depthwise


@functools.cache
def _grad_input(rows, down, across):
    out_rows = ROWS * down
    before = (rows - 1) // down   # windows above that reach a patch

    @kernel
    def depthwise_grad_input(grad_y, weight, grad_x, columns, threads, channels, multiplier, strips, patches, height, width, out_height,
                             out_width, top, left):
        """A column of 4 patches of `stride` pixels each, the first pixel of a patch being one at which a window can begin: then it is
        known when the kernel is compiled which rows of taps meet which row of the patch, and in which window. The windows beside each
        other meet it with different columns of taps, `across` of them each."""
        thread = uint32(cuda.grid(1))
        if thread < uint32(threads):
            strip = uint32(thread // uint32(patches))
            plane = uint32(strip // uint32(strips))
            i = uint32((strip - plane * uint32(strips)) * ROWS)
            j = uint32(thread - strip * uint32(patches))
            c = uint32(plane % uint32(channels))
            taps = cuda.local.array((rows, across), grad_x.dtype)
            sums = cuda.local.array((out_rows, across), grad_x.dtype)
            for a in range(out_rows):
                for b in range(across):
                    sums[a, b] = grad_x.dtype.type(0)
            for other in range(multiplier):
                m = uint32(c * uint32(multiplier) + other)
                image = uint32((plane * uint32(multiplier) + other) * uint32(out_height * out_width))
                column = j
                for first in range(0, columns, across):
                    for r in range(rows):
                        for b in range(across):
                            if first + b < columns:
                                taps[r, b] = weight[uint32((m * rows + r) * uint32(columns) + first + b)]
                    for above in range(ROWS + before):
                        row = uint32(i + above - before)
                        gradient = grad_y.dtype.type(0)
                        if row < uint32(out_height) and column < uint32(out_width):
                            gradient = grad_y[uint32(image + row * uint32(out_width) + column)]
                        for a in range(out_rows):
                            if 0 <= a - (above - before) * down < rows:
                                for b in range(across):
                                    if first + b < columns:
                                        sums[a, b] += taps[a - (above - before) * down, b] * gradient
                    column = uint32(column - 1)
            for a in range(out_rows):
                for b in range(across):
                    row, column = uint32(i * down + a - top), uint32(j * across + b - left)
                    if row < uint32(height) and column < uint32(width):
                        grad_x[uint32((plane * uint32(height) + row) * uint32(width) + column)] = sums[a, b]
    return depthwise_grad_input


@functools.cache
def _grad_weight(rows, down):
    seen_rows = (ROWS - 1) * down + rows

    @kernel
    def depthwise_grad_weight(grad_y, x, sums, across, strips, multiplier, height, width, out_height, out_width, top, left):
        """A block adds up all taps of a filter over its part of the strips, which are 4 rows of a column of an image; its threads
        (., k) have column k of the taps. Then a warp does so over its threads, and one thread for each tap over the warps."""
        m, filters = uint32(cuda.blockIdx.x), uint32(cuda.gridDim.x)
        thread, k, columns = uint32(cuda.threadIdx.x), uint32(cuda.threadIdx.y), uint32(cuda.blockDim.y)
        of_warps = cuda.shared.array((WARPS, LARGEST, LARGEST), x.dtype)
        taps = cuda.local.array(rows, x.dtype)
        gradients = cuda.local.array(ROWS, x.dtype)
        for r in range(rows):
            taps[r] = x.dtype.type(0)
        strips_of_image = uint32(uint32(out_height + ROWS - 1) // uint32(ROWS) * uint32(out_width))
        for number in range(cuda.blockIdx.y * (WARPS * WARP) + thread, strips, cuda.gridDim.y * (WARPS * WARP)):
            image = uint32(uint32(number) // strips_of_image)
            strip = uint32(number - image * strips_of_image)
            line = uint32(strip // uint32(out_width))
            i, j = uint32(line * ROWS), uint32(strip - line * uint32(out_width))
            plane = uint32(image * filters + m)
            for a in range(ROWS):
                gradients[a] = x.dtype.type(0)
                if i + a < uint32(out_height):
                    gradients[a] = grad_y[uint32((plane * uint32(out_height) + i + a) * uint32(out_width) + j)]
            pixels = uint32(uint32(plane // uint32(multiplier)) * uint32(height * width))
            column = uint32(j * uint32(across) + k - left)
            for r in range(seen_rows):
                row = uint32(i * down + r - top)
                pixel = x.dtype.type(0)
                if row < uint32(height) and column < uint32(width):
                    pixel = x[uint32(pixels + row * uint32(width) + column)]
                for a in range(ROWS):
                    if 0 <= r - a * down < rows:
                        taps[r - a * down] += gradients[a] * pixel
        for r in range(rows):
            total = taps[r]
            for distance in (16, 8, 4, 2, 1):
                total += cuda.shfl_down_sync(0xffffffff, total, distance)
            if thread % WARP == 0:
                of_warps[thread // uint32(WARP), r, k] = total
        cuda.syncthreads()
        if thread < rows:
            total = of_warps[0, thread, k]
            for other in range(1, WARPS):
                total += of_warps[other, thread, k]
            sums[uint32(((cuda.blockIdx.y * filters + m) * rows + thread) * columns + k)] = total
    return depthwise_grad_weight


@kernel
def _add_parts(sums, grad_weight, parts):
    i = uint32(cuda.grid(1))
    if i < grad_weight.size:
        total = sums[i]
        for part in range(1, parts):
            total += sums[uint32(part * grad_weight.size + i)]
        grad_weight[i] = total
