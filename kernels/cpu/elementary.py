"""Functions of one number, written so that loops over them vectorise.

The C library's exp and its like are calls that LLVM cannot vectorise; a polynomial without branches can be worked out on whole
registers. That is done for float32, where all of it is exact to about one unit in the last place; float64 is here for
gradient checks, and uses the library. The polynomials for float32 are those of Moshier's Cephes library (single precision, 1992).

In this file nothing may be reordered, only multiply-adds fused: the reduction of an argument to a short interval lives on
rounding errors.
"""
import math

import llvmlite.ir as ir
import numba
import numpy as np
from numba import types
from numba.extending import intrinsic, overload

_OPTIONS = {"fastmath": {"contract"}, "error_model": "numpy", "nogil": True}
_exact = numba.njit(**_OPTIONS)
f32 = np.float32


def _by_type(function, for_float32, for_float64):
    """Let `function`, called inside kernels, be one of two others by the type of its argument."""
    @overload(function, jit_options=_OPTIONS)
    def choose(x):
        return for_float32 if x == types.float32 else for_float64


@intrinsic
def maximum(typing, a, b):
    """The greater of two numbers, NaN if either is: one of the few forms of max that LLVM vectorises in a reduction."""
    def generate(context, builder, signature, arguments):
        number = arguments[0].type
        function = builder.module.declare_intrinsic("llvm.maximum", [number], ir.FunctionType(number, [number, number]))
        return builder.call(function, arguments)

    return a(a, a), generate


def exp(x):
    """e^x, infinity above the greatest number, 0 below the least."""


def log(x):
    """The natural logarithm of x; -infinity for 0, NaN below."""


def tanh(x):
    """The hyperbolic tangent of x."""


@_exact
def _power_of_two(k):
    """2^k for a float32 k, a whole number from -126 to 127: the exponent's bits are written directly.

    Adding 1.5 * 2^23 leaves a whole number in the last bits of a float32.
    """
    bits = f32(k + f32(1.5 * 2 ** 23 + 127)).view(np.int32)
    return np.int32(bits << 23).view(np.float32)


def _exp_float32(x):
    """e^x = 2^k e^r with k whole and |r| <= log(2) / 2."""
    x = f32(-104) if x < f32(-104) else (f32(89) if x > f32(89) else x)   # beyond lie 0 and infinity; NaN stays
    k = np.rint(x * f32(1.44269504))                            # x / log(2)
    r = x - k * f32(0.693359375) + k * f32(2.12194440e-4)       # log(2) in two parts, the first short so that k times it is exact
    p = f32(1.9875691500e-4)
    p = p * r + f32(1.3981999507e-3)
    p = p * r + f32(8.3334519073e-3)
    p = p * r + f32(4.1665795894e-2)
    p = p * r + f32(1.6666665459e-1)
    p = p * r + f32(5.0000001201e-1)
    half = np.floor(k * f32(0.5))                               # 2^k alone may be out of range
    return (p * r * r + r + f32(1)) * _power_of_two(half) * _power_of_two(k - half)


def _log_float32(x):
    """log(x) = k log(2) + log(m) with m from sqrt(1/2) to sqrt(2)."""
    tiny = x < f32(2 ** -126)                                   # too small for a full mantissa
    bits = f32(x * f32(2 ** 23) if tiny else x).view(np.int32)
    k = f32((bits >> 23) - 126) - (f32(23) if tiny else f32(0))
    m = np.int32((bits & 0x7FFFFF) | 0x3F000000).view(np.float32)   # from 1/2 to 1
    low = m < f32(math.sqrt(0.5))
    k = k - f32(1) if low else k
    m = (m + m if low else m) - f32(1)
    p = f32(7.0376836292e-2)
    p = p * m + f32(-1.1514610310e-1)
    p = p * m + f32(1.1676998740e-1)
    p = p * m + f32(-1.2420140846e-1)
    p = p * m + f32(1.4249322787e-1)
    p = p * m + f32(-1.6668057665e-1)
    p = p * m + f32(2.0000714765e-1)
    p = p * m + f32(-2.4999993993e-1)
    p = p * m + f32(3.3333331174e-1)
    y = p * m * m * m + k * f32(-2.12194440e-4) - f32(0.5) * m * m + m + k * f32(0.693359375)
    y = x if x == f32(np.inf) else y
    y = f32(-np.inf) if x == f32(0) else y
    return y if x >= f32(0) else f32(np.nan)


def _tanh_float32(x):
    """A polynomial near 0, where the formula with e^2x would cancel."""
    size = abs(x)
    far = f32(1) - f32(2) / (exp(f32(2) * size) + f32(1))
    square = x * x
    p = f32(-5.70498872745e-3)
    p = p * square + f32(2.06390887954e-2)
    p = p * square + f32(-5.37397155531e-2)
    p = p * square + f32(1.33314422036e-1)
    p = p * square + f32(-3.33332819422e-1)
    near = p * square * x + x
    return near if size < f32(0.625) else (-far if x < f32(0) else far)


_by_type(exp, _exp_float32, lambda x: math.exp(x))
_by_type(log, _log_float32, lambda x: math.log(x))
_by_type(tanh, _tanh_float32, lambda x: math.tanh(x))
