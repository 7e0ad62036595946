"""The matrix product and the fully connected layer, made differentiable."""
import math

from minicnn import arithmetic
from minicnn.autograd import Function
from minicnn.device import empty, kernels_for


class MatMul(Function):
    """c = a b for matrices, so grad_a = grad_c b^T and grad_b = a^T grad_c."""

    def forward(self, a, b):
        self.a, self.b = (a if self.needs_gradient[1] else None), (b if self.needs_gradient[0] else None)
        self.multiply_adds = math.prod(a.shape) * b.shape[1]
        c = empty(a, (a.shape[0], b.shape[1]))
        kernels_for(a, b).matmul(a, b, c)
        return c

    def backward(self, gradient):
        kernels = kernels_for(gradient)
        grad_a = grad_b = None
        if self.needs_gradient[0]:
            grad_a = empty(gradient, (gradient.shape[0], self.b.shape[0]))
            kernels.matmul(gradient, self.b, grad_a, transpose_b=True)
        if self.needs_gradient[1]:
            grad_b = empty(gradient, (self.a.shape[1], gradient.shape[1]))
            kernels.matmul(self.a, gradient, grad_b, transpose_a=True)
        return grad_a, grad_b


class Linear(Function):
    """y = x weight^T + bias for rows x."""

    def forward(self, x, weight, bias=None):
        self.x, self.weight = (x if self.needs_gradient[1] else None), (weight if self.needs_gradient[0] else None)
        self.multiply_adds = math.prod(x.shape) * weight.shape[0]
        y = empty(x, (x.shape[0], weight.shape[0]))
        if bias is not None:
            y[...] = bias
        kernels_for(x).matmul(x, weight, y, transpose_b=True, accumulate=bias is not None)
        return y

    def backward(self, gradient):
        kernels = kernels_for(gradient)
        needs_x, needs_weight, *needs_bias = self.needs_gradient
        grad_x = grad_weight = None
        if needs_x:
            grad_x = empty(gradient, (gradient.shape[0], self.weight.shape[1]))
            kernels.matmul(gradient, self.weight, grad_x)
        if needs_weight:
            grad_weight = empty(gradient, (gradient.shape[1], self.x.shape[1]))
            kernels.matmul(gradient, self.x, grad_weight, transpose_a=True)
        grad_bias = [arithmetic.sum(gradient, (0,)).reshape(-1) if needed else None for needed in needs_bias]
        return grad_x, grad_weight, *grad_bias


def matmul(a, b):
    """a @ b: products of matrices (M, K) (K, N), of a matrix and a vector, of two vectors, and of a stack of matrices
    (..., M, K) and one matrix (K, N). As torch.matmul, except that b may not be a stack."""
    if not a.ndim or b.ndim not in (1, 2) or a.shape[-1] != b.shape[0]:
        raise ValueError(f"matmul: shapes {a.shape} and {b.shape} do not fit: "
                         "a must be (..., K) and b (K, N) or (K,), with the same K")
    rows = a if a.ndim == 2 else a.reshape(math.prod(a.shape[:-1]), a.shape[-1])
    columns = b if b.ndim == 2 else b.unsqueeze(1)
    c = MatMul()(rows, columns)
    shape = a.shape[:-1] + b.shape[1:]
    return c if c.shape == shape else c.reshape(shape)


def linear(x, weight, bias=None):
    """x weight^T + bias: x (..., K), weight (N, K), bias (N,) or None, result (..., N). As torch.nn.functional.linear."""
    if weight.ndim != 2 or not x.ndim or x.shape[-1] != weight.shape[1]:
        raise ValueError(f"linear: weight {weight.shape} must have the shape (N, K) and x {x.shape} the shape (..., K), "
                         "with the same K")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"linear: bias {bias.shape} must have one value for each of the {len(weight)} rows "
                         f"of weight {weight.shape}")
    rows = x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    y = Linear()(rows, weight) if bias is None else Linear()(rows, weight, bias)
    return y if x.ndim == 2 else y.reshape(*x.shape[:-1], len(weight))
