"""Means and maxima of whole planes, as at the end of a residual network: a warp takes planes, and its threads join what each has seen."""
from numba import cuda, int32, uint32

from .launch import blocks, kernel
from .warp import ALL, WARP, WARPS, block_sum, warp_sum

BLOCK = 256
_TOGETHER = 4   # small planes that a warp sums up at once: one of 7 x 7 would leave it waiting for 200 bytes
_LARGE = 1024   # numbers from which on a plane is worth a block


def mean_of_planes(x, y):
    """y[n, c, 0, 0] = mean of x[n, c]."""
    size = x.shape[2] * x.shape[3]
    if size < _LARGE:
        _mean_of_small_planes[blocks(blocks(y.size, _TOGETHER) * WARP, BLOCK), BLOCK](x.reshape(-1), y.reshape(-1), size)
    else:
        _mean_of_large_planes[y.size, BLOCK](x.reshape(-1), y.reshape(-1), size)


def max_of_planes(x, y, places):
    """y[n, c, 0, 0] = max of x[n, c], and where in the plane it is."""
    _max_of_planes[blocks(y.size * WARP, BLOCK), BLOCK](x.reshape(-1), y.reshape(-1), places.reshape(-1), x.shape[2] * x.shape[3])


def share_in_planes(grad_y, grad_x):
    """grad_x[n, c] = grad_y[n, c, 0, 0] / size of the plane."""
    _share_in_planes[blocks(grad_y.size * WARP, BLOCK), BLOCK](grad_y.reshape(-1), grad_x.reshape(-1), grad_x.shape[2] * grad_x.shape[3])


@cuda.jit(device=True)
def exceeds(value, best):
    """Is it larger, or the first NaN?"""
    return not value <= best and best == best


@cuda.jit(device=True)
def _warp_and_lane():
    return int32(cuda.grid(1)) // WARP, int32(cuda.threadIdx.x) % WARP


@kernel
def _mean_of_small_planes(x, y, size):
    """Where there are no more planes, the last one is summed up again."""
    warp, lane = _warp_and_lane()
    first, last = int32(warp * _TOGETHER), int32(y.size - 1)
    if first > last:
        return
    total = cuda.local.array(_TOGETHER, x.dtype)
    for number in range(_TOGETHER):
        total[number] = x.dtype.type(0)
    for place in range(lane, size, WARP):
        for number in range(_TOGETHER):
            total[number] += x[uint32(min(int32(first + number), last) * size + place)]
    for number in range(_TOGETHER):
        mean = warp_sum(total[number]) / x.dtype.type(size)
        if lane == number and first + number <= last:
            y[uint32(first + number)] = mean


@kernel
def _mean_of_large_planes(x, y, size):
    plane, total = int32(cuda.blockIdx.x), x.dtype.type(0)
    for place in range(int32(cuda.threadIdx.x), size, BLOCK):
        total += x[uint32(plane * size + place)]
    total = block_sum(total, cuda.shared.array(WARPS, x.dtype))
    if cuda.threadIdx.x == 0:
        y[uint32(plane)] = total / x.dtype.type(size)


@kernel
def _max_of_planes(x, y, places, size):
    """A thread without a number looks at the first one again. Of equal ones, the one that lies first counts."""
    plane, lane = _warp_and_lane()
    if plane >= y.size:
        return
    place = int32(lane if lane < size else 0)
    best = x[uint32(plane * size + place)]
    for other in range(lane + WARP, size, WARP):
        value = x[uint32(plane * size + other)]
        if exceeds(value, best):
            best, place = value, int32(other)
    for step in range(5):
        value, other = cuda.shfl_xor_sync(ALL, best, 16 >> step), cuda.shfl_xor_sync(ALL, place, 16 >> step)
        if exceeds(value, best) or (other < place and not exceeds(best, value)):
            best, place = value, other
    if lane == 0:
        y[uint32(plane)] = best
        places[uint32(plane)] = place


@kernel
def _share_in_planes(grad_y, grad_x, size):
    plane, lane = _warp_and_lane()
    if plane >= grad_y.size:
        return
    share = grad_y[uint32(plane)] / grad_x.dtype.type(size)
    for place in range(lane, size, WARP):
        grad_x[uint32(plane * size + place)] = share
