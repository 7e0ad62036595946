"""Division by a number that all threads share, without dividing: a multiplication, an addition and a shift.

Granlund & Montgomery, "Division by invariant integers using multiplication" (PLDI 1994), figure 4.1. A GPU has no instruction for
dividing integers; it takes some twenty.
"""
import numpy as np
from numba import cuda, uint32, uint64


def divider(number):
    """What `quotient` needs of a number of 1 or more: the pair (multiplier, shift)."""
    shift = (number - 1).bit_length()
    return np.uint32(((1 << 32) * ((1 << shift) - number)) // number + 1), np.uint32(shift)


@cuda.jit(device=True)
def quotient(dividend, multiplier, shift):
    """floor(dividend / number), for 0 <= dividend < 2^31."""
    high = uint32((uint64(uint32(dividend)) * uint64(multiplier)) >> uint64(32))
    return uint32(uint32(uint64(high) + uint64(uint32(dividend))) >> shift)
