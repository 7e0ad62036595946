"""What the GPU can do at most: multiply-adds on registers, with no memory and nothing else in the loop; and copying."""
from llvmlite import ir
from numba import cuda, types
from numba.cuda.extending import intrinsic

from kernels.cuda.launch import kernel
from kernels.cuda.moving import copy

CHAINS, UNROLLED = 16, 16   # registers that are added to in turn, and how often in one pass of the loop
_STEPS, _BLOCK, _BLOCKS = 4000, 256, 8   # some milliseconds; blocks of a multiprocessor, which fill it
_RUNS = 5
_COPIED = 2**30   # bytes, far more than any cache holds


@intrinsic
def _chains(typing_context, steps, factor, summand):
    """`steps` times x = x * factor + summand, UNROLLED times, for CHAINS registers x, number j begun with j: their sum."""
    signature = types.float32(types.int32, types.float32, types.float32)

    def generate(context, b, signature, arguments):
        steps, factor, summand = arguments
        number, integer = ir.FloatType(), ir.IntType(32)
        before = b.block
        loop, done = b.append_basic_block("steps"), b.append_basic_block("steps.done")
        b.branch(loop)
        b.position_at_end(loop)
        step, chains = b.phi(integer), [b.phi(number) for _ in range(CHAINS)]
        results = chains
        for _ in range(UNROLLED):
            results = [b.fma(x, factor, summand) for x in results]
        following = b.add(step, integer(1))
        step.add_incoming(integer(0), before)
        step.add_incoming(following, loop)
        for place, (x, result) in enumerate(zip(chains, results)):
            x.add_incoming(number(float(place)), before)
            x.add_incoming(result, loop)
        b.cbranch(b.icmp_signed("<", following, steps), loop, done)
        b.position_at_end(done)
        total = results[0]
        for result in results[1:]:
            total = b.fadd(total, result)
        return total
    return signature, generate


@kernel(launch_bounds=_BLOCK)
def run_chains(steps, factor, summand, sums):
    """The same loop in every thread, which leaves its sum in `sums`."""
    sums[cuda.grid(1)] = _chains(steps, factor, summand)


def multiply_adds(steps, threads):
    """How many run_chains does."""
    return steps * CHAINS * UNROLLED * threads


def measure(gpu):
    """{"gflops": in float32, a multiply-add counted as two, "gigabytes_per_second": of a copy, read and written}: best of some runs."""
    sums = gpu.empty((_BLOCKS * gpu.multiprocessors * _BLOCK,), "float32")
    source, target = (gpu.empty((_COPIED // 4,), "float32") for _ in range(2))
    source.fill(1)

    def run():
        run_chains[_BLOCKS * gpu.multiprocessors, _BLOCK](_STEPS, 0.999, 0.001, sums)

    fastest = [min(gpu.seconds(work) for _ in range(_RUNS)) for work in (run, lambda: copy(source, target))]
    return {"gflops": 2e-9 * multiply_adds(_STEPS, sums.size) / fastest[0], "gigabytes_per_second": 2e-9 * _COPIED / fastest[1]}
