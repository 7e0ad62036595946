"""Compiled kernels are kept on disk, and an edit anywhere in the sources they were built from makes them new."""
import math
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import kernels

PROGRAM = """
import numpy as np
from kernels import cpu
from kernels.cpu import compiler

compiled = []
x, y, greatest = np.array([0.0, 1.0, -1.0]), np.empty(3), np.empty(1)
with compiler.watch(compiled.append):
    cpu.tanh(x, y)
    cpu.max(x, greatest, (0,))
print(round(y[0], 6), greatest[0], *compiled)
"""


@pytest.fixture
def sources(tmp_path):
    """A copy of the kernels, without what was compiled."""
    folder = tmp_path / "kernels"
    shutil.copytree(pathlib.Path(kernels.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(sources):
    """What the program prints: a value that each kernel computes, and what was compiled for it."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    result = subprocess.run([sys.executable, "-W", "error", "-c", PROGRAM], env=environment | {"PYTHONPATH": str(sources.parent)},
                            cwd=sources.parent, capture_output=True, text=True)
    assert not result.returncode, result.stderr
    first, second, *compiled = result.stdout.split()
    return float(first), float(second), compiled


def edit(path, before, after):
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_an_edit_in_another_file_is_never_missed(sources):
    *values, compiled = run(sources)
    assert values == [0, 1] and {"_squash", "_reduce_parts"} <= set(compiled)
    assert run(sources) == (0, 1, [])   # found on disk
    helpers = sources / "cpu" / "elementary.py"
    edit(helpers, "lambda x: math.tanh(x)", "lambda x: math.tanh(x) + 5")   # a function compiled into kernels of activation.py
    edit(helpers, "llvm.maximum", "llvm.minimum")                           # an intrinsic that kernels of reduction.py use
    assert run(sources)[:2] == (5, -math.inf)   # a maximum begins at minus infinity
