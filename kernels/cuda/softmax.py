"""Softmax and cross entropy on a device: a thread, a warp or a block works on each row.

    short_rows   a thread to a row, in shared memory
    held_rows    a warp to a row, which it holds in registers
    here         a block to a row of any length

For the latter, maximum and sum come from one pass over the row: a sum of e^(x - maximum) is carried along, and is scaled down wherever a
new maximum turns up (Milakov & Gimelshein, "Online normalizer calculation for softmax", 2018). The pass that writes finds the row in the
cache.

Kernels are compiled for single numbers, and for `four` at once.
"""
import math

import numpy as np
from numba import cuda, uint32

from . import held_rows, short_rows
from .intrinsics import load4, store4
from .launch import blocks, kernel
from .segments import in_fours
from .warp import ALL, WARP, WARPS, block_sum

_BLOCK = 256
_FOUR = 4


def softmax(x, y):
    """As kernels.reference.softmax.softmax."""
    _forward(x, y, None)


def log_softmax(x, y):
    """As kernels.reference.softmax.log_softmax."""
    _forward(x, y, True)


def softmax_grad_input(grad_y, y, grad_x):
    """As kernels.reference.softmax.softmax_grad_input."""
    _backward(grad_y, y, grad_x, None)


def log_softmax_grad_input(grad_y, y, grad_x):
    """As kernels.reference.softmax.log_softmax_grad_input."""
    _backward(grad_y, y, grad_x, True)


def _form(x):
    """The module for rows of that length; None if there is no special one."""
    return next((module for module in (short_rows, held_rows) if module.fit(x.shape[1], x.dtype.itemsize)), None)


def _forward(x, y, logarithm):
    form = _form(x)
    if form is not None:
        form.softmax(x, y, logarithm)
    else:
        _launch(_softmax, logarithm, x, y)


def _backward(grad_y, y, grad_x, logarithm):
    form = _form(y)
    if form is not None:
        form.gradient(grad_y, y, grad_x, logarithm)
    else:
        _launch(_softmax_grad_input, logarithm, grad_y, y, grad_x)


def _launch(kernel, logarithm, *arrays):
    """A thread has four numbers of a row at a time, if it can."""
    rows, classes = arrays[0].shape
    four = in_fours(classes, *arrays)
    kernel[rows, _BLOCK](*(array.reshape(-1) for array in arrays), classes // 4 if four else classes, logarithm, four)


def cross_entropy(logits, labels, losses, probabilities, label_smoothing, ignore_index):
    """As kernels.reference.softmax.cross_entropy."""
    rows, classes = logits.shape
    form, ignore_index = _form(logits), np.int64(ignore_index)
    smoothing = logits.dtype.type(label_smoothing) if label_smoothing else None
    if form is not None:
        form.softmax(logits, probabilities, None, labels, losses, smoothing, ignore_index)
    else:
        _cross_entropy[rows, _BLOCK](logits.reshape(-1), labels, losses, probabilities.reshape(-1), classes, smoothing, ignore_index)


def cross_entropy_grad_input(grad_losses, probabilities, labels, grad_logits, label_smoothing, ignore_index):
    """As kernels.reference.softmax.cross_entropy_grad_input. A thread has four numbers that lie side by side, of one row or of several."""
    classes, number = probabilities.shape[1], probabilities.dtype.type
    four = in_fours(0, probabilities, grad_logits)
    _cross_entropy_grad_input[blocks(probabilities.size, _BLOCK * (_FOUR if four else 1)), _BLOCK](
        grad_losses, probabilities.reshape(-1), labels, grad_logits.reshape(-1), classes, number(label_smoothing / max(1, classes)),
        number(1 - label_smoothing), np.int64(ignore_index), four)


@kernel
def _softmax(x, y, length, logarithm, four):
    shared = cuda.shared.array((2, WARPS), x.dtype)
    start, length = uint32(cuda.blockIdx.x * uint32(length)), uint32(length)
    thread, threads = uint32(cuda.threadIdx.x), uint32(cuda.blockDim.x)
    greatest, total = _normalizer(x, start, length, thread, threads, shared, four)
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
def _normalizer(x, start, length, thread, threads, shared, four):
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
def _softmax_grad_input(grad_y, y, grad_x, length, logarithm, four):
    shared, total = cuda.shared.array(WARPS, y.dtype), y.dtype.type(0)
    start, length = uint32(cuda.blockIdx.x * uint32(length)), uint32(length)
    thread, threads = uint32(cuda.threadIdx.x), uint32(cuda.blockDim.x)
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
    total = block_sum(total, shared)
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
def _cross_entropy(logits, labels, losses, probabilities, classes, smoothing, ignore_index):
    """The loss is known as soon as the normaliser is; only with label smoothing it has a sum over the row, of its logarithms."""
    shared, sums = cuda.shared.array((2, WARPS), logits.dtype), cuda.shared.array(WARPS, logits.dtype)
    row, classes, number = uint32(cuda.blockIdx.x), uint32(classes), logits.dtype.type
    start, thread, threads = uint32(row * classes), uint32(cuda.threadIdx.x), uint32(cuda.blockDim.x)
    greatest, total = _normalizer(logits, start, classes, thread, threads, shared, None)
    scale, shift, logarithms = number(1) / total, math.log(total), number(0)
    for k in range(thread, classes, threads):
        shifted = logits[uint32(start + k)] - greatest
        probabilities[uint32(start + k)] = math.exp(shifted) * scale
        if smoothing is not None:
            logarithms += shifted - shift
    if smoothing is not None:
        logarithms = block_sum(logarithms, sums)
    if thread == 0:
        label, loss = labels[row], number(0)
        if label != ignore_index:
            loss = shift - (logits[uint32(start + uint32(label))] - greatest)
            if smoothing is not None:
                loss = (number(1) - smoothing) * loss - smoothing * (logarithms / number(classes))
        losses[row] = loss


@kernel
def _cross_entropy_grad_input(grad_losses, probabilities, labels, grad_logits, classes, others, own, ignore_index, four):
    """One number, or `four` but for the last ones: `others` is the target of every class, and the row's class has `own` more."""
    i, classes, size = uint32(cuda.grid(1)), uint32(classes), uint32(probabilities.size)
    if four is not None:
        i *= uint32(_FOUR)
    if i < size:
        row, column = uint32(i // classes), uint32(i % classes)
        if four is not None and size - i >= uint32(_FOUR):
            a, b, c, d = load4(probabilities, i)
            a = _change(a, row, column, labels, grad_losses, others, own, ignore_index)
            row, column = _next(row, column, classes)
            b = _change(b, row, column, labels, grad_losses, others, own, ignore_index)
            row, column = _next(row, column, classes)
            c = _change(c, row, column, labels, grad_losses, others, own, ignore_index)
            row, column = _next(row, column, classes)
            d = _change(d, row, column, labels, grad_losses, others, own, ignore_index)
            store4(grad_logits, i, a, b, c, d)
        else:
            for place in range(i, min(size, i + uint32(1 if four is None else _FOUR))):
                grad_logits[place] = _change(probabilities[place], row, column, labels, grad_losses, others, own, ignore_index)
                row, column = _next(row, column, classes)


@cuda.jit(device=True, forceinline=True)
def _next(row, column, classes):
    """The next number's, which may be in the next row."""
    column = uint32(column + uint32(1))
    return (uint32(row + uint32(1)), uint32(0)) if column == classes else (row, column)


@cuda.jit(device=True, forceinline=True)
def _change(probability, row, column, labels, grad_losses, others, own, ignore_index):
    """What the loss of a row changes by with one of its numbers. Both loads begin before anything is decided."""
    label, slope = labels[row], grad_losses[row]
    grad = (probability - others - (own if uint32(label) == column else (others - others))) * slope
    return grad if label != ignore_index else (others - others)
