"""Compiled kernels on disk, so that the next process starts quickly: one file for each kernel, types, GPU and state of the sources."""
import contextlib
import functools
import hashlib
import importlib.metadata
import os
import pathlib
import types

from numba.core import caching

from . import compiler


def ptx(kernel, codes, compute_capability):
    """As compiler.ptx, which is asked only once for the kernels of this package."""
    if not (kernel.function.__module__ or "").startswith(__package__):
        return compiler.ptx(kernel, codes, compute_capability)   # one in a notebook, say, which calls who knows what
    facts = fingerprint(kernel.function), kernel.launch_bounds, kernel.fastmath, kernel.specific, codes, compute_capability
    family = f"{kernel.function.__name__}.{_sources()}"
    path = _folder() / f"{family}.{_digest(facts)}.ptx"
    with contextlib.suppress(OSError):
        name, _, text = path.read_text().partition("\n")
        return text, name
    text, name = compiler.ptx(kernel, codes, compute_capability)
    with contextlib.suppress(OSError):   # no room: the next process compiles again
        partial = path.with_suffix(f".{os.getpid()}")
        try:
            partial.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(f"{name}\n{text}")
            os.replace(partial, path)   # whole, or not at all
            for old in path.parent.glob(f"{kernel.function.__name__}.*.ptx"):
                if not old.name.startswith(family):
                    old.unlink(missing_ok=True)
        finally:
            partial.unlink(missing_ok=True)
    return text, name


def fingerprint(value):
    """What tells apart functions made by one piece of source: their code, and the values that were around them."""
    value = getattr(value, "py_func", value)
    if isinstance(value, types.FunctionType):
        around = tuple(fingerprint(cell.cell_contents) for cell in value.__closure__ or ())
        return value.__module__, value.__qualname__, fingerprint(value.__code__), repr(value.__defaults__), around
    if isinstance(value, types.CodeType):
        return value.co_code, value.co_names, tuple(map(fingerprint, value.co_consts))
    if isinstance(value, (tuple, list)):
        return tuple(map(fingerprint, value))
    return repr(value)


@functools.cache
def _folder():
    """Where Numba keeps what it has compiled of this package: beside the sources if one may write there, else in the user's cache."""
    return pathlib.Path(caching.CompileResultCacheImpl(compiler.ptx).locator.get_cache_path())


@functools.cache
def _sources():
    """A digest of every source file in this folder, and of the versions of the compilers."""
    facts = [(path.name, path.read_bytes()) for path in sorted(pathlib.Path(__file__).parent.glob("*.py"))]
    for package in ("numba", "numba-cuda", "nvidia-nvvm", "nvidia-cuda-nvrtc"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            facts.append((package, importlib.metadata.version(package)))
    return _digest(facts)


def _digest(facts):
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
