"""Kernels and memory."""
import subprocess
import sys

import numpy as np
import pytest

import kernels.cpu
import kernels.reference
import minicnn as mc
from minicnn import device
from minicnn.errors import InputError


def test_use_kernels():
    assert device.kernels_for(np.zeros(3)) is kernels.cpu
    with pytest.raises(ZeroDivisionError), device.use_kernels(kernels.reference):
        assert device.kernels_for(np.zeros(3)) is kernels.reference
        raise ZeroDivisionError
    assert device.kernels_for(np.zeros(3)) is kernels.cpu


def test_contiguous():
    array = np.arange(6.0).reshape(2, 3)
    assert device.contiguous(array) is array
    copy = device.contiguous(array.T)
    assert copy.flags.carray and copy.tolist() == array.T.tolist()
    assert device.contiguous(np.array(1.0)).shape == ()


def test_import_loads_nothing_heavy():
    """Numba waits for the first kernel, pictures for those who draw them; data sets and models come when they are asked for."""
    code = ("import sys, minicnn as mc; "
            "heavy = {'numba', 'matplotlib', 'PIL', 'tqdm', 'safetensors', 'torch', 'scipy'} & set(sys.modules); "
            "assert not heavy, heavy; assert mc.data.names() and mc.nn and mc.optim and mc.functional")
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_unknown_names():
    with pytest.raises(AttributeError, match="module 'minicnn' has no attribute 'convolution'"):
        mc.convolution  # noqa: B018


def test_matmul_precision():
    assert mc.get_matmul_precision() == "highest"
    try:
        mc.set_matmul_precision("high")
        assert mc.get_matmul_precision() == "high"
        with pytest.raises(InputError, match="one of highest, high, medium, not 'tf32'"):
            mc.set_matmul_precision("tf32")
    finally:
        mc.set_matmul_precision("highest")
