"""The machine code of the register tiles, for processors that this machine may not be: their inner loops leave the registers for
nothing but the operands."""
import os
import platform
import re
import subprocess
import sys

import llvmlite.binding as llvm
import pytest

# Compiles one tile for the processor that the environment names and prints the code; for NEON, from LLVM's own notation on.
PROGRAM = """
import platform
import re
import sys

tile_name, left, machine, triple = sys.argv[1:]
platform.machine = lambda: machine

import llvmlite.binding as llvm
import numba
from numba import types

from kernels.cpu import compiler, tile

array, offsets, n = types.Array(types.float32, 1, "C"), types.Array(types.int64, 1, "C"), types.int64
signature = {
    "outer_tile": (n, n, array, n, n, n, array, n, offsets, n, array, n, n, array, n, n, n, n, n, n, n, types.boolean),
    "dot_tile": (n, n, array, n, n, n, array, n, n, offsets, n, array, n, n, n, n)}[tile_name]
arguments = ", ".join(f"a{i}" for i in range(len(signature)))
given = arguments
if tile_name == "outer_tile":   # the left matrix's steps as the kernels have them: panels, or rows
    given = arguments.replace("a4, a5,", {"panels": "1, a0,", "rows": "a4, 1,"}[left])
exec(f"def run({arguments}): tile.{tile_name}({given})")
run = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **compiler._OPTIONS)(run)
run.compile(signature)
if not triple:
    print(run.inspect_asm(run.signatures[0]))
else:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    code = re.sub('target datalayout = .*', '', run.inspect_llvm(run.signatures[0]))
    code = llvm.parse_assembly(re.sub('target triple = .*', f'target triple = "{triple}"', code))
    print(llvm.Target.from_triple(triple).create_target_machine(cpu="neoverse-n1", opt=3).emit_assembly(code))
"""

AVX2 = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+sse2,+sse4.2,+bmi,+bmi2"}, "x86_64", ""
NEON = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "+sse2"}, "aarch64", "aarch64-unknown-linux-gnu"
PROCESSORS = {"AVX2": AVX2, "NEON": NEON}


def loops(code):
    """The bodies of the innermost loops: lists of instructions, from a label to the jump back to it."""
    bodies, label, body = [], None, []
    for line in map(str.strip, code.splitlines()):
        if match := re.match(r"(\.?L\w+):", line):
            label, body = match[1], []
        elif line and not line.startswith((".", "#", "/", ";")):
            body.append(line)
            if label and re.match(rf"(j\w+|b\.\w+|cbn?z .*,|tbn?z .*,)\s+{re.escape(label)}$", line):
                bodies.append(body)
                label, body = None, []
    return bodies


def needs_target(processor):
    """Can this machine's Numba be told to compile for that processor, and has its LLVM the target?"""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip("compiles for other processors from x86-64 only")
    if processor == "NEON":
        llvm.initialize_all_targets()
        try:
            llvm.Target.from_triple(NEON[2])
        except RuntimeError:
            pytest.skip("this LLVM compiles for x86-64 only")


@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("tile, left, sums", [("outer_tile", "panels", {"AVX2": [12, 12], "NEON": [24, 24]}),
                                              ("outer_tile", "rows", {"AVX2": [12, 12], "NEON": [24, 24]}),
                                              ("dot_tile", "", {"AVX2": [12], "NEON": [24]})])
def test_inner_loops_stay_in_registers(tile, left, sums, processor):
    needs_target(processor)
    settings, machine, triple = PROCESSORS[processor]
    result = subprocess.run([sys.executable, "-W", "error", "-c", PROGRAM, tile, left, machine, triple],
                            env={**os.environ, **settings}, capture_output=True, text=True)
    assert not result.returncode, result.stderr
    tight = []   # but for loads, broadcasts and a few steps of counters all are multiply-adds; those of the edges need more broadcasts
    for body in loops(result.stdout):
        multiply_adds = sum(bool(re.match(r"vfmadd\w+ps\s.*ymm|fmla", instruction)) for instruction in body)
        if multiply_adds and not any("vmaskmov" in instruction for instruction in body):   # under masks: the rest of a line, once
            spilled = [instruction for instruction in body if re.search(r"\(%[re]?sp|\[sp", instruction)]
            if left == "rows":   # six addresses more than panels need: on x86 some of them, not numbers, come from the stack
                spilled = [instruction for instruction in spilled if not instruction.startswith("movq")]
            assert not spilled, body
            if len(body) <= (2.5 if left == "rows" else 2.2) * multiply_adds:
                tight.append(multiply_adds)
    assert sum(count % sums[processor][0] == 0 for count in tight) >= len(sums[processor]), tight
