"""Threads that bring their results together: sums, maxima and moments of a warp, and of a block.

The 32 threads of a warp read each other's registers (shuffles), halving the distance five times; the warps of a block then meet in
shared memory, from where a lane takes what a warp has, so that shuffles bring together these as well. All threads of the warp or
block take part and all get the same result, and the order of additions is always the same.

A block is one-dimensional here, with a multiple of 32 threads. `shared` is an array of it: WARPS numbers, or (3, WARPS) for moments. It may
be used again after the call.
"""
import math

from numba import cuda, uint32

ALL = 0xffffffff   # the lanes that take part in a shuffle
WARP = 32
WARPS = 32         # that a block has at most


@cuda.jit(device=True, forceinline=True)
def maximum(a, b):
    """The larger one; NaN if one is."""
    return a if a > b or a != a else b


@cuda.jit(device=True, forceinline=True)
def warp_sum(value):
    for step in range(5):
        value += cuda.shfl_xor_sync(ALL, value, 16 >> step)
    return value


@cuda.jit(device=True, forceinline=True)
def warp_max(value):
    for step in range(5):
        value = maximum(value, cuda.shfl_xor_sync(ALL, value, 16 >> step))
    return value


@cuda.jit(device=True, forceinline=True)
def block_sum(value, shared):
    value = warp_sum(value)
    warps, lane = _meet(value, shared), uint32(cuda.threadIdx.x) % WARP
    value = shared[lane if lane < warps else uint32(0)]
    value = warp_sum(value if lane < warps else shared.dtype.type(0))
    cuda.syncthreads()
    return value


@cuda.jit(device=True, forceinline=True)
def block_max(value, shared):
    value = warp_max(value)
    warps, lane = _meet(value, shared), uint32(cuda.threadIdx.x) % WARP
    value = warp_max(shared[lane if lane < warps else uint32(0)])
    cuda.syncthreads()
    return value


@cuda.jit(device=True, forceinline=True)
def _meet(value, shared):
    """What each warp has goes to shared memory; returns how many warps there are."""
    thread = uint32(cuda.threadIdx.x)
    if thread % WARP == 0:
        shared[thread // WARP] = value
    cuda.syncthreads()
    return uint32(uint32(cuda.blockDim.x) // WARP)


@cuda.jit(device=True, forceinline=True)
def merge_moments(count, mean, squares, other_count, other_mean, other_squares):
    """Count, mean and sum of squared deviations from the mean of two sets of numbers, from those of each.

    Chan, Golub & LeVeque, "Algorithms for computing the sample variance" (The American Statistician, 1983); with a set of one number it
    is Welford's update (Technometrics, 1962). Where a mean is infinite or NaN, so that no difference makes sense, their sum is.
    """
    nothing = count - count
    both, apart = count + other_count, other_mean - mean
    share = other_count / both if both > nothing else nothing
    if abs(apart) < math.inf:
        return both, mean + apart * share, squares + (other_squares + apart * apart * (count * share))
    return both, mean + other_mean, squares


@cuda.jit(device=True, forceinline=True)
def warp_moments(count, mean, squares):
    """The lanes would differ by rounding, so that of the first one counts."""
    for step in range(5):
        distance = 16 >> step
        count, mean, squares = merge_moments(count, mean, squares, cuda.shfl_down_sync(ALL, count, distance),
                                             cuda.shfl_down_sync(ALL, mean, distance), cuda.shfl_down_sync(ALL, squares, distance))
    return cuda.shfl_sync(ALL, count, 0), cuda.shfl_sync(ALL, mean, 0), cuda.shfl_sync(ALL, squares, 0)


@cuda.jit(device=True, forceinline=True)
def block_moments(count, mean, squares, shared):
    count, mean, squares = warp_moments(count, mean, squares)
    thread, warps = uint32(cuda.threadIdx.x), uint32(uint32(cuda.blockDim.x) // WARP)
    if thread % WARP == 0:
        warp = thread // WARP
        shared[0, warp], shared[1, warp], shared[2, warp] = count, mean, squares
    cuda.syncthreads()
    if thread < WARP:   # one warp is enough for the divisions
        there, nothing = thread < warps, count - count
        warp = thread if there else uint32(0)
        count, mean, squares = shared[0, warp], shared[1, warp], shared[2, warp]
        count, mean, squares = warp_moments(count if there else nothing, mean if there else nothing, squares if there else nothing)
        cuda.syncwarp()   # all lanes have read
        if thread == 0:
            shared[0, 0], shared[1, 0], shared[2, 0] = count, mean, squares
    cuda.syncthreads()
    count, mean, squares = shared[0, 0], shared[1, 0], shared[2, 0]
    cuda.syncthreads()
    return count, mean, squares
