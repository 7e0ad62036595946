"""math, NumPy's names and Python's functions as a kernel has them: in the precision of the arguments, with the GPU's rules for NaN."""
import builtins
import math

import numpy as np

from .errors import WrongValue
from .values import Garbage, type_in_kernel

_FLOATS = (float, np.floating)


def _precision(values):
    """Of a result: float32 if no operand is wider."""
    kinds = [value.dtype.type for value in values if isinstance(value, np.floating)]
    return np.result_type(*kinds).type if kinds else np.float64


def _in_precision(name):
    """A function of math that gives what the GPU gives where math raises an error: infinity, or NaN."""
    function, without_errors = getattr(math, name), getattr(np, {"pow": "power"}.get(name, name), None)

    def compute(*values):
        kind = _precision(values)
        try:
            return kind(function(*map(float, values)))
        except OverflowError:
            return kind(np.inf)
        except ValueError:   # log(0) and the like
            return kind(without_errors(*values)) if without_errors is not None else kind(np.nan)
    compute.__name__ = name
    return compute


def _whole(name):
    """A function of math whose result is an integer, except that it stays a float on the GPU for infinity and NaN."""
    function = getattr(math, name)

    def compute(value):
        return function(value) if math.isfinite(value) else int(np.iinfo(np.int64).min)
    return compute


def fma(a, b, c):
    """a * b + c, rounded once. Two float32 multiply without error in float64."""
    kind = _precision((a, b, c))
    return kind(float(a) * float(b) + float(c))


def rsqrt(value):
    return _precision((value,))(1 / math.sqrt(value)) if value > 0 else _precision((value,))(np.inf if value == 0 else np.nan)


def cbrt(value):
    return _precision((value,))(np.cbrt(float(value)))


class Mathematics:
    """The module math."""

    def __init__(self):
        for name in dir(math):
            value = getattr(math, name)
            if not name.startswith("_"):
                setattr(self, name, _in_precision(name) if callable(value) else value)
        self.floor, self.ceil, self.trunc = map(_whole, ("floor", "ceil", "trunc"))
        for name in ("isnan", "isinf", "isfinite", "gcd"):
            setattr(self, name, getattr(math, name))
        self.fma = fma


class NumPyNames:
    """The module numpy: its types convert as Numba's do, its functions are those of math, the rest is NumPy's."""

    def __getattr__(self, name):
        value = getattr(np, name)
        if isinstance(value, type) and issubclass(value, np.generic):
            value = type_in_kernel(np.dtype(value))
        elif isinstance(value, np.ufunc) and hasattr(MATH, name):
            value = getattr(MATH, name)
        setattr(self, name, value)
        return value


def maximum(*values):
    """max: of numbers, the one that is not NaN wins, as in C's fmax."""
    return _best(values, lambda one, best: one > best, builtins.max)


def minimum(*values):
    """min: of numbers, the one that is not NaN wins, as in C's fmin."""
    return _best(values, lambda one, best: one < best, builtins.min)


def _best(values, better, exact):
    if builtins.all(value.__class__ is int for value in values):
        return exact(values)
    if len(values) == 1:
        values = tuple(values[0])
    best = values[0]
    for value in values[1:]:
        if value.__class__ is Garbage or best.__class__ is Garbage:
            best = value if value.__class__ is Garbage else best
        elif best != best or better(value, best):
            best = value
    if builtins.any(isinstance(value, _FLOATS) for value in values):
        kind = _precision(values)
        return best if best.__class__ in (kind, Garbage) else kind(best)
    return best


def whole_number(value=0):
    """int: towards zero."""
    if isinstance(value, _FLOATS) and not math.isfinite(value):
        raise WrongValue(f"{value} has no value as an integer")
    return int(value)


MATH, NUMPY = Mathematics(), NumPyNames()
BUILTINS = {**vars(builtins), "max": maximum, "min": minimum, "int": whole_number, "float": np.float64}
