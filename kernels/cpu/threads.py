"""The threads that kernels run on.

GNU OpenMP, the layer that Numba finds on most Linux machines, lets threads without work spin before they sleep. A network calls its
kernels some tens of microseconds apart, so some spinning saves the cost of waking them: with 3,000 turns, a small ResNet took nearly
twice as long. But the default of 300,000 turns is for a machine of one's own: where other programs are busy on the same cores, the
spinning keeps the very thread from running that it waits for. Beside two busy programs on two cores a step of LeNet took 6 to 8 ms
with 10,000 turns and 80 ms with 30,000, and on idle cores 2.4 ms with either.
"""
import os

os.environ.setdefault("GOMP_SPINCOUNT", "10000")
