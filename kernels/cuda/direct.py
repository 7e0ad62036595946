"""Convolution as its definition says: one thread for each number of the result, which adds up all its products by itself.

The first step of the ladder, for any type and geometry. Every thread fetches two numbers for each product, most of which its
neighbours fetch as well; what the faster ways save is that. They are taken where they fit: see algorithms.
"""
from numba import cuda, int32, uint32

from .launch import blocks, kernel

BLOCK = 256


def conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual=None, rectify=False):
    """As kernels.reference.convolution.conv2d."""
    _conv2d[blocks(y.size, BLOCK), BLOCK](x, weight, bias, residual, rectify, y, groups, *stride, *padding, *dilation)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_input."""
    _grad_input[blocks(grad_x.size, BLOCK), BLOCK](grad_y, weight, grad_x, groups, *stride, *padding, *dilation)


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight."""
    _grad_weight[blocks(grad_weight.size, BLOCK), BLOCK](grad_y, x, grad_weight, groups, *stride, *padding, *dilation)


@cuda.jit(device=True)
def position(i, shape):
    """The four indices of number i of an array, counted row by row."""
    i = uint32(i)
    line = uint32(i // uint32(shape[3]))
    plane = uint32(line // uint32(shape[2]))
    image = uint32(plane // uint32(shape[1]))
    return (int32(image), int32(plane - image * uint32(shape[1])), int32(line - plane * uint32(shape[2])),
            int32(i - line * uint32(shape[3])))


@cuda.jit(device=True)
def padded(x, n, c, row, column):
    """x[n, c, row, column], and 0 beside the image."""
    if uint32(row) < uint32(x.shape[2]) and uint32(column) < uint32(x.shape[3]):
        return x[uint32(n), uint32(c), uint32(row), uint32(column)]
    return x.dtype.type(0)


@kernel
def _conv2d(x, weight, bias, residual, rectify, y, groups, down, right, top, left, row_step, column_step):
    place = uint32(cuda.grid(1))
    if place < uint32(y.size):
        n, m, i, j = position(place, y.shape)
        filters, channels = uint32(weight.shape[0]) // uint32(groups), int32(weight.shape[1])
        first = int32(uint32(m) // filters) * channels
        total = y.dtype.type(0)
        for c in range(channels):
            for r in range(int32(weight.shape[2])):
                for k in range(int32(weight.shape[3])):
                    pixel = padded(x, n, first + c, i * down - top + r * row_step, j * right - left + k * column_step)
                    total += weight[uint32(m), uint32(c), uint32(r), uint32(k)] * pixel
        if bias is not None:
            total += bias[uint32(m)]
        index = uint32(n), uint32(m), uint32(i), uint32(j)
        if residual is not None:
            total += residual[index]
        if rectify and total <= y.dtype.type(0):
            total = y.dtype.type(0)
        y[index] = total


@kernel
def _grad_input(grad_y, weight, grad_x, groups, down, right, top, left, row_step, column_step):
    """Output row i looked at row `row` by tap r where i * down - top + r * row_step = row; columns likewise."""
    place = uint32(cuda.grid(1))
    if place < uint32(grad_x.size):
        n, channel, row, column = position(place, grad_x.shape)
        filters, channels = int32(uint32(weight.shape[0]) // uint32(groups)), uint32(weight.shape[1])
        group = uint32(channel) // channels
        c = uint32(channel) - group * channels
        total = grad_x.dtype.type(0)
        for r in range(int32(weight.shape[2])):
            i = _divide(row + top - r * row_step, down)
            for k in range(int32(weight.shape[3])):
                j = _divide(column + left - k * column_step, right)
                if uint32(i) < uint32(grad_y.shape[2]) and uint32(j) < uint32(grad_y.shape[3]):
                    for m in range(int32(group) * filters, int32(group + uint32(1)) * filters):
                        total += weight[uint32(m), uint32(c), uint32(r), uint32(k)] * grad_y[uint32(n), uint32(m), uint32(i), uint32(j)]
        index = uint32(n), uint32(channel), uint32(row), uint32(column)
        grad_x[index] = total


@cuda.jit(device=True)
def _divide(distance, stride):
    """distance / stride, or -1 if that is no whole number. Below 0 it wraps around, to beyond any image."""
    quotient = uint32(distance) // uint32(stride)
    return int32(quotient) if uint32(quotient * uint32(stride)) == uint32(distance) else int32(-1)


@kernel
def _grad_weight(grad_y, x, grad_weight, groups, down, right, top, left, row_step, column_step):
    place = uint32(cuda.grid(1))
    if place < uint32(grad_weight.size):
        m, c, r, k = position(place, grad_weight.shape)
        filters = uint32(grad_weight.shape[0]) // uint32(groups)
        channel = int32(uint32(m) // filters) * int32(grad_weight.shape[1]) + c
        total = grad_weight.dtype.type(0)
        for n in range(int32(grad_y.shape[0])):
            for i in range(int32(grad_y.shape[2])):
                for j in range(int32(grad_y.shape[3])):
                    pixel = padded(x, n, channel, i * down - top + r * row_step, j * right - left + k * column_step)
                    total += grad_y[uint32(n), uint32(m), uint32(i), uint32(j)] * pixel
        index = uint32(m), uint32(c), uint32(r), uint32(k)
        grad_weight[index] = total
