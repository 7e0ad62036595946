"""Convolution: each is handed to the algorithm that algorithms.py chooses for it."""
from . import depthwise, direct, implicit, weight_gradient
from .algorithms import DEPTHWISE, DIRECT, IMPLICIT, algorithm_of

_FORMS = {IMPLICIT: implicit, DEPTHWISE: depthwise, DIRECT: direct}


def conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual=None, rectify=False, kept=None):
    """As kernels.reference.convolution.conv2d."""
    chosen = algorithm_of(weight.shape, stride, dilation, groups, x.dtype)
    if chosen == IMPLICIT:
        implicit.conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual, rectify, kept)
    else:
        _FORMS[chosen].conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual, rectify)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_input."""
    chosen = algorithm_of(weight.shape, stride, dilation, groups, grad_y.dtype)
    _FORMS[chosen].conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups)


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight."""
    weight_gradient.conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups)
