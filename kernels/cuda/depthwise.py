"""Depthwise convolution: each filter sees one channel (Howard et al., "MobileNets", 2017).

There is no sum over channels, hence no matrix product, and little to compute with each number: what counts is that every number is
fetched once from memory, and seldom from the cache. A thread works on a few rows of one column, so it fetches a row of a window once for
all of its rows; threads side by side have columns side by side. Window and stride are constants of the kernel, which is compiled for each
pair of them: then the loops over them unroll, and sums and taps stay in registers.

direct.py has the same sums, one thread for each number.
"""
import functools

from numba import cuda, uint32

from .array import empty_like
from .launch import blocks, kernel

ROWS, BLOCK, WARP = 4, 256, 32   # rows of a thread, threads of a block and of a warp
LARGEST, STRIDES = 7, 3          # windows and strides up to these
_BLOCKS = 8                      # blocks of the weight's gradient for each multiprocessor


def serves(weight, stride, dilation, groups):
    """Is this a convolution for the functions below, `weight` being the shape of the filters? They take no dilation."""
    _, channels, *window = weight
    return groups > 1 == channels and max(window) <= LARGEST and max(stride) <= STRIDES and dilation == (1, 1)


def conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual=None, rectify=False):
    """As kernels.reference.convolution.conv2d, where `serves` says so."""
    residual = None if residual is None else residual.reshape(-1)
    threads = y.shape[0] * y.shape[1] * blocks(y.shape[2], ROWS) * y.shape[3]
    _forward(weight.shape[2:], stride)[blocks(threads, BLOCK), BLOCK](
        x.reshape(-1), weight.reshape(-1), bias, residual, rectify, y.reshape(-1), threads, y.shape[1], y.shape[1] // groups,
        *x.shape[2:], *y.shape[2:], *padding)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_input, where `serves` says so."""
    patches = [blocks(size + before, step) for size, before, step in zip(grad_x.shape[2:], padding, stride)]
    strips = blocks(patches[0], ROWS)
    threads = grad_x.shape[0] * groups * strips * patches[1]
    _grad_input(weight.shape[2:], stride)[blocks(threads, BLOCK), BLOCK](
        grad_y.reshape(-1), weight.reshape(-1), grad_x.reshape(-1), threads, groups, grad_y.shape[1] // groups, strips, patches[1],
        *grad_x.shape[2:], *grad_y.shape[2:], *padding)


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight, where `serves` says so."""
    images, filters, out_height, out_width = grad_y.shape
    strips = images * blocks(out_height, ROWS) * out_width
    parts = max(1, min(blocks(strips, BLOCK), _BLOCKS * x.machine.multiprocessors // filters))
    sums = grad_weight.reshape(-1) if parts == 1 else empty_like(grad_weight, (parts * grad_weight.size,))
    _grad_weight(grad_weight.shape[2:], stride)[(filters, parts), BLOCK](
        grad_y.reshape(-1), x.reshape(-1), sums, strips, filters // groups, *x.shape[2:], out_height, out_width, *padding)
    if parts > 1:
        _add_parts[blocks(grad_weight.size, BLOCK), BLOCK](sums, grad_weight.reshape(-1), parts)


@functools.cache
def _forward(window, stride):
    (rows, columns), (down, across) = window, stride
    seen_rows = (ROWS - 1) * down + rows

    @kernel
    def depthwise(x, weight, bias, residual, rectify, y, threads, filters, multiplier, height, width, out_height, out_width, top, left):
        """Rows i, i + 1, i + 2, i + 3 of column j: each row of the image that they see is fetched once."""
        thread = uint32(cuda.grid(1))
        if thread < uint32(threads):
            strips = uint32(uint32(out_height + ROWS - 1) // uint32(ROWS))
            strip = uint32(thread // uint32(out_width))
            plane = uint32(strip // strips)
            i = uint32((strip - plane * strips) * ROWS)
            j = uint32(thread - strip * uint32(out_width))
            m = uint32(plane % uint32(filters))
            taps = cuda.local.array((rows, columns), x.dtype)
            for r in range(rows):
                for k in range(columns):
                    taps[r, k] = weight[uint32(m * (rows * columns) + r * columns + k)]
            sums = cuda.local.array(ROWS, x.dtype)
            for number in range(ROWS):
                sums[number] = x.dtype.type(0) if bias is None else bias[m]
            image = uint32(uint32(plane // uint32(multiplier)) * uint32(height * width))
            for r in range(seen_rows):
                row = uint32(i * down + r - top)
                for k in range(columns):
                    column = uint32(j * across + k - left)
                    pixel = x.dtype.type(0)
                    if row < uint32(height) and column < uint32(width):
                        pixel = x[uint32(image + row * uint32(width) + column)]
                    for number in range(ROWS):
                        if 0 <= r - number * down < rows:
                            sums[number] += taps[r - number * down, k] * pixel
            for number in range(ROWS):
                if i + number < uint32(out_height):
                    place = uint32((plane * uint32(out_height) + i + number) * uint32(out_width) + j)
                    total = sums[number]
                    if residual is not None:
                        total += residual[place]
                    if rectify and total <= x.dtype.type(0):
                        total = x.dtype.type(0)
                    y[place] = total
    return depthwise


@functools.cache
def _grad_input(window, stride):
    (rows, columns), (down, across) = window, stride
    out_rows = ROWS * down
    before, beside = (rows - 1) // down, (columns - 1) // across   # windows above and to the left that reach a patch

    @kernel
    def depthwise_grad_input(grad_y, weight, grad_x, threads, channels, multiplier, strips, patches, height, width, out_height, out_width,
                             top, left):
        """A column of 4 patches of `stride` pixels each, the first pixel of a patch being one at which a window can begin: then it is
        known when the kernel is compiled which taps meet which pixel of the patch, and in which window."""
        thread = uint32(cuda.grid(1))
        if thread < uint32(threads):
            strip = uint32(thread // uint32(patches))
            plane = uint32(strip // uint32(strips))
            i = uint32((strip - plane * uint32(strips)) * ROWS)
            j = uint32(thread - strip * uint32(patches))
            c = uint32(plane % uint32(channels))
            sums = cuda.local.array((out_rows, across), grad_x.dtype)
            for a in range(out_rows):
                for b in range(across):
                    sums[a, b] = grad_x.dtype.type(0)
            for other in range(multiplier):
                taps = cuda.local.array((rows, columns), grad_x.dtype)
                for r in range(rows):
                    for k in range(columns):
                        taps[r, k] = weight[uint32((c * uint32(multiplier) + other) * (rows * columns) + r * columns + k)]
                image = uint32((plane * uint32(multiplier) + other) * uint32(out_height * out_width))
                for above in range(ROWS + before):
                    row = uint32(i + above - before)
                    for aside in range(beside + 1):
                        column = uint32(j + aside - beside)
                        gradient = grad_y.dtype.type(0)
                        if row < uint32(out_height) and column < uint32(out_width):
                            gradient = grad_y[uint32(image + row * uint32(out_width) + column)]
                        for a in range(out_rows):
                            for b in range(across):
                                if 0 <= a - (above - before) * down < rows and 0 <= b - (aside - beside) * across < columns:
                                    sums[a, b] += taps[a - (above - before) * down, b - (aside - beside) * across] * gradient
            for a in range(out_rows):
                for b in range(across):
                    row, column = uint32(i * down + a - top), uint32(j * across + b - left)
                    if row < uint32(height) and column < uint32(width):
                        grad_x[uint32((plane * uint32(height) + row) * uint32(width) + column)] = sums[a, b]
    return depthwise_grad_input


@functools.cache
def _grad_weight(window, stride):
    (rows, columns), (down, across) = window, stride
    seen_rows, area, warps = (ROWS - 1) * down + rows, rows * columns, BLOCK // WARP

    @kernel
    def depthwise_grad_weight(grad_y, x, sums, strips, multiplier, height, width, out_height, out_width, top, left):
        """A block adds up all taps of a filter over its part of the strips, which are 4 rows of a column of an image; then its warps
        do so over their threads, and one thread for each tap over the warps."""
        m, filters = uint32(cuda.blockIdx.x), uint32(cuda.gridDim.x)
        thread = uint32(cuda.threadIdx.x)
        warp, lane = uint32(thread // uint32(WARP)), uint32(thread % uint32(WARP))
        of_warps = cuda.shared.array((warps, area), x.dtype)
        taps = cuda.local.array((rows, columns), x.dtype)
        for r in range(rows):
            for k in range(columns):
                taps[r, k] = x.dtype.type(0)
        gradients = cuda.local.array(ROWS, x.dtype)
        strips_of_image = uint32(uint32(out_height + ROWS - 1) // uint32(ROWS) * uint32(out_width))
        for number in range(cuda.blockIdx.y * BLOCK + thread, strips, cuda.gridDim.y * BLOCK):
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
            for r in range(seen_rows):
                row = uint32(i * down + r - top)
                for k in range(columns):
                    column = uint32(j * across + k - left)
                    pixel = x.dtype.type(0)
                    if row < uint32(height) and column < uint32(width):
                        pixel = x[uint32(pixels + row * uint32(width) + column)]
                    for a in range(ROWS):
                        if 0 <= r - a * down < rows:
                            taps[r - a * down, k] += gradients[a] * pixel
        for r in range(rows):
            for k in range(columns):
                total = taps[r, k]
                for distance in (16, 8, 4, 2, 1):
                    total += cuda.shfl_down_sync(0xffffffff, total, distance)
                if lane == 0:
                    of_warps[warp, r * columns + k] = total
        cuda.syncthreads()
        if thread < area:
            total = of_warps[0, thread]
            for other in range(1, warps):
                total += of_warps[other, thread]
            sums[uint32((cuda.blockIdx.y * filters + m) * area + thread)] = total
    return depthwise_grad_weight


@kernel
def _add_parts(sums, grad_weight, parts):
    i = uint32(cuda.grid(1))
    if i < grad_weight.size:
        total = sums[i]
        for part in range(1, parts):
            total += sums[uint32(part * grad_weight.size + i)]
        grad_weight[i] = total
