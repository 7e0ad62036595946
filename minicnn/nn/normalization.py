"""Layers that normalise. Names, defaults, parameters and buffers are PyTorch's."""
import numpy as np

from minicnn import functional as F
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.tensor import Tensor


class _BatchNorm(Module):
    """In training by the batch's own statistics, in evaluation by the running ones: see functional.batch_norm.

    momentum             how far the running statistics move towards a batch's; None: they are the mean over all batches so far
    affine               learn a weight (from 1) and a bias (from 0) for each channel
    track_running_stats  without, evaluation too goes by the batch's own statistics
    """

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = Parameter(Tensor(np.ones(num_features, np.float32))) if affine else None
        self.bias = Parameter(Tensor(np.zeros(num_features, np.float32))) if affine else None
        self.register_buffer("running_mean", Tensor(np.zeros(num_features, np.float32)) if track_running_stats else None)
        self.register_buffer("running_var", Tensor(np.ones(num_features, np.float32)) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", Tensor(np.zeros((), np.int64)) if track_running_stats else None)

    def forward(self, x):
        if x.ndim not in self._shapes:
            expected = " or ".join(self._shapes.values())
            raise ValueError(f"{type(self).__name__}: x must have the shape {expected}, not {x.shape}")
        momentum, batches = self.momentum, self.num_batches_tracked
        if momentum is None and self.training and self.track_running_stats:   # which batch this is has to be known now
            batches.copy_(batches.settle() + 1)
            momentum, batches = 1 / batches.item(), None
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias,
                            self.training or not self.track_running_stats, momentum, self.eps, num_batches_tracked=batches)

    def extra_repr(self):
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
                f"track_running_stats={self.track_running_stats}")


class BatchNorm1d(_BatchNorm):
    __doc__ = _BatchNorm.__doc__
    _shapes = {2: "(N, C)", 3: "(N, C, L)"}


class BatchNorm2d(_BatchNorm):
    __doc__ = _BatchNorm.__doc__
    _shapes = {4: "(N, C, H, W)"}


class LocalResponseNorm(Module):
    """See functional.local_response_norm."""

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1.0):
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x):
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self):
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
