"""What all kernels need of a multiprocessor, by NVIDIA's assembler, for GPUs of compute capability 7.5, 8.0 and 9.0; no GPU is needed.

The compiler writes the same PTX for all three, but for its heading: registers came out equal from PTX for 7.5 and for 9.0. So a kernel is
compiled once, for the oldest GPU that it is for, and assembled for each.
"""
import functools
import pathlib
import re

import pytest

import kernels.cuda
from benchmarks.cuda.compilation import forked
from benchmarks.worker import available_threads
from kernels.cuda import cache, report
from tests.kernels.cuda import launches

ARCHITECTURES = (7, 5), (8, 0), (9, 0)
ALL_REGISTERS = 65536   # of a multiprocessor; they are handed out by 8 a thread and 32 threads
USES = 3                # of each kernel that are compiled: types that differ little give machine code that differs little

# The most registers that a thread may take, on any of the GPUs and for any types. More of them are fewer threads on a multiprocessor,
# and nobody should find that out by chance.
USUAL = 64
REGISTERS = {
    "direct._grad_input": 80,
    "fours.maxima": 72,
    "held_rows.gradient": 128,
    "normalization._local_response_gradient_of_five": 88,
    "tensor_core_convolution.convolution": 216,
    "tensor_core_matmul.product": 96,
    "tensor_core_weight_gradient.gradient": 224,
    "tile.product_128x128": 168,
    "tile.product_32x128": 168,
    "tile.product_32x64": 168,
    "tile.product_64x128": 168,
    "tile.product_64x64": 168,
    "warpgroup_convolution.convolution": 224,
    "warpgroup_matmul.product": 136,
    "warpgroup_weight_gradient.gradient": 216,
    "winograd._transform_sums": 96,
}
FOLDER = pathlib.Path(kernels.cuda.__file__).parent
UNUSED = {"grid", "launch", "simple_reduction"}   # examples in docstrings; what a reader compares with
FILES = [path.stem for path in sorted(FOLDER.glob("*.py")) if re.search(r"^\s*@kernel|\bKernel\(", path.read_text(), re.MULTILINE)]


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


_uses = []   # for the processes that are forked from this one


def _compile(place):
    try:
        compiled = Compiled(_uses[place])
    except Exception as error:
        return [f"{type(error).__name__}: {error}"], {}
    return compiled.wrong, compiled.resources


@functools.cache
def compiled():
    """{file: [(Use, what is wrong with it, {compute capability: Resources})]}, of all that is launched."""
    _uses[:] = launches.some(launches.uses(), USES)
    with forked(available_threads()) as pool:
        results = pool.map(_compile, range(len(_uses)), chunksize=1)
    found = {}
    for use, (wrong, resources) in zip(_uses, results):
        found.setdefault(use.name.partition(".")[0], []).append((use, wrong, resources))
    return found


def fits(use, registers):
    """Is there room for the block, and for as many blocks as launch_bounds asks for?"""
    bounds = use.kernel.launch_bounds or use.threads
    threads, blocks = bounds if isinstance(bounds, tuple) else (bounds, 1)
    warps = -(-max(threads, use.threads) // 32)
    return use.threads <= threads and -(-registers // 8) * 8 * 32 * warps * blocks <= ALL_REGISTERS


@pytest.mark.parametrize("file", sorted(set(FILES) - UNUSED))
def test_kernels_of_a_file(file):
    """In registers alone, as many as the table says; in single precision, if they are given that; with addresses of known spaces."""
    for use, wrong, resources in compiled()[file]:
        which = f"{use.name} for {use.types}"
        assert not wrong, f"{which}: {'; '.join(wrong)}"
        for architecture, found in resources.items():
            assert not found.stack and not found.spilled, f"{which} spills registers on {architecture}: {found}"
            assert found.registers <= REGISTERS.get(use.name, USUAL), f"{which} takes {found.registers} registers on {architecture}"
            assert fits(use, found.registers), f"{which}: {found.registers} registers are too many on {architecture}"


def test_the_table_is_up_to_date():
    names = {use.name for uses in compiled().values() for use, _, _ in uses}
    assert set(REGISTERS) <= names and compiled().keys() | UNUSED == set(FILES) | UNUSED
    for name, bound in REGISTERS.items():
        most = max(found.registers for use, _, resources in compiled()[name.partition(".")[0]] if use.name == name
                   for found in resources.values())
        assert bound - 16 <= most, f"{name} takes {most} registers only: the table can ask for less than {bound}"
