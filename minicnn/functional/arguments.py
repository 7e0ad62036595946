"""How arguments are brought into one form, and what is said when they do not fit."""
import math
import operator

from minicnn.tensor import Tensor


def pair(function, name, value, least):
    """An integer for both axes, or (rows, columns): as a pair of integers of at least `least`."""
    try:
        rows, columns = map(operator.index, value if isinstance(value, (tuple, list)) else (value, value))
    except (TypeError, ValueError):
        raise TypeError(f"{function}: {name} must be an integer or a pair of integers, not {value!r}") from None
    if rows < least or columns < least:
        raise ValueError(f"{function}: {name} must be at least {least}, not {value!r}")
    return rows, columns


def axis(function, dim, ndim):
    """An axis as a number from 0 on; negative ones count from the last."""
    if not isinstance(dim, int):
        raise TypeError(f"{function}: dim must be an integer, not {dim!r}")
    if not -ndim <= dim < ndim:
        raise IndexError(f"{function}: dim {dim} is out of range for a tensor with {ndim} axes")
    return dim % ndim


def axes(function, dim, ndim):
    """An axis, several, or None for all: as an ascending tuple."""
    if dim is None:
        return tuple(range(ndim))
    chosen = tuple(sorted(axis(function, one, ndim) for one in (dim if isinstance(dim, (tuple, list)) else (dim,))))
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"{function}: dim {dim} names an axis twice")
    return chosen


def sizes(function, shape, count):
    """A shape for `count` elements, given as integers or as one tuple; one size may be -1: whatever is left."""
    wanted = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    known = math.prod(size for size in wanted if size != -1)
    if wanted.count(-1) == 1 and known and count % known == 0:
        return tuple(count // known if size == -1 else size for size in wanted)
    if -1 in wanted or known != count:
        raise ValueError(f"{function}: {count} elements do not fit into shape {wanted}")
    return wanted


def images(function, x):
    """x must be a batch of images."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{function}: x must be a Tensor, not {type(x).__name__}; minicnn.tensor(...) makes one")
    if x.ndim != 4:
        hint = "; x.unsqueeze(0) makes a batch of one image" if x.ndim == 3 else ""
        raise ValueError(f"{function}: x must have the shape (N, C, H, W), not {x.shape}{hint}")
