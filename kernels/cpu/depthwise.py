"""Depthwise convolution: each filter sees one channel (Howard et al., "MobileNets", 2017).

There is no matrix product in it. The windows that networks use slide over a plane by registers, see sliding, and a piece of parallel
work is one plane; of the weight's gradient it is one filter, over all images.
"""
import numba

from .compiler import kernel
from .memory import zeros
from .sliding import SIZES, STRIDES, slide, slide_grad_input, slide_grad_weight


def serves(weight, stride, dilation, groups):
    """Is this a convolution for the functions below, `weight` being the shape of the filters? Others, dilated ones say, are left to the
    direct way."""
    _, channels, rows, columns = weight
    return groups > 1 == channels and rows == columns in SIZES and stride[0] == stride[1] in STRIDES and dilation == (1, 1)


def conv2d(x, weight, bias, y, stride, padding, dilation, groups):
    """kernels.cpu.convolution.conv2d, where `serves` says so."""
    start = zeros(len(weight), x.dtype) if bias is None else bias
    _slide(_columns(weight), stride[0], x.reshape(-1), weight.reshape(-1), start, y.reshape(-1), y.shape[0] * y.shape[1], len(weight),
           len(weight) // groups, *x.shape[2:], *y.shape[2:], *padding)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups):
    """kernels.cpu.convolution.conv2d_grad_input, where `serves` says so."""
    _slide_grad_input(_columns(weight), stride[0], grad_y.reshape(-1), weight.reshape(-1), grad_x.reshape(-1),
                      grad_x.shape[0] * groups, groups, len(weight) // groups, *grad_x.shape[2:], *grad_y.shape[2:], *padding)


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """kernels.cpu.convolution.conv2d_grad_weight, where `serves` says so."""
    grad_weight[...] = 0
    _slide_grad_weight(_columns(grad_weight), stride[0], grad_y.reshape(-1), x.reshape(-1), grad_weight.reshape(-1), len(x),
                       len(grad_weight), len(grad_weight) // groups, *x.shape[2:], *grad_y.shape[2:], *padding)


def _columns(weight):
    return tuple(range(weight.shape[3]))


@kernel
def _slide(columns, stride, x, weight, start, y, planes, filters, multiplier, height, width, out_height, out_width, top, left):
    taps = len(columns) ** 2
    for plane in numba.prange(planes):
        slide(columns, stride, x, plane // multiplier * height * width, height, width, top, left, weight, plane % filters * taps,
              start, plane % filters, y, plane * out_height * out_width, out_height, out_width)


@kernel
def _slide_grad_input(columns, stride, grad_y, weight, grad_x, planes, channels, multiplier, height, width, out_height, out_width, top,
                      left):
    taps = len(columns) ** 2
    for plane in numba.prange(planes):
        for number in range(multiplier):
            slide_grad_input(columns, stride, grad_y, (plane * multiplier + number) * out_height * out_width, out_height, out_width, top,
                             left, weight, (plane % channels * multiplier + number) * taps, grad_x, plane * height * width,
                             height, width, number > 0)


@kernel
def _slide_grad_weight(columns, stride, grad_y, x, grad_weight, images, filters, multiplier, height, width, out_height, out_width, top,
                       left):
    taps = len(columns) ** 2
    for number in numba.prange(filters):
        for image in range(images):
            plane = image * filters + number
            slide_grad_weight(columns, stride, grad_y, plane * out_height * out_width, out_height, out_width, x,
                              plane // multiplier * height * width, height, width, top, left, grad_weight, number * taps)
