"""Concatenation in Numba: what lies before the axis is a number of blocks, of which each part has a piece.

All parts are copied in one parallel loop, because those of small maps take less time than threads take to start. So that their number
and type do not matter to the machine code, it gets a table of addresses and of bytes.
"""
import math

import numba
import numpy as np

from .compiler import inner, kernel
from .moving import copy_bytes

_PIECE = 64 * 1024    # bytes of the whole in a piece of work
_ALONE = 256 * 1024   # bytes; up to here, the calling thread alone is as quick


def concatenate(parts, whole, axis):
    """As kernels.reference.concatenation.concatenate."""
    first, table = 0, []
    for part in parts:
        table.append((_address(part), first, math.prod(part.shape[axis:]) * part.itemsize))
        first += table[-1][2]
    _copy(_address(whole), first, math.prod(whole.shape[:axis]), np.array(table), True)


def split(whole, parts, firsts, axis):
    """As kernels.reference.concatenation.split."""
    if parts:
        step = math.prod(whole.shape[axis + 1:]) * whole.itemsize
        table = [(_address(part), first * step, part.shape[axis] * step) for part, first in zip(parts, firsts)]
        _copy(_address(whole), whole.shape[axis] * step, math.prod(whole.shape[:axis]), np.array(table), False)


def _address(array):
    return array.__array_interface__["data"][0]


@kernel
def _copy(whole, pitch, blocks, table, together):
    """Parts, (address, first byte in a block of the whole, bytes in a block), into the whole, `pitch` bytes a block; or back."""
    blocks_at_once, strips = max(1, _PIECE // max(1, pitch)), (pitch + _PIECE - 1) // _PIECE
    pieces = (blocks + blocks_at_once - 1) // blocks_at_once * strips
    if blocks * pitch <= _ALONE:
        for piece in range(pieces):
            first = piece // strips * blocks_at_once
            _copy_piece(whole, pitch, table, together, first, min(blocks, first + blocks_at_once), piece % strips * _PIECE)
    else:
        for piece in numba.prange(pieces):
            first = np.int64(piece // strips) * blocks_at_once   # unsigned in a prange
            _copy_piece(whole, pitch, table, together, first, min(blocks, first + blocks_at_once), np.int64(piece % strips) * _PIECE)


@inner
def _copy_piece(whole, pitch, table, together, first_block, end_block, strip):
    for block in range(first_block, end_block):
        for part in range(len(table)):
            address, begin, length = table[part]
            first, end = max(begin, strip), min(begin + length, strip + _PIECE)
            if first < end:
                there, here = whole + block * pitch + first, address + block * length + first - begin
                copy_bytes(here if together else there, there if together else here, end - first)
