"""The threads that kernels run on.

GNU OpenMP, the layer that Numba finds on most Linux machines, lets threads without work spin for about a millisecond before they
sleep. On cores that other programs use as well, the spinning keeps the very thread from running that it waits for: a training step
of LeNet took 950 ms instead of 14 beside two busy processes. With a spin count of 0 they sleep at once, at a cost of some
microseconds when they are woken.
"""
import os

os.environ.setdefault("GOMP_SPINCOUNT", "0")
