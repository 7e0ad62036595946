"""Convolution: each is handed to the algorithm that algorithms.py chooses for it, or to tensor cores where they are allowed."""
from . import depthwise, direct, implicit, tensor_core_convolution, tensor_core_weight_gradient, weight_gradient
from .algorithms import DEPTHWISE, DIRECT, IMPLICIT, algorithm_of
from .tensor_core_convolution import serves_convolution

_FORMS = {IMPLICIT: implicit, DEPTHWISE: depthwise, DIRECT: direct}


def conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual=None, rectify=False, kept=None):
    """As kernels.reference.convolution.conv2d."""
    chosen = algorithm_of(weight.shape, stride, dilation, groups, x.dtype)
    if chosen == IMPLICIT:
        form = tensor_core_convolution if serves_convolution(x, weight, groups) else implicit
        form.conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual, rectify, kept)
    else:
        _FORMS[chosen].conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual, rectify)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_input."""
    chosen = algorithm_of(weight.shape, stride, dilation, groups, grad_y.dtype)
    form = tensor_core_convolution if chosen == IMPLICIT and serves_convolution(grad_y, weight, groups) else _FORMS[chosen]
    form.conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups)


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight."""
    form = tensor_core_weight_gradient if serves_convolution(x, grad_weight, groups) else weight_gradient
    form.conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups)
