"""What the processor's vector unit offers: how wide a register is, and how many there are."""
import platform
from typing import NamedTuple

import llvmlite.binding as llvm
from numba.core import config


class VectorUnit(NamedTuple):
    """The facts that decide the shape of a register tile."""

    bytes: int        # in one register
    registers: int
    masks: bool       # can loads and stores leave lanes out at no cost?

    def lanes(self, dtype):
        """Numbers of this NumPy dtype in one register."""
        return self.bytes // dtype.itemsize


def _features():
    """The instruction sets that Numba compiles for: the host's, or those named by NUMBA_CPU_FEATURES."""
    if config.CPU_FEATURES is not None:
        return {name[1:] for name in config.CPU_FEATURES.split(",") if name.startswith("+")}
    return {name for name, present in llvm.get_host_cpu_features().items() if present}


def _detect():
    features = _features()
    if "avx512f" in features:
        return VectorUnit(64, 32, True)
    if "avx2" in features:
        return VectorUnit(32, 16, False)
    if platform.machine().lower() in ("arm64", "aarch64"):
        return VectorUnit(16, 32, False)   # NEON
    return VectorUnit(16, 16, False)       # SSE, or whatever LLVM makes of four lanes


VECTOR_UNIT = _detect()
