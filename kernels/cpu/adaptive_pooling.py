"""Adaptive pooling in Numba: windows of several sizes, described by tables. See spans."""
import functools

from .pooling import max_of_planes
from .spans import adaptive_spans_of, max_over_spans, mean_over_spans, origins_of, planes, scatter_to_maxima, share_over_spans


def adaptive_max_pool2d(x, y, places):
    """As kernels.reference.adaptive_pooling.adaptive_max_pool2d."""
    if y.shape[2:] == (1, 1):
        max_of_planes(x.reshape(-1), y.reshape(-1), places.reshape(-1), x.shape[2] * x.shape[3])
    else:
        max_over_spans(planes(x), planes(y), planes(places), *_spans(x, y), x.shape[3])


def adaptive_max_pool2d_grad_input(grad_y, places, grad_x):
    """As kernels.reference.adaptive_pooling.adaptive_max_pool2d_grad_input."""
    scatter_to_maxima(grad_y.reshape(-1), places.reshape(-1), grad_x.reshape(-1), grad_x.shape[2] * grad_x.shape[3],
                      _origins(grad_x.shape[2:], grad_y.shape[2:]), None)


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


@functools.lru_cache(maxsize=1024)
def _origins(size, windows):
    return origins_of(*map(adaptive_spans_of, size, windows), size[1])
