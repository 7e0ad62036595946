"""Putting arrays together along an axis, and taking them apart. Elements of any type are moved as they are."""


def concatenate(parts, whole, axis):
    """The parts, one after the other along the axis, fill `whole`. Their other sizes are those of `whole`."""
    first = 0
    for part in parts:
        _place(whole, part, first, axis)[...] = part
        first += part.shape[axis]


def split(whole, parts, firsts, axis):
    """parts[i] = what `whole` has from firsts[i] on along the axis, as far as the part goes: the gradient of concatenate."""
    for part, first in zip(parts, firsts):
        part[...] = _place(whole, part, first, axis)


def _place(whole, part, first, axis):
    return whole[(slice(None),) * axis + (slice(first, first + part.shape[axis]),)]
