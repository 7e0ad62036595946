"""How a Python function becomes a CPU kernel: one set of Numba options, and a cache on disk that is never stale."""
import contextlib
import functools
import hashlib
import pathlib

import numba
from numba.core import event

# Sums may be reordered so that they vectorise, and a*b + c may become one FMA. NaN and infinity keep their meaning:
# "nnan" and "ninf" would let LLVM assume that they do not occur, and then a diverging loss shows up as nonsense, not as NaN.
_OPTIONS = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy", "nogil": True}


@functools.cache
def _sources():
    """A digest of every source file in this folder.

    Numba checks a cached kernel against the file that holds it. Ours are built from other files' intrinsics and helpers as
    well, and an edit there must not leave the old machine code in use.
    """
    digest = hashlib.sha256()
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def kernel(function):
    """Decorator: a kernel called from Python. Its `prange` loops run on all threads; its machine code is kept on disk."""
    dispatcher = numba.njit(parallel=True, cache=True, **_OPTIONS)(function)
    cache_file = dispatcher._cache._cache_file
    cache_file._source_stamp = (cache_file._source_stamp, _sources())
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
