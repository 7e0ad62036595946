"""minicnn: a deep-learning framework that one can read to the bottom.

    import minicnn as mc
    from minicnn import nn, optim, data, models, functional as F

Read on in tensor.py, autograd.py, functional/ and, below them all, the kernels.
"""
import importlib

from numpy import bool_ as bool, float32, float64, int64

from minicnn import functional, nn, optim, random
from minicnn.autograd import Function, enable_grad, grad, no_grad, watch
from minicnn.creation import arange, from_dlpack, from_numpy, full, ones, rand, randn, tensor, zeros
from minicnn.device import get_matmul_precision, set_matmul_precision
from minicnn.functional import cat, stack
from minicnn.gradcheck import gradcheck
from minicnn.random import manual_seed
from minicnn.tensor import Tensor

__all__ = ["Function", "Tensor", "arange", "bool", "cat", "enable_grad", "float32", "float64", "from_dlpack", "from_numpy", "full",
           "functional", "get_matmul_precision", "grad", "gradcheck", "int64", "manual_seed", "nn", "no_grad", "ones", "optim", "rand",
           "randn", "random", "set_matmul_precision", "stack", "tensor", "watch", "zeros"]


def __getattr__(name):
    """Data sets, models, what reads and writes their files, and GPUs, are imported when they are first asked for."""
    if name in ("cuda", "data", "models", "state"):
        return importlib.import_module(f"minicnn.{name}")
    if name in ("load", "save"):
        return getattr(importlib.import_module("minicnn.state"), name)
    raise AttributeError(f"module 'minicnn' has no attribute {name!r}")
