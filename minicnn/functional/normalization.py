"""Normalisation, made differentiable."""
from minicnn import arithmetic, fusion
from minicnn.autograd import Function
from minicnn.device import empty, kernels_for
from minicnn.functional.activation import is_deconvnet, is_derivative, rectified_gradient
from minicnn.functional.epilogue import WithEpilogue
from minicnn.tensor import Tensor


class BatchNorm(WithEpilogue):
    """Keeps the input, and its statistics; if it is rectified, its output as well, which tells what ReLU has let pass.

    running   (running_mean, running_var): in evaluation, Tensors to normalise by; in training they move by `momentum` towards what is
              found, unless they are None
    batches   a Tensor that counts the batches of training, or None
    """

    def __init__(self, running, momentum, epsilon, training, batches=None):
        self.running, self.batches, self.momentum, self.epsilon, self.training = running, batches, momentum, epsilon, training
        self.state = tuple([tensor for tensor in (*running, batches) if tensor is not None])

    def output_shape(self, x, *others):
        return x.shape

    def forward(self, x, weight, bias, residual=None):
        y, kernels = empty(x), kernels_for(x)
        if self.training:
            self.mean, self.variance = empty(weight), empty(weight)
            for tensor in self.state:
                fusion.settle_all(changing=tensor)
            running = [None if tensor is None else tensor.settle() for tensor in (*self.running, self.batches)]
            kernels.batch_norm_training(x, weight, bias, residual, self.mean, self.variance, y, self.epsilon, self.rectify,
                                        *running, self.momentum)
            for tensor in self.state:
                tensor.changed()
        else:
            self.mean, self.variance = [tensor.settle().copy() for tensor in self.running]   # training may change them before backward
            kernels.batch_norm(x, self.mean, self.variance, weight, bias, residual, y, self.epsilon, self.rectify)
        self.x, self.weight, self.y = x, weight, (y if self.rectify else None)
        return y

    def scale_and_shift(self, weight, bias):
        """In evaluation, y = scale x + shift."""
        mean, variance = [tensor.settle() for tensor in self.running]
        scale = arithmetic.divide(weight, arithmetic.sqrt(arithmetic.add(variance, self.epsilon)))
        return scale, arithmetic.subtract(bias, arithmetic.multiply(mean, scale))

    def backward(self, gradient):
        x, y, (needs_x, needs_weight, needs_bias, *needs_residual) = self.x, self.y, self.needs_gradient
        if self.rectify and not is_derivative():
            gradient, y = rectified_gradient(gradient, y), None
        grad_x = empty(x) if needs_x else None
        grad_weight, grad_bias = (empty(self.weight) if needed else None for needed in (needs_weight, needs_bias))
        masked = empty(x) if any(needs_residual) and y is not None else None
        kernels_for(gradient).batch_norm_grad(gradient, x, self.mean, self.variance, self.weight, y, grad_x, grad_weight, grad_bias,
                                              masked, self.epsilon, self.training)
        grad_residual = [(gradient if y is None else masked) if needed else None for needed in needs_residual]
        return grad_x, grad_weight, grad_bias, *grad_residual


class LocalResponseNorm(Function):
    """Keeps the input only."""

    def __init__(self, size, alpha, beta, k):
        self.settings = size, alpha, beta, k

    def forward(self, x):
        self.x, y = x, empty(x)
        kernels_for(x).local_response_norm(x, y, *self.settings)
        return y

    def backward(self, gradient):
        if is_deconvnet():
            return (gradient,)
        grad_x = empty(gradient)
        kernels_for(gradient).local_response_norm_grad_input(gradient, self.x, grad_x, *self.settings)
        return (grad_x,)


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5, *,
               num_batches_tracked=None):
    """Normalise every channel to mean 0 and variance 1, then scale and shift it: as torch.nn.functional.batch_norm.

    x                          (N, C), (N, C, L), (N, C, H, W) ...
    running_mean, running_var  (C,) or None: what to normalise by unless `training`
    weight, bias               (C,) or None: y = (x - mean) / sqrt(variance + eps) * weight + bias

    In training the batch's own statistics are used, and the running ones, if given, move towards them, in place: by
    running += momentum (batch's - running), where the variance is the unbiased one, divided by one less than the number of values.
    One is added to num_batches_tracked, a tensor of int64 without axes, if that is given.

    Ioffe & Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate shift" (ICML 2015).
    """
    _check(x, {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}, training)
    if not x.numel():
        training, running_mean, running_var = False, x.new_full(x.shape[1:2], 0), x.new_full(x.shape[1:2], 1)
    weight = x.new_full(x.shape[1:2], 1) if weight is None else weight
    bias = x.new_full(x.shape[1:2], 0) if bias is None else bias
    batches = num_batches_tracked if training else None
    return BatchNorm((running_mean, running_var), momentum, float(eps), bool(training), batches)(x, weight, bias)


def local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0):
    """Divide each value by (k + alpha mean(squares of `size` neighbouring channels at its position))^beta; what lies beyond the first
    and last channel counts as 0. As torch.nn.functional.local_response_norm, (N, C, ...) with positions.

    Krizhevsky, Sutskever & Hinton, "ImageNet classification with deep convolutional neural networks" (NIPS 2012), section 3.3, who sum
    where this takes the mean: their alpha is alpha / size.
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"local_response_norm: x must be a Tensor, not {type(x).__name__}; minicnn.tensor(...) makes one")
    if x.ndim < 3:
        raise ValueError(f"local_response_norm: x must have the shape (N, C, L) or (N, C, H, W), not {x.shape}")
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"local_response_norm: size must be an integer of at least 1, not {size!r}")
    return LocalResponseNorm(size, float(alpha), float(beta), float(k))(x)


def _check(x, per_channel, training):
    if not isinstance(x, Tensor):
        raise TypeError(f"batch_norm: x must be a Tensor, not {type(x).__name__}; minicnn.tensor(...) makes one")
    if x.ndim < 2:
        raise ValueError(f"batch_norm: x must have the shape (N, C, ...), not {x.shape}")
    for name, tensor in per_channel.items():
        if tensor is None:
            if name.startswith("running") and not training:
                raise ValueError(f"batch_norm: without training=True it normalises by running statistics, but {name} is None")
        elif tensor.shape != (x.shape[1],):
            raise ValueError(f"batch_norm: {name} {tensor.shape} must have one value for each of the {x.shape[1]} channels of x {x.shape}")
        elif tensor.dtype != x.dtype:
            raise TypeError(f"batch_norm: {name} is {tensor.dtype}, but x is {x.dtype}; convert one of them, with .float() or .double()")
    if training and x.numel() == x.shape[1]:
        raise ValueError(f"batch_norm: in training a channel needs more than one value, and x {x.shape} has one")
