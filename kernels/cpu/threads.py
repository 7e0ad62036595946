"""The threads that kernels run on.

GNU OpenMP, the layer that Numba finds on most Linux machines, lets threads without work spin before they sleep. A training step calls
some fifty kernels, a few microseconds apart, so some spinning saves the cost of waking them: without any, a step of LeNet took two to
three times as long. But its default of 300,000 turns is for a machine of one's own: where other programs are busy on the same
cores, the spinning keeps the very thread from running that it waits for, and steps of 950 ms instead of 14 were seen. 3,000
turns, some tens of microseconds, are as quick as the default on idle cores and bearable on busy ones.
"""
import os

os.environ.setdefault("GOMP_SPINCOUNT", "3000")
