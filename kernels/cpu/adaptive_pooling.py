"""Adaptive pooling in Numba: windows of several sizes, described by tables. See spans."""
import functools

import numpy as np

from .spans import adaptive_spans_of, max_over_spans, mean_over_spans, planes, scatter_to_maxima, share_over_spans


def adaptive_max_pool2d(x, y, places):
    """As kernels.reference.adaptive_pooling.adaptive_max_pool2d."""
    max_over_spans(planes(x), planes(y), planes(places), *_spans(x, y), x.shape[3])


def adaptive_max_pool2d_grad_input(grad_y, places, grad_x):
    """As kernels.reference.adaptive_pooling.adaptive_max_pool2d_grad_input."""
    scatter_to_maxima(planes(grad_y), planes(places), planes(grad_x), *_spans(grad_x, grad_y), _numbers(grad_x.shape[2:]))


def adaptive_avg_pool2d(x, y):
    """As kernels.reference.adaptive_pooling.adaptive_avg_pool2d."""
    spans = _spans(x, y)
    mean_over_spans(planes(x), planes(y), *spans, *_sizes(spans, x.dtype))


def adaptive_avg_pool2d_grad_input(grad_y, grad_x):
    """As kernels.reference.adaptive_pooling.adaptive_avg_pool2d_grad_input."""
    spans = _spans(grad_x, grad_y)
    share_over_spans(planes(grad_y), planes(grad_x), *spans, *_sizes(spans, grad_x.dtype))


def _spans(x, y):
    return [adaptive_spans_of(*axis) for axis in zip(x.shape[2:], y.shape[2:])]


def _sizes(spans, dtype):
    return [(table[:, 1] - table[:, 0]).astype(dtype) for table in spans]


@functools.lru_cache(maxsize=16)
def _numbers(shape):
    """Places in a plane as they are."""
    return np.arange(shape[0] * shape[1])
