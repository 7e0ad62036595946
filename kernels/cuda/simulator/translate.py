"""A kernel with the simulator's meanings for the names it uses: cuda, math, types, our instructions, functions that it calls."""
import math
import types

import numba
import numpy as np
from numba import cuda

from . import arithmetic, instructions
from .values import dtype_of, type_in_kernel

_CUDA_FUNCTIONS = {}   # what `from numba.cuda import syncthreads` and the like bring in -> its name


def _functions():
    if not _CUDA_FUNCTIONS:
        for name in ("grid", "gridsize", "syncthreads", "syncwarp", "shfl_sync", "shfl_down_sync", "shfl_up_sync", "shfl_xor_sync",
                     "ballot_sync", "all_sync", "any_sync", "atomic", "shared", "local", "const", "threadfence"):
            _CUDA_FUNCTIONS[getattr(cuda, name)] = name
    return _CUDA_FUNCTIONS


def python_function(kernel):
    """The function itself, of a Kernel of ours or of one by @cuda.jit."""
    return getattr(kernel, "py_func", None) or getattr(kernel, "function", kernel)


def translate(function, launch, done=None):
    """The function with names as the simulator has them; those that it calls, too."""
    done = {} if done is None else done
    if function in done:
        return done[function]
    meanings = {"__builtins__": arithmetic.BUILTINS, "__simulated__": True, "__name__": function.__module__}
    cells = tuple(types.CellType() for _ in function.__closure__ or ()) or None
    result = done[function] = types.FunctionType(function.__code__, meanings, function.__name__, function.__defaults__, cells)
    result.__kwdefaults__ = function.__kwdefaults__
    for name in _names(function.__code__):
        if name in function.__globals__:
            meanings[name] = _meaning(function.__globals__[name], launch, done)
    for cell, original in zip(cells or (), function.__closure__ or ()):
        cell.cell_contents = _meaning(original.cell_contents, launch, done)
    return result


def _names(code):
    """All that the code may look up, functions within it included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _meaning(value, launch, done):
    if value is cuda:
        return launch.cuda
    if value is math:
        return arithmetic.MATH
    if value is np:
        return arithmetic.NUMPY
    if type(value).__name__ == "CUDADispatcher":
        return translate(value.py_func, launch, done)
    if isinstance(value, np.ndarray):
        return launch.constant(value, "the constant array")
    if isinstance(value, (numba.types.Integer, numba.types.Float, numba.types.Boolean)) or (
            isinstance(value, type) and issubclass(value, np.generic)):
        return type_in_kernel(dtype_of(value))
    try:
        instruction, name = instructions.meaning(value), _functions().get(value)
    except TypeError:   # not hashable, so neither
        return value
    if instruction is not None:
        return _instruction(instruction, launch.now)
    if name is not None:
        return getattr(launch.cuda, name)
    return value


def _instruction(meaning, now):
    """An instruction of instructions.py, called by a thread of whatever block is running."""
    def call(*operands):
        return meaning(now.block, *operands)
    return call
