"""Convolution: each is handed to the algorithm that algorithms.py chooses for it, or to tensor cores where they are allowed."""
from . import (
    depthwise, direct, implicit, tensor_core_convolution, tensor_core_weight_gradient, warpgroup_convolution, warpgroup_weight_gradient,
    weight_gradient, winograd,
)
from .algorithms import DEPTHWISE, DIRECT, IMPLICIT, WINOGRAD, algorithm_of
from .precision import has_warpgroups
from .tensor_core_convolution import serves_convolution

_FORMS = {WINOGRAD: winograd, IMPLICIT: implicit, DEPTHWISE: depthwise, DIRECT: direct}
_PRODUCTS = WINOGRAD, IMPLICIT   # those that tensor cores can take over


def conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual=None, rectify=False, kept=None):
    """As kernels.reference.convolution.conv2d."""
    chosen = algorithm_of(x.shape, weight.shape, y.shape, stride, padding, dilation, groups, x.dtype)
    if chosen in _PRODUCTS:
        form = _on_tensor_cores(x) if serves_convolution(x, weight, groups) else _FORMS[chosen]
        form.conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual, rectify, kept)
    else:
        _FORMS[chosen].conv2d(x, weight, bias, y, stride, padding, dilation, groups, residual, rectify)


def conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups, kept=None):
    """As kernels.reference.convolution.conv2d_grad_input; nothing is kept."""
    chosen = algorithm_of(grad_x.shape, weight.shape, grad_y.shape, stride, padding, dilation, groups, grad_y.dtype)
    served = chosen in _PRODUCTS and serves_convolution(grad_y, weight, groups)
    form = _on_tensor_cores(grad_y) if served else _FORMS[chosen]
    form.conv2d_grad_input(grad_y, weight, grad_x, stride, padding, dilation, groups)


def conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups):
    """As kernels.reference.convolution.conv2d_grad_weight."""
    chosen = algorithm_of(x.shape, grad_weight.shape, grad_y.shape, stride, padding, dilation, groups, x.dtype)
    if chosen in _PRODUCTS and serves_convolution(x, grad_weight, groups):
        form = warpgroup_weight_gradient if has_warpgroups(x) else tensor_core_weight_gradient
    else:
        form = winograd if chosen == WINOGRAD else weight_gradient
    form.conv2d_grad_weight(grad_y, x, grad_weight, stride, padding, dilation, groups)


def _on_tensor_cores(x):
    return warpgroup_convolution if has_warpgroups(x) else tensor_core_convolution
