"""What a kernel needs of a multiprocessor, by the word of NVIDIA's assembler: no GPU is needed to ask."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import typing

from . import cache


class Resources(typing.NamedTuple):
    registers: int       # of a thread
    shared: int          # bytes of a block, without the dynamic ones
    stack: int           # bytes of local memory of a thread
    spilled: int         # bytes that did not fit into registers, written and read
    ptx: str


def resources(kernel, codes, compute_capability=(9, 0)):
    """The Resources of a kernel with arguments of these types (launch.type_code)."""
    return assemble(cache.ptx(kernel, codes, compute_capability)[0], compute_capability)


def assemble(ptx, compute_capability):
    """The Resources of what is written in PTX, which may be for an older GPU than this one."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "kernel.ptx")
        source.write_text(ptx)
        own = "a" * bool(re.search(r"^\.target sm_\d+a", ptx, re.MULTILINE))   # it has instructions of this one GPU
        architecture = "sm_" + "".join(map(str, compute_capability)) + own
        done = subprocess.run([assembler(), "-v", f"-arch={architecture}", source, "-o", source.with_suffix(".cubin")],
                              capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    used = re.search(r"Used (\d+) registers", done.stderr)
    shared = re.search(r"(\d+) bytes smem", done.stderr)
    stack, stores, loads = map(int, re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads",
                                              done.stderr).groups())
    return Resources(int(used[1]), int(shared[1]) if shared else 0, stack, stores + loads, ptx)


def assembler():
    """Where ptxas is: installed on the system, or with the package nvidia-cuda-nvcc."""
    for folder in sys.path:
        path = pathlib.Path(folder, "nvidia", "cu13", "bin", "ptxas")
        if path.exists():
            return path
    found = shutil.which("ptxas")
    if found is None:
        raise FileNotFoundError("ptxas is missing: pip install 'minicnn[test]' brings it")
    return found
