"""How a Python function becomes a CPU kernel: one set of Numba options, and a cache on disk that is never stale."""
import contextlib

import numba
from numba.core import event

from . import threads  # noqa: F401  (before Numba starts its threads)
from .cache import MachineCode

# Sums may be reordered so that they vectorise, and a*b + c may become one FMA. NaN and infinity keep their meaning:
# "nnan" and "ninf" would let LLVM assume that they do not occur, and then a diverging loss shows up as nonsense, not as NaN.
_OPTIONS = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy", "nogil": True}

# Only what is written as prange runs in parallel. To look for other things that might takes a sixth of the time to compile.
_PARALLEL = {"prange": True, **dict.fromkeys(
    ("comprehension", "fusion", "inplace_binop", "numpy", "reduction", "setitem", "stencil"), False)}


def kernel(function):
    """Decorator: a kernel called from Python. Its `prange` loops run on all threads; its machine code is kept on disk."""
    dispatcher = numba.njit(parallel=_PARALLEL, cache=True, **_OPTIONS)(function)
    dispatcher._cache._cache_file = MachineCode(dispatcher._cache._cache_file)
    return dispatcher


def inner(function):
    """Decorator: a function called inside kernels only; it is compiled into them."""
    return numba.njit(**_OPTIONS)(function)


@contextlib.contextmanager
def watch(callback):
    """Inside the `with`, callback(name) is called when the compilation of a kernel begins; not when it is found on disk."""
    class Listener(event.Listener):
        def on_start(self, started):
            callback(started.data["dispatcher"].py_func.__name__)

        def on_end(self, ended):
            pass

    with event.install_listener("numba:compile", Listener()):
        yield
