"""A GPU in Python: the very kernels that run on the hardware, thread by thread, with an eye on what they do to each other.

    from kernels.cuda.simulator import Simulator
    machine = Simulator()
    x, y = machine.to_device(numbers), machine.empty(numbers.shape, numbers.dtype)
    double[1, 64](x, y)
"""
from .machine import Simulator as Simulator
