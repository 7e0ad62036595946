"""Where arrays live, which kernels work on them, and where their memory comes from."""
import contextlib
import functools
import importlib

import numpy as np

from minicnn.errors import InputError

_chosen = None   # the package that `use_kernels` put in place of kernels.cpu


@functools.cache
def _cpu():
    """kernels.cpu, imported when the first kernel is called: it brings Numba, whose import takes half a second."""
    return importlib.import_module("kernels.cpu")


@functools.cache
def _pool():
    return importlib.import_module("kernels.cpu.memory").pool


def kernels_for(*arrays):
    """The kernel package for these arrays."""
    return _chosen or _cpu()


@contextlib.contextmanager
def use_kernels(package):
    """Inside the `with`, everything runs on the kernels of `package`, `kernels.reference` say."""
    global _chosen
    previous, _chosen = _chosen, package
    try:
        yield
    finally:
        _chosen = previous


def empty(shape, dtype=np.float32):
    """An uninitialised C-contiguous array, from memory that is used again."""
    return _pool().empty(shape, dtype)


def contiguous(array):
    """The array itself if kernels can take it, else a copy: row by row in memory, aligned and writable (for arrays that are
    not, Numba would compile every kernel again)."""
    if array.flags.carray:
        return array
    copy = empty(array.shape, array.dtype)
    copy[...] = array
    return copy


def set_num_threads(count):
    """Let the kernels use so many processor cores. The results do not depend on it."""
    import numba

    most = numba.config.NUMBA_NUM_THREADS
    if not 1 <= count <= most:
        raise InputError(f"{count} threads cannot be used: this machine offers 1 to {most} (NUMBA_NUM_THREADS can change that)")
    numba.set_num_threads(count)


def describe_threads():
    """How many threads the kernels use."""
    import numba

    count = numba.get_num_threads()
    return f"{count} thread{'s' * (count > 1)}"
