"""Convolution: each is handed to the algorithm that algorithms.py chooses for it."""
from . import depthwise, direct, winograd
from .algorithms import DEPTHWISE, MATRIX_PRODUCT, TILE, algorithm_of
from .epilogue import finish_all
from .matmul import matmul


def conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual=None, rectify=False, kept=None):
    """As kernels.reference.convolution.conv2d, for C-contiguous arrays."""
    if y.size == 0:
        return
    chosen = algorithm_of(x.shape, weight.shape, y.shape, stride, padding, dilation, groups, x.dtype, kept is not None)
    if chosen in TILE:
        winograd.conv2d(TILE[chosen], x, weight, bias, y, padding, residual, rectify, kept)
    elif chosen == MATRIX_PRODUCT and _one_position(y):
        y[...] = 0 if bias is None else bias[:, None, None]
        matmul(_rows(x), _rows(weight), _rows(y), transpose_b=True, accumulate=True)
        finish_all(y, residual, rectify)
    elif chosen == DEPTHWISE:
        depthwise.conv2d(x, weight, bias, y, stride, padding, dilation, groups)
        finish_all(y, residual, rectify)
    else:
        direct.conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual, rectify, kept)


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight, for C-contiguous arrays."""
    if grad_y.size == 0 or grad_weight.size == 0:
        grad_weight[...] = 0
        return
    chosen = algorithm_of(x.shape, grad_weight.shape, grad_y.shape, stride, padding, dilation, groups, x.dtype)
    if chosen in TILE:
        winograd.conv2d_grad_weight(TILE[chosen], grad_y, x, grad_weight, padding)
    elif chosen == MATRIX_PRODUCT and _one_position(grad_y):
        matmul(_rows(grad_y), _rows(x), _rows(grad_weight), transpose_a=True)
    elif chosen == DEPTHWISE:
        depthwise.conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups)
    else:
        direct.conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups, kept=None):
    """As kernels.reference.convolution.conv2d_grad_input, for C-contiguous arrays."""
    if grad_x.size == 0 or grad_y.size == 0:
        grad_x[...] = 0
        return
    chosen = algorithm_of(grad_x.shape, weight.shape, grad_y.shape, stride, padding, dilation, groups, grad_y.dtype, kept is not None)
    if chosen in TILE:
        winograd.conv2d_grad_input(TILE[chosen], grad_y, weight, grad_x, padding, kept)
    elif chosen == MATRIX_PRODUCT and _one_position(grad_y):
        matmul(_rows(grad_y), _rows(weight), _rows(grad_x))
    elif chosen == DEPTHWISE:
        depthwise.conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups)
    else:
        direct.conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups, kept)


def _one_position(y):
    """Is a window the whole image? Then an image is a row of a matrix product."""
    return y.shape[2:] == (1, 1)


def _rows(array):
    return array.reshape(array.shape[0], -1)
