"""Concatenation in Numba: what lies before the axis is a number of blocks, of which each part has a piece; pieces are copied in chunks.

Elements are moved as bits, so that all types of a size share their machine code.
"""
import math

import numba
import numpy as np

from .chunks import CHUNK, count
from .compiler import inner, kernel
from .moving import copy_row


def concatenate(parts, whole, axis):
    """As kernels.reference.concatenation.concatenate."""
    first, blocks, pitch = 0, *_blocks(whole, axis)
    for part in parts:
        length = _blocks(part, axis)[1]
        _copy(_bits(part), 0, length, _bits(whole), first, pitch, blocks, length)
        first += length


def split(whole, parts, firsts, axis):
    """As kernels.reference.concatenation.split."""
    blocks, pitch = _blocks(whole, axis)
    step = math.prod(whole.shape[axis + 1:])
    for part, first in zip(parts, firsts):
        length = part.shape[axis] * step
        _copy(_bits(whole), first * step, pitch, _bits(part), 0, length, blocks, length)


def _blocks(array, axis):
    """How many blocks there are, and how much of each is in the array."""
    return math.prod(array.shape[:axis]), math.prod(array.shape[axis:])


def _bits(array):
    return array.reshape(-1).view(f"u{array.itemsize}")


@kernel
def _copy(source, s0, source_pitch, target, t0, target_pitch, blocks, length):
    """target[t0 + b target_pitch + i] = source[s0 + b source_pitch + i] for b < blocks and i < length."""
    chunks = count(length)
    if blocks * length <= CHUNK:
        for piece in range(blocks * chunks):
            _copy_piece(source, s0, source_pitch, target, t0, target_pitch, length, chunks, piece)
    else:
        for piece in numba.prange(blocks * chunks):
            _copy_piece(source, s0, source_pitch, target, t0, target_pitch, length, chunks, np.int64(piece))   # unsigned in a prange


@inner
def _copy_piece(source, s0, source_pitch, target, t0, target_pitch, length, chunks, piece):
    block, first = (piece, 0) if chunks == 1 else (piece // chunks, piece % chunks * CHUNK)   # a division takes as long as a short piece
    copy_row(source, s0 + block * source_pitch + first, target, t0 + block * target_pitch + first, min(CHUNK, length - first))
