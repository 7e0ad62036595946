"""Convolution: each is handed to the algorithm that algorithms.py chooses for it."""
from . import direct, implicit, weight_gradient
from .algorithms import IMPLICIT, algorithm_of


def conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual=None, rectify=False, kept=None):
    """As kernels.reference.convolution.conv2d."""
    if algorithm_of(weight.shape, groups, x.dtype) == IMPLICIT:
        implicit.conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual, rectify, kept)
    else:
        direct.conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual, rectify)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_input."""
    if algorithm_of(weight.shape, groups, grad_y.dtype) == IMPLICIT:
        implicit.conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups)
    else:
        direct.conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups)


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight."""
    weight_gradient.conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups)
