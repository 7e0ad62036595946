"""What the machine can do at most: fused multiply-adds on registers, with no memory and nothing else in the loop."""
import time

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from kernels.cpu.compiler import kernel
from kernels.cpu.machine import VECTOR_UNIT
from kernels.cpu.vector import INT64, Vectors

# Registers that are added to in turn. An FMA takes about four cycles, and at most two begin in each, so eight would do; with more
# of them, the loop's own instructions do not show.
CHAINS = 3 * VECTOR_UNIT.registers // 4

_STEPS = 500_000   # some milliseconds
_RUNS = 25


@intrinsic
def _chains(typing, steps, factor, summand):
    """`steps` times x = x * factor + summand, for CHAINS registers x, number j begun with j in every lane: their sum."""
    signature = types.float32(types.int64, types.float32, types.float32)

    def generate(context, b, signature, arguments):
        steps, factor, summand = arguments
        v = Vectors(context, b, types.float32)
        factor, summand = v.broadcast(factor), v.broadcast(summand)
        before = b.block
        loop, done = b.append_basic_block("steps"), b.append_basic_block("steps.done")
        b.branch(loop)
        b.position_at_end(loop)
        step = b.phi(INT64)
        step.add_incoming(INT64(0), before)
        chains = [b.phi(v.type) for _ in range(CHAINS)]
        results = [v.multiply_add(x, factor, summand) for x in chains]
        for number, (x, result) in enumerate(zip(chains, results)):
            x.add_incoming(ir.Constant(v.type, [float(number)] * v.lanes), before)
            x.add_incoming(result, loop)
        following = b.add(step, INT64(1))
        step.add_incoming(following, loop)
        b.cbranch(b.icmp_signed("<", following, steps), loop, done)
        b.position_at_end(done)
        total = results[0]
        for result in results[1:]:
            total = b.fadd(total, result)
        return v.sum_lanes(total)

    return signature, generate


@kernel
def run_chains(steps, factor, summand, sums):
    """The same loop for each entry of sums (float32, one a thread), which it leaves its sum in."""
    for thread in numba.prange(sums.size):
        sums[thread] = _chains(steps, factor, summand)


def measure():
    """GFLOP/s in float32 on all threads that Numba uses, a multiply-add counted as two: the best of some runs."""
    sums = np.empty(numba.get_num_threads(), np.float32)
    fastest = np.inf
    for _ in range(_RUNS):
        time.sleep(0.002)
        run_chains(1000, np.float32(0.999), np.float32(0.001), sums)   # wakes the threads
        started = time.perf_counter()
        run_chains(_STEPS, np.float32(0.999), np.float32(0.001), sums)
        fastest = min(fastest, time.perf_counter() - started)
    return 2 * multiply_adds(_STEPS, sums.size) / fastest * 1e-9


def multiply_adds(steps, threads):
    """How many run_chains does."""
    return steps * CHAINS * VECTOR_UNIT.lanes(np.dtype(np.float32)) * threads
