"""Softmax and cross entropy on a device: a warp works on each row, or a block where rows are long.

Maximum and sum come from one pass over the row: a sum of e^(x - maximum) is carried along, and is scaled down wherever a new maximum
turns up (Milakov & Gimelshein, "Online normalizer calculation for softmax", 2018). The pass that writes finds the row in the cache.

Kernels are compiled for a warp (`wide` is None) and a block (True) to a row, for single numbers and for `four` at once.
"""
import math

import numpy as np
from numba import cuda, uint32

from .intrinsics import load4, store4
from .launch import blocks, kernel
from .segments import in_fours
from .warp import ALL, WARP, WARPS, block_sum, warp_sum

_LONGEST = 1024   # numbers of a row that a warp works on
_BLOCK = 256


def softmax(x, y):
    """As kernels.reference.softmax.softmax."""
    _launch(_softmax, x, None, x, y)


def log_softmax(x, y):
    """As kernels.reference.softmax.log_softmax."""
    _launch(_softmax, x, True, x, y)


def softmax_grad_input(grad_y, y, grad_x):
    """As kernels.reference.softmax.softmax_grad_input."""
    _launch(_softmax_grad_input, y, None, grad_y, y, grad_x)


def log_softmax_grad_input(grad_y, y, grad_x):
    """As kernels.reference.softmax.log_softmax_grad_input."""
    _launch(_softmax_grad_input, y, True, grad_y, y, grad_x)


def _launch(kernel, x, logarithm, *arrays):
    """A thread has four numbers of a row at a time, if it can."""
    rows, classes = x.shape
    four = in_fours(classes, *arrays)
    grid, block, wide = _rows(rows, classes)
    kernel[grid, block](*(array.reshape(-1) for array in arrays), rows, classes // 4 if four else classes, logarithm, wide, four)


def _rows(rows, classes):
    """grid, block and `wide` of a kernel that works on rows."""
    if classes > _LONGEST:
        return rows, _BLOCK, True
    return blocks(rows, _BLOCK // WARP), (WARP, _BLOCK // WARP), None


def cross_entropy(logits, labels, losses, probabilities, label_smoothing, ignore_index):
    """As kernels.reference.softmax.cross_entropy."""
    rows, classes = logits.shape
    grid, block, wide = _rows(rows, classes)
    smoothing = logits.dtype.type(label_smoothing) if label_smoothing else None
    _cross_entropy[grid, block](logits.reshape(-1), labels, losses, probabilities.reshape(-1), rows, classes, smoothing,
                                np.int64(ignore_index), wide)


def cross_entropy_grad_input(grad_losses, probabilities, labels, grad_logits, label_smoothing, ignore_index):
    """As kernels.reference.softmax.cross_entropy_grad_input."""
    classes, number = probabilities.shape[1], probabilities.dtype.type
    _cross_entropy_grad_input[blocks(probabilities.size, _BLOCK), _BLOCK](
        grad_losses, probabilities.reshape(-1), labels, grad_logits.reshape(-1), classes, number(label_smoothing / max(1, classes)),
        number(1 - label_smoothing), np.int64(ignore_index))


@kernel
def _softmax(x, y, rows, length, logarithm, wide, four):
    shared = cuda.shared.array((2, WARPS), x.dtype)
    row, length = uint32(cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y), uint32(length)
    start, thread, threads = uint32(row * length), uint32(cuda.threadIdx.x), uint32(cuda.blockDim.x)
    if row < rows:
        greatest, total = _normalizer(x, start, length, thread, threads, shared, wide, four)
        scale, shift = x.dtype.type(1) / total, math.log(total)
        for k in range(thread, length, threads):
            if four is not None:
                place = uint32(4 * (start + k))
                a, b, c, d = load4(x, place)
                store4(y, place, _result(a, greatest, scale, shift, logarithm), _result(b, greatest, scale, shift, logarithm),
                       _result(c, greatest, scale, shift, logarithm), _result(d, greatest, scale, shift, logarithm))
            else:
                place = uint32(start + k)
                y[place] = _result(x[place], greatest, scale, shift, logarithm)


@cuda.jit(device=True, forceinline=True)
def _result(value, greatest, scale, shift, logarithm):
    """Softmax of a number, or its `logarithm`."""
    if logarithm is None:
        return math.exp(value - greatest) * scale
    return value - greatest - shift


@cuda.jit(device=True, forceinline=True)
def _normalizer(x, start, length, thread, threads, shared, wide, four):
    """The maximum of a row, and the sum of e^(x - maximum); that is NaN if the maximum is infinite."""
    greatest, total, one = x.dtype.type(-math.inf), x.dtype.type(0), x.dtype.type(1)
    for k in range(thread, length, threads):
        if four is not None:
            a, b, c, d = load4(x, uint32(4 * (start + k)))
            greatest, total = _merge(greatest, total, a, one, one)
            greatest, total = _merge(greatest, total, b, one, one)
            greatest, total = _merge(greatest, total, c, one, one)
            greatest, total = _merge(greatest, total, d, one, one)
        else:
            greatest, total = _merge(greatest, total, x[uint32(start + k)], one, one)
    for step in range(5):
        distance = 16 >> step
        other_greatest, other_total = cuda.shfl_xor_sync(ALL, greatest, distance), cuda.shfl_xor_sync(ALL, total, distance)
        greatest, total = _merge(greatest, total, other_greatest, other_total, one)
    if wide is not None:
        if thread % uint32(WARP) == 0:
            shared[0, thread // uint32(WARP)], shared[1, thread // uint32(WARP)] = greatest, total
        cuda.syncthreads()
        greatest, total = shared[0, 0], shared[1, 0]
        for warp in range(uint32(1), uint32(threads // uint32(WARP))):
            greatest, total = _merge(greatest, total, shared[0, warp], shared[1, warp], one)
    return greatest, total + (greatest - greatest)


@cuda.jit(device=True, forceinline=True)
def _merge(greatest, total, other_greatest, other_total, one):
    """Maximum and sum of e^(x - maximum) of two sets of numbers, from those of each: the sum whose maximum is less is scaled down.

    A maximum of minus infinity, as of no numbers at all, goes with any sum: it is multiplied by 0 when a number comes.
    """
    factor = one if other_greatest == greatest else math.exp(-abs(other_greatest - greatest))
    if other_greatest > greatest:
        return other_greatest, total * factor + other_total
    return greatest, other_total * factor + total


@kernel
def _softmax_grad_input(grad_y, y, grad_x, rows, length, logarithm, wide, four):
    shared = cuda.shared.array(WARPS, y.dtype)
    row, length = uint32(cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y), uint32(length)
    start, thread, threads = uint32(row * length), uint32(cuda.threadIdx.x), uint32(cuda.blockDim.x)
    if row < rows:
        total = y.dtype.type(0)
        for k in range(thread, length, threads):
            if four is not None:
                place = uint32(4 * (start + k))
                e, f, g, h = load4(grad_y, place)
                if logarithm is None:
                    a, b, c, d = load4(y, place)
                    total += (e * a + f * b) + (g * c + h * d)
                else:
                    total += (e + f) + (g + h)
            else:
                place = uint32(start + k)
                total += grad_y[place] * y[place] if logarithm is None else grad_y[place]
        total = warp_sum(total) if wide is None else block_sum(total, shared)
        for k in range(thread, length, threads):
            if four is not None:
                place = uint32(4 * (start + k))
                a, b, c, d = load4(y, place)
                e, f, g, h = load4(grad_y, place)
                store4(grad_x, place, _gradient(e, a, total, logarithm), _gradient(f, b, total, logarithm),
                       _gradient(g, c, total, logarithm), _gradient(h, d, total, logarithm))
            else:
                place = uint32(start + k)
                grad_x[place] = _gradient(grad_y[place], y[place], total, logarithm)


@cuda.jit(device=True, forceinline=True)
def _gradient(grad_y, y, total, logarithm):
    """Of softmax, whose result y is, or of its `logarithm`."""
    if logarithm is None:
        return y * (grad_y - total)
    return grad_y - math.exp(y) * total


@kernel
def _cross_entropy(logits, labels, losses, probabilities, rows, classes, smoothing, ignore_index, wide):
    """The loss is known as soon as the normaliser is; only with label smoothing it has a sum over the row, of its logarithms."""
    shared = cuda.shared.array((2, WARPS), logits.dtype)
    sums = cuda.shared.array(WARPS, logits.dtype)
    row, classes = uint32(cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y), uint32(classes)
    start, thread, threads = uint32(row * classes), uint32(cuda.threadIdx.x), uint32(cuda.blockDim.x)
    number = logits.dtype.type
    if row < rows:
        greatest, total = _normalizer(logits, start, classes, thread, threads, shared, wide, None)
        scale, shift, logarithms = number(1) / total, math.log(total), number(0)
        for k in range(thread, classes, threads):
            shifted = logits[uint32(start + k)] - greatest
            probabilities[uint32(start + k)] = math.exp(shifted) * scale
            if smoothing is not None:
                logarithms += shifted - shift
        if smoothing is not None:
            logarithms = warp_sum(logarithms) if wide is None else block_sum(logarithms, sums)
        if thread == 0:
            label, loss = labels[row], number(0)
            if label != ignore_index:
                loss = shift - (logits[uint32(start + uint32(label))] - greatest)
                if smoothing is not None:
                    loss = (number(1) - smoothing) * loss - smoothing * (logarithms / number(classes))
            losses[row] = loss


@kernel
def _cross_entropy_grad_input(grad_losses, probabilities, labels, grad_logits, classes, others, own, ignore_index):
    """One thread for each number: `others` is the target of every class, and the row's class has `own` more."""
    i = uint32(cuda.grid(1))
    if i < probabilities.size:
        row = uint32(i // uint32(classes))
        label, grad = labels[row], probabilities.dtype.type(0)
        if label != ignore_index:
            grad = probabilities[i] - others
            if uint32(label) == uint32(i % uint32(classes)):
                grad -= own
            grad *= grad_losses[row]
        grad_logits[i] = grad
