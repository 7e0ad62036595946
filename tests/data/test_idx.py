import gzip
import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minicnn.data import idx
from minicnn.errors import InputError

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def written(array):
    """The array as an IDX file: written from the format's description, not from the reader."""
    kind = array.dtype.str[1:]
    return (bytes([0, 0, CODES[kind], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
            + array.astype(array.dtype.newbyteorder(">")).tobytes())


@settings(deadline=None)   # the first example imports and warms up what the others find ready
@given(st.sampled_from(sorted(CODES)).flatmap(lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, min_side=0))),
       st.booleans())
def test_what_was_written_is_read(tmp_path_factory, array, compressed):
    path = tmp_path_factory.getbasetemp() / "array.idx"
    path.write_bytes(gzip.compress(written(array), 1) if compressed else written(array))
    result = idx.read(path)
    assert result.dtype == array.dtype and result.shape == array.shape and result.dtype.isnative
    np.testing.assert_array_equal(result, array)


WHOLE = written(np.arange(2000, dtype="u1").reshape(2, 1000))
PACKED = gzip.compress(WHOLE)


@pytest.mark.parametrize("contents, words", [
    (b"", "is not an IDX file"),
    (b"<!DOCTYPE html>", "is not an IDX file"),
    (WHOLE[:3], "is not an IDX file"),
    (b"\0\0\x07\1" + WHOLE[4:], "is not an IDX file"),
    (WHOLE[:10], "is truncated: it ends inside its header"),
    (WHOLE[:-1], "is truncated: 1,999 of 2,000 bytes are there"),
    (WHOLE + b"x", "is corrupted: more follows its 2,000 bytes"),
    (b"\0\0\x08\4" + b"\xff" * 16, "is corrupted: its header promises"),
    (PACKED[:-1], "is truncated"),
    (PACKED[:200], "is truncated"),
    (PACKED[:-8] + b"abcd" + PACKED[-4:], "is corrupted: CRC check failed"),
    (PACKED[:10] + b"\xff" * 40 + PACKED[50:], "is corrupted: Error -3 while decompressing"),
    (PACKED + b"x", "is corrupted"),
    (gzip.compress(WHOLE[:-1]), "is truncated: 1,999 of 2,000 bytes are there"),
])
def test_damaged_file_is_named_with_what_is_wrong(tmp_path, contents, words):
    path = tmp_path / "file.gz"
    path.write_bytes(contents)
    with pytest.raises(InputError) as caught:
        idx.read(path)
    assert str(caught.value).startswith(f"{path} {words}")


def test_file_that_cannot_be_opened(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError) as caught:
            idx.read(path)
        assert str(caught.value).startswith(f"{path} cannot be read: ")


@pytest.mark.parametrize("contents", [WHOLE, PACKED])
def test_checksum_is_of_the_unpacked_contents(tmp_path, contents):
    path = tmp_path / "file"
    path.write_bytes(contents)
    assert idx.read(path, hashlib.sha256(WHOLE).hexdigest()).shape == (2, 1000)
    with pytest.raises(InputError, match="is not what it should be"):
        idx.read(path, hashlib.sha256(PACKED).hexdigest())
