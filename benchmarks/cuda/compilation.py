"""Compile the kernels that the benchmark needs before it begins, on all cores.

    python -m benchmarks.cuda.compilation [--full] [WORD ...]    for compute capability 9.0, without a GPU

What is compiled lies in the cache of kernels.cuda (beside its sources, or in the user's cache) and is found there by every process.
Where there is a GPU, its driver makes machine code of it here too, and keeps that in a cache of its own.
"""
import argparse
import contextlib
import functools
import multiprocessing
import time
import warnings

from benchmarks.cuda import rehearsing, suite
from benchmarks.cuda.contenders import available_precisions
from benchmarks.worker import available_threads
from minicnn import command

_kernels = []   # what is to be compiled, for the processes that are forked from this one
_gpu = None     # one's own in each of them


def compile_all(chosen, on_gpu=False, compute_capability=(9, 0), told=lambda text: None):
    """All that the cases launch. Returns {name of a kernel: why it cannot be compiled}."""
    _kernels[:] = rehearsing.to_compile(chosen, available_precisions(), told)
    told(f"{len(_kernels)} kernels are compiled")
    with forked(max(1, min(available_threads(), len(_kernels))), _begin, (on_gpu,)) as pool:
        errors = list(pool.imap(functools.partial(_compile, compute_capability), range(len(_kernels)), chunksize=1))
    return {kernel.__name__: error for (kernel, _), error in zip(_kernels, errors) if error}


@contextlib.contextmanager
def forked(processes, begin=None, arguments=()):
    """A pool of processes that have what this one has: kernels that were made by functions cannot be sent to others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)   # of a process with threads, Numba's say, which compiling does not use
        with multiprocessing.get_context("fork").Pool(processes, begin, arguments) as pool:
            yield pool


def _begin(on_gpu):
    global _gpu
    if on_gpu:
        from kernels.cuda.gpu import GPU

        _gpu = GPU()


def _compile(compute_capability, place):
    from kernels.cuda import cache

    try:
        if _gpu is None:
            cache.ptx(*_kernels[place], compute_capability)
        else:
            _gpu.ready(*_kernels[place])
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cuda.compilation", description=__doc__.partition("\n")[0])
    parser.add_argument("words", nargs="*", metavar="WORD", help="only what has a word in its name that begins like one of these")
    parser.add_argument("--full", action="store_true", help="what --full measures")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    for name, error in compile_all(suite.select(options.words, options.full)).items():
        print(f"{name}: {error}")
    print(f"{len(_kernels)} kernels, {time.perf_counter() - started:.0f} s")
    return 0


if __name__ == "__main__":
    command.run(main)
