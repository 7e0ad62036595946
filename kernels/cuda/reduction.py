"""Sums and maxima over some axes on a device.

Neighbouring axes that are reduced together count as one, and so do those that are kept. Two shapes of work are left:

    segments   (outer, kept, inner) -> (kept,)            inner numbers that follow each other in memory, outer times: a warp or a block
                                                          gathers them (segments.py)
    columns    (outer, length, inner) -> (outer, inner)   neighbouring threads take neighbouring columns, and walk down them

A sum over all but the channels, as gradients of a bias are, is one of segments; other axes may need several passes, the last axes first.
Where there are few results, several blocks share each of them, and a second launch brings their parts together: every thread has work, and
chains of additions stay short, which keeps sums exact. There are no atomic additions: the same numbers give the same bits.

A kernel is compiled for sums (`greatest` is None) and for maxima (True), for single numbers and for `four` at once.
"""
import builtins
import math

from numba import cuda, uint32

from .array import empty_like
from .intrinsics import load4, store4
from .launch import blocks, kernel
from .segments import first_of, in_fours, next_of
from .warp import WARP, WARPS, block_max, block_sum, maximum, warp_max, warp_sum

BLOCK = 256
_THREADS = 2048   # of a multiprocessor, at once
_WORTH = 16       # loads that are worth a thread


def sum(x, y, axes):
    """As kernels.reference.reduction.sum."""
    _reduce(x, y, _alternating(x.shape, axes), None)


def max(x, y, axes):
    """As kernels.reference.reduction.max."""
    _reduce(x, y, _alternating(x.shape, axes), True)


def max_grad_input(grad_y, x, y, grad_x, axes):
    """As kernels.reference.reduction.max_grad_input: who is the maximum, how many are, and what each gets."""
    sizes = _alternating(x.shape, axes)
    if len(sizes) > 7:
        raise ValueError("max_grad_input: axes that are reduced and axes that are kept alternate more than six times")
    equal, number = empty_like(x), empty_like(y)
    launch, shape = (blocks(x.size, BLOCK), BLOCK), sizes[1:] + [1] * (7 - len(sizes))
    _equal[launch](x.reshape(-1), y.reshape(-1), equal.reshape(-1), *shape)
    _reduce(equal, number, sizes, None)
    _share[launch](grad_y.reshape(-1), equal.reshape(-1), number.reshape(-1), grad_x.reshape(-1), *shape)


def _alternating(shape, axes):
    """How many numbers are kept, reduced, kept, ..., reduced and kept, as neighbouring axes of a kind are taken together."""
    sizes = [1]
    for axis, size in enumerate(shape):
        if size != 1:
            if (axis in axes) == (len(sizes) % 2 == 0):
                sizes[-1] *= size
            else:
                sizes.append(size)
    if len(sizes) == 1:
        return [1, 1, *sizes]
    return sizes if len(sizes) % 2 else [*sizes, 1]


def _reduce(x, y, sizes, greatest):
    """y = x, whose axes are alternately kept and reduced."""
    *before, kept, length, inner = sizes
    if len(sizes) == 5 and sizes[0] == inner == 1:
        _reduce_segments(x, y, before[1], kept, length, greatest)
    elif before:
        kept *= math.prod(before)
        between = empty_like(x, (kept, inner))
        _reduce(x, between, [kept, length, inner], greatest)
        _reduce(between, y, [*before, sizes[-3] * inner], greatest)
    elif inner == 1:
        _reduce_segments(x, y, 1, kept, length, greatest)
    else:
        _reduce_columns(x, y, kept, length, inner, greatest)


def _reduce_segments(x, y, outer, kept, inner, greatest):
    four = in_fours(inner, x)
    inner = inner // 4 if four else inner
    count, places = outer * inner, x.machine.multiprocessors * _THREADS
    sizes = count, kept, builtins.max(1, inner)
    x, y = x.reshape(-1), y.reshape(-1)
    if count <= WARP * _WORTH or kept * WARP >= places:
        rows = min(BLOCK // WARP, builtins.max(1, kept // x.machine.multiprocessors))
        _segments[blocks(kept, rows), (WARP, rows)](x, y, *sizes, greatest, None, four)
        return
    parts = builtins.max(1, min(places // BLOCK // builtins.max(1, kept), count // (BLOCK * _WORTH)))
    result = y if parts == 1 else empty_like(x, (kept * parts,))
    _segments[(kept, parts), BLOCK](x, result, *sizes, greatest, True, four)
    if parts > 1:
        _reduce_segments(result, y, 1, kept, parts, greatest)


@kernel
def _segments(x, y, count, kept, inner, greatest, wide, four):
    """y[row, part] from the segments of a row; `wide` for a whole block, else a warp has a row, and the block several."""
    shared = cuda.shared.array(WARPS, x.dtype)
    row = uint32(cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y)
    part, parts = uint32(cuda.blockIdx.y), uint32(cuda.gridDim.y)
    if row < kept:
        thread, threads = uint32(part * cuda.blockDim.x + cuda.threadIdx.x), uint32(parts * cuda.blockDim.x)
        inner = uint32(inner)
        offset, position, stride, step, jump = first_of(thread, threads, row, uint32(kept), inner)
        a = _nothing(x, greatest)
        if four is not None:
            b, c, d = a, a, a
            for _ in range(thread, uint32(count), threads):
                e, f, g, h = load4(x, uint32(4 * offset))
                a, b, c, d = _both(a, e, greatest), _both(b, f, greatest), _both(c, g, greatest), _both(d, h, greatest)
                offset, position = next_of(offset, position, stride, step, jump, inner)
            a = _both(_both(a, b, greatest), _both(c, d, greatest), greatest)
        else:
            for _ in range(thread, uint32(count), threads):
                a = _both(a, x[offset], greatest)
                offset, position = next_of(offset, position, stride, step, jump, inner)
        if wide is not None:
            a = block_sum(a, shared) if greatest is None else block_max(a, shared)
        else:
            a = warp_sum(a) if greatest is None else warp_max(a)
        if cuda.threadIdx.x == 0:
            y[uint32(row * parts + part)] = a


@cuda.jit(device=True, forceinline=True)
def _nothing(x, greatest):
    """What an empty sum is, or a maximum."""
    if greatest is None:
        return x.dtype.type(0)
    return x.dtype.type(-math.inf)


@cuda.jit(device=True, forceinline=True)
def _both(a, b, greatest):
    if greatest is None:
        return a + b
    return maximum(a, b)


def _reduce_columns(x, y, outer, length, inner, greatest):
    four = in_fours(inner, x, y)
    columns, places = inner // 4 if four else inner, x.machine.multiprocessors * _THREADS
    rows, narrow = 1, min(WARP, _power_of_two(columns))
    while 2 * rows <= min(length, BLOCK // narrow) and outer * columns * rows < places:
        rows *= 2
    width = min(_power_of_two(columns), BLOCK // rows)
    strips = blocks(columns, width)
    parts = builtins.max(1, min(places // BLOCK // builtins.max(1, outer * strips), length // (rows * _WORTH)))
    x, y = x.reshape(-1), y.reshape(-1)
    result = y if parts == 1 else empty_like(x, (outer * parts * inner,))
    _columns[(outer * strips, parts), (width, rows)](x, result, length, columns, strips, greatest, four)
    if parts > 1:
        _reduce_columns(result, y, outer, parts, inner, greatest)


def _power_of_two(size):
    """The least that is not smaller."""
    return 1 << (size - 1).bit_length() if size > 1 else 1


@kernel
def _columns(x, y, length, columns, strips, greatest, four):
    """y[outer, part, column]: a block has as many columns as it is wide, and its rows of threads take turns at the numbers in them."""
    shared = cuda.shared.array((4, BLOCK), x.dtype)
    width, rows = uint32(cuda.blockDim.x), uint32(cuda.blockDim.y)
    part, parts = uint32(cuda.blockIdx.y), uint32(cuda.gridDim.y)
    outer, strip = uint32(cuda.blockIdx.x // uint32(strips)), uint32(cuda.blockIdx.x % uint32(strips))
    columns, row = uint32(columns), uint32(cuda.threadIdx.y)
    column, thread = uint32(strip * width + cuda.threadIdx.x), uint32(row * width + cuda.threadIdx.x)
    first, step = uint32(part * rows + row), uint32(parts * rows)
    place = uint32((outer * uint32(length) + first) * columns + column)
    a = _nothing(x, greatest)
    b, c, d = a, a, a
    if column < columns:
        for _ in range(first, uint32(length), step):
            if four is not None:
                e, f, g, h = load4(x, uint32(4 * place))
                a, b, c, d = _both(a, e, greatest), _both(b, f, greatest), _both(c, g, greatest), _both(d, h, greatest)
            else:
                a = _both(a, x[place], greatest)
            place = uint32(place + step * columns)
    half = uint32(rows // uint32(2))
    while half > 0:   # the upper half of the rows hands over to the lower half
        if half <= row < 2 * half:
            shared[0, thread] = a
            if four is not None:
                shared[1, thread], shared[2, thread], shared[3, thread] = b, c, d
        cuda.syncthreads()
        if row < half:
            other = uint32(thread + half * width)
            a = _both(a, shared[0, other], greatest)
            if four is not None:
                b, c, d = _both(b, shared[1, other], greatest), _both(c, shared[2, other], greatest), _both(d, shared[3, other], greatest)
        half = uint32(half // uint32(2))
    if row == 0 and column < columns:
        place = uint32((outer * parts + part) * columns + column)
        if four is not None:
            store4(y, uint32(4 * place), a, b, c, d)
        else:
            y[place] = a


@kernel
def _equal(x, y, equal, reduced1, kept2, reduced2, kept3, reduced3, kept4):
    """equal = 1 where x is the maximum, else 0; NaN is not equal to itself."""
    i = uint32(cuda.grid(1))
    if i < x.size:
        own = x[i] == y[_result_of(i, reduced1, kept2, reduced2, kept3, reduced3, kept4)]
        equal[i] = x.dtype.type(1) if own else x.dtype.type(0)


@kernel
def _share(grad_y, equal, number, grad_x, reduced1, kept2, reduced2, kept3, reduced3, kept4):
    i = uint32(cuda.grid(1))
    if i < equal.size:
        place = _result_of(i, reduced1, kept2, reduced2, kept3, reduced3, kept4)
        grad_x[i] = equal[i] * (grad_y[place] / number[place])


@cuda.jit(device=True, forceinline=True)
def _result_of(i, reduced1, kept2, reduced2, kept3, reduced3, kept4):
    """Which result the i-th number went into: i without the places along the axes that were reduced."""
    i, fourth = uint32(i // uint32(kept4)), uint32(i % uint32(kept4))
    i = uint32(i // uint32(reduced3))
    i, third = uint32(i // uint32(kept3)), uint32(i % uint32(kept3))
    i = uint32(i // uint32(reduced2))
    i, second = uint32(i // uint32(kept2)), uint32(i % uint32(kept2))
    return uint32(((i // uint32(reduced1) * uint32(kept2) + second) * uint32(kept3) + third) * uint32(kept4) + fourth)
