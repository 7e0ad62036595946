"""A GPU in Python: the very kernels that run on the hardware, thread by thread, with an eye on what they do to each other.

Try a kernel of your own, with NumPy arrays; no GPU is needed, and no environment variable. The function may be a plain one, as here, or
carry @cuda.jit or our @kernel:

    import numpy as np
    from numba import cuda, float32
    from kernels.cuda.simulator import simulate

    def reverse(x, y):
        tile = cuda.shared.array(64, float32)
        t = cuda.threadIdx.x
        tile[t] = x[t]
        y[t] = tile[63 - t]

    x, y = np.arange(64, dtype=np.float32), np.zeros(64, np.float32)
    simulate(reverse, 1, 64, x, y)          # grid, block, arguments; y is changed in place

It stops, because a barrier is missing:

    DataRace: kernel reverse, thread (32, 0, 0) of block (0, 0, 0), in line 8 of reverse.py: writes tile[32], which thread (31, 0, 0)
    reads in line 9, and no barrier (cuda.syncthreads) lies between the two
        tile[t] = x[t]

With `cuda.syncthreads()` between the two lines, y is x from back to front. The sentence names kernel, line, block, thread, array and index,
and for a race the other thread and its line. What is found has a class each in errors.py: data races in shared and in global memory
(races.py says when two accesses are ordered), barriers that not all threads reach, reads of what nobody has written, indices that are
negative or too large, vector loads at odd addresses, reads of asynchronous copies before they have arrived, shuffles from lanes that take
no part, launches larger than a GPU. `print` works in a kernel, and so does a debugger.

`order="reverse"` or `order=random.Random(0)` make threads and blocks take their turns differently. Whether two threads race does not
depend on it; what a kernel computes must not.

As a machine, it runs whatever is built on kernels of this package:

    machine = Simulator()
    x, y = machine.to_device(numbers), machine.empty(numbers.shape, numbers.dtype)
    double[1, 64](x, y)
    y.to_host()

What it does not do: run blocks at the same time (a block that waits for another would wait for ever), count cycles or bank conflicts.

The files: machine (memory, launches, simulate), storage (what has been written), run (one launch), threads (a block, its turns, barriers),
races, arrays (global and shared), local (arrays of one thread), values and arithmetic (numbers), names (`cuda`), atomics, instructions (our
own), addresses, translate (a kernel's names), sites (places in its source), errors.
"""
from .errors import KernelError as KernelError
from .machine import Simulator as Simulator, simulate as simulate
