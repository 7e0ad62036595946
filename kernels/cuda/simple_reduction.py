"""Reductions before warps work together: the first rungs of the ladder, to read, and to measure reduction.py, softmax.py and
normalization.py by.

Matrices are (rows, columns), batches (N, C, ...); every function is one launch.
"""
import math

from numba import cuda, uint32

from .launch import blocks, kernel

_BLOCK = 256


def naive_sum(x, y):
    """y[row] = the sum of x[row], by one thread: each load of a warp touches 32 rows, far apart in memory; few rows are few threads; and a
    long chain of additions loses digits."""
    _naive_sum[blocks(len(x), _BLOCK), _BLOCK](x, y)


@kernel
def _naive_sum(x, y):
    row, total = cuda.grid(1), x.dtype.type(0)
    if row < y.size:
        for column in range(x.shape[1]):
            total += x[uint32(row), uint32(column)]
        y[row] = total


def tree_sum(x, y):
    """y[row] = the sum of x[row], by a block: neighbours read neighbours, and a tree in shared memory adds up what they have, with a
    barrier at each of its levels. In reduction.py, shuffles take the place of the tree."""
    _tree_sum[len(x), _BLOCK](x, y)


@kernel
def _tree_sum(x, y):
    shared = cuda.shared.array(_BLOCK, x.dtype)
    row, thread, total = cuda.blockIdx.x, cuda.threadIdx.x, x.dtype.type(0)
    for column in range(thread, x.shape[1], _BLOCK):
        total += x[uint32(row), uint32(column)]
    shared[thread] = total
    cuda.syncthreads()
    half = _BLOCK // 2
    while half > 0:
        if thread < half:
            shared[thread] += shared[thread + half]
        cuda.syncthreads()
        half //= 2
    if thread == 0:
        y[row] = shared[0]


def naive_softmax(x, y):
    """As kernels.reference.softmax.softmax: one thread for each row, which it reads three times."""
    _naive_softmax[blocks(len(x), _BLOCK), _BLOCK](x, y)


@kernel
def _naive_softmax(x, y):
    row = uint32(cuda.grid(1))
    if row < x.shape[0]:
        greatest, total = x[row, 0], x.dtype.type(0)
        for column in range(x.shape[1]):
            greatest = max(greatest, x[row, uint32(column)])
        for column in range(x.shape[1]):
            total += math.exp(x[row, uint32(column)] - greatest)
        for column in range(x.shape[1]):
            y[row, uint32(column)] = math.exp(x[row, uint32(column)] - greatest) / total


def naive_batch_norm_training(x, weight, bias, mean, variance, y, epsilon):
    """As kernels.reference.normalization.batch_norm_training without residual and ReLU: one thread for each channel, which it reads three
    times, for the mean, for the squares, and for the results."""
    images, channels = x.shape[:2]
    arrays = (array.reshape(images, channels, -1) for array in (x, y))
    _naive_batch_norm[blocks(channels, 32), 32](*arrays, weight, bias, mean, variance, x.dtype.type(epsilon))


@kernel
def _naive_batch_norm(x, y, weight, bias, mean, variance, epsilon):
    c, number = uint32(cuda.grid(1)), x.dtype.type
    images, channels, positions = x.shape
    if c < channels:
        count, total, squares = number(images * positions), number(0), number(0)
        for image in range(images):
            for position in range(positions):
                total += x[uint32(image), c, uint32(position)]
        middle = total / count
        for image in range(images):
            for position in range(positions):
                away = x[uint32(image), c, uint32(position)] - middle
                squares += away * away
        mean[c], variance[c] = middle, squares / count
        scale = weight[c] / math.sqrt(squares / count + epsilon)
        for image in range(images):
            for position in range(positions):
                y[uint32(image), c, uint32(position)] = (x[uint32(image), c, uint32(position)] - middle) * scale + bias[c]
