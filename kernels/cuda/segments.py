"""Many threads on one channel of a batch: numbers in segments of memory, one for each image.

    x   (images, channels, positions)   channel c is the segments x[0, c], x[1, c], ...

The numbers of a channel are dealt to threads as cards are: thread t of T takes the t-th, the (t + T)-th, ... so that neighbours read
neighbours in memory. Where the next one lies takes an addition and a comparison, and no division.

    offset, position, stride, step, jump = first_of(thread, threads, channel, channels, positions)
    for _ in range(thread, images * positions, threads):
        ... x[offset] ...
        offset, position = next_of(offset, position, stride, step, jump, positions)

Four floats that lie together can be read as one, if segments are multiples of four: `positions` then counts fours, and so does offset.
"""
from numba import cuda, uint32


def in_fours(length, *arrays):
    """True if segments of that length can be read and written in vectors of four floats, else None: kernels are compiled for either."""
    return True if length % 4 == 0 and all(array.dtype == "float32" and array.address % 16 == 0 for array in arrays) else None


@cuda.jit(device=True, forceinline=True)
def first_of(thread, threads, channel, channels, positions):
    """Where a thread begins, and how it goes on: `stride` numbers further in memory, and `jump` more where it leaves a segment, which is
    seen from its position there, `step` further each time."""
    image, position = uint32(thread // positions), uint32(thread % positions)
    images, step = uint32(threads // positions), uint32(threads % positions)
    offset = uint32((image * channels + channel) * positions + position)
    return offset, position, uint32(images * channels * positions + step), step, uint32((channels - uint32(1)) * positions)


@cuda.jit(device=True, forceinline=True)
def next_of(offset, position, stride, step, jump, positions):
    offset, position = uint32(offset + stride), uint32(position + step)
    if position >= positions:
        return uint32(offset + jump), uint32(position - positions)
    return offset, position


@cuda.jit(device=True, forceinline=True)
def share_of(count, channels, positions, again):
    """What a thread of block (channel, part) has to do of a channel with `count` numbers: thread, threads, channel, channels, positions
    and count, for the functions of normalizing.py.

    A second launch goes through them `again`, from the last part to the first one: what was read last is still in the cache.
    """
    part = cuda.blockIdx.y if again is None else cuda.gridDim.y - 1 - cuda.blockIdx.y
    return (uint32(part * cuda.blockDim.x + cuda.threadIdx.x), uint32(cuda.gridDim.y * cuda.blockDim.x),
            uint32(cuda.blockIdx.x), uint32(channels), uint32(positions), uint32(count))
