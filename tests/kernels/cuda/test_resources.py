"""What all kernels need of a multiprocessor, by NVIDIA's assembler, for GPUs of compute capability 7.5, 8.0 and 9.0; no GPU is needed.

The compiler writes the same PTX for all three, but for its heading: registers came out equal from PTX for 7.5 and for 9.0. So a kernel is
compiled once, for the oldest GPU that it is for, and assembled for each.
"""
import functools
import multiprocessing
import os
import re

import pytest

from kernels.cuda import cache, report
from tests.kernels.cuda import launches

ARCHITECTURES = (7, 5), (8, 0), (9, 0)
ALL_REGISTERS, MOST = 65536, 255   # of a multiprocessor, of a thread

# The most registers that a thread of a kernel may take, on any of the GPUs and for any types: if it takes more, fewer threads fit on a
# multiprocessor, and one should know it.
REGISTERS = {}


class Compiled:
    """A use of a kernel, and what came of it."""

    def __init__(self, use):
        self.use, self.wrong, self.resources = use, [], {}
        ptx, _ = cache.ptx(use.kernel, use.types, use.compute_capability)
        for architecture in ARCHITECTURES:
            if architecture >= use.compute_capability:
                self.resources[architecture] = report.assemble(ptx, architecture)._replace(ptx="")
        if ".local" in ptx:
            self.wrong.append("has local memory")
        generic = re.findall(r"^\s*(?:@\S+\s+)?((?:ld|st|atom|red)\.(?!global|shared|param|const|local)[\w.]+)", ptx, re.MULTILINE)
        generic = [instruction for instruction in generic if not re.match(r"\w+\.(volatile|relaxed)\.(global|shared)", instruction)]
        if generic:
            self.wrong.append(f"has generic loads or stores: {sorted(set(generic))}")
        double = re.findall(r"^\s*(?:@\S+\s+)?([\w.]+\.f64\b\S*)", ptx, re.MULTILINE)
        if use.is_single and double:
            self.wrong.append(f"computes in double precision: {sorted(set(double))}")


_uses = []   # for processes that are forked from this one: kernels made by functions cannot be sent to them


def _compile(place):
    try:
        compiled = Compiled(_uses[place])
    except Exception as error:
        return [f"{type(error).__name__}: {error}"], {}
    return compiled.wrong, compiled.resources


@functools.cache
def compiled():
    """{name of a kernel: [(Use, what is wrong with it, {compute capability: Resources})]}, of all that is launched."""
    _uses[:] = sorted(launches.uses(), key=lambda use: -use.effort)
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        results = pool.map(_compile, range(len(_uses)), chunksize=1)
    found = {}
    for use, (wrong, resources) in zip(_uses, results):
        found.setdefault(use.name, []).append((use, wrong, resources))
    return found
