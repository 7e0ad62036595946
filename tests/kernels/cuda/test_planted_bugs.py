"""Bugs that are planted in the kernels themselves: would the tests see them? Each is a change of a few letters in the source."""
import inspect
import linecache
import textwrap

import numpy as np
import pytest

import kernels.cuda
from kernels.cuda import moving, simple_matmul, warpgroup_matmul
from kernels.cuda.simulator import Simulator, errors
from tests.kernels.agreement import changed, numbers, output
from tests.kernels.cuda.agreement import ON_GPU, agree, machine
from tests.kernels.cuda.test_tensor_core import product

pytestmark = pytest.mark.skipif(ON_GPU, reason="on a GPU nobody notices a race, and a wrong address spoils the process")


def _launched(look, name, monkeypatch):
    """The kernel of that name that look() launches."""
    found, launch = {}, Simulator.launch

    def watched(self, kernel, *arguments):
        found[kernel.__name__] = kernel
        launch(self, kernel, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Simulator, "launch", watched)
        look()
    return found[name]


def _with(function, right, wrong):
    """The function with a piece of its source, which is there once, in another form."""
    source = textwrap.dedent(inspect.getsource(function))
    source = source[source.index("def "):]   # without decorators
    assert source.count(right) == 1, f"{function.__name__} has {source.count(right)} times {right!r}: plant the bug elsewhere"
    text = (f"def around({', '.join(function.__code__.co_freevars)}):\n{textwrap.indent(source.replace(right, wrong), '    ')}\n"
            f"    return {function.__name__}\n")
    file = f"<{function.__name__} with {wrong!r}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    names = dict(function.__globals__)
    exec(compile(text, file, "exec"), names)
    return names["around"](*[cell.cell_contents for cell in function.__closure__ or ()])


def _transpose():
    x = np.arange(40 * 36, dtype=np.float32).reshape(40, 36)
    y = machine().empty((36, 40), np.float32)
    moving.copy(machine().to_device(x).T, y)
    np.testing.assert_array_equal(y.to_host(), x.T)


def _product():
    agree("matmul", numbers(0, (40, 33), np.float32), numbers(1, (33, 36), np.float32), output((40, 36), np.float32))


def _shared_product():
    agree("matmul", numbers(0, (5, 40), np.float32), numbers(1, (40, 6), np.float32),
          output((5, 6), np.float32), package=_Tiled)


class _Tiled:
    matmul = staticmethod(simple_matmul.tiled)


def _convolution():
    settings = (1, 1), (1, 1), (1, 1), 1
    with kernels.cuda.algorithm("implicit"):
        agree("conv2d", numbers(0, (1, 4, 5, 5), np.float32), numbers(1, (4, 4, 3, 3), np.float32), None, output((1, 4, 5, 5), np.float32),
              *settings, units=8)


def _columns():
    agree("sum", numbers(0, (64, 5), np.float32), output((1, 5), np.float32), (0,), terms=64)


def _sgd():
    agree("sgd", changed(numbers(0, (5,), np.float32)), numbers(1, (5,), np.float32), None, 0.1, 0, 0.0, False, terms=1)


def _tensor_cores():
    product((20, 36, 80), 0, False, False, False, "high")


def _warpgroups():
    product((20, 17, 200), 0, False, False, False, "high", form=warpgroup_matmul)


NOTICED = AssertionError, errors.KernelError   # by the result, or by the simulator

BUGS = {   # name: (who looks, the kernel, what stands there, what is planted there, what is seen)
    "a transposition without its barrier": (_transpose, "_copy_tiles", "    cuda.syncthreads()\n", "", errors.KernelError),
    "rows and columns of shared memory exchanged": (
        _transpose, "_copy_tiles", "tile[x, uint32(y + k)]", "tile[uint32(y + k), x]", NOTICED),
    "a stride exchanged": (
        _transpose, "_copy_tiles", "int32(first_row + y) * down_target", "int32(first_row + y) * down_source", NOTICED),
    "a tree of sums without its barrier": (_columns, "_columns", "        cuda.syncthreads()\n", "", errors.KernelError),
    "a tile read beyond the end of a row": (
        _shared_product, "_tiled", "first + left_k < depth", "first + left_k <= depth", NOTICED),
    "a tile overwritten while others read it": (
        _shared_product, "_tiled", "        cuda.syncthreads()\n    row, column", "    row, column", errors.DataRace),
    "a register tile without its barrier": (_product, "product_64x128", "            cuda.syncthreads()\n", "", errors.KernelError),
    "an image one row too high": (
        _convolution, "product_64x128", "row_step) < uint32(right_height)", "row_step) <= uint32(right_height)", NOTICED),
    "one thread too many": (_sgd, "_sgd4", "i + uint32(4) <= uint32(", "i <= uint32(", NOTICED),
    "copies that are not waited for": (_tensor_cores, "product", "copy_wait_but_2()", "pass", errors.NotArrived),
    "a slab that is overwritten while others read it": (
        _tensor_cores, "product", "cuda.syncthreads()   # a slab is there for all, and all are done with the one before", "pass",
        errors.KernelError),
    "a warpgroup's copies that are not waited for": (
        _warpgroups, "product", "0, 0)\n        copy_wait_but_1()", "0, 0)", errors.NotArrived),
    "a warpgroup that may not see what copies have brought": (
        _warpgroups, "product", "publish_to_warpgroups()\n        cuda.syncthreads()   # the", "cuda.syncthreads()   # the",
        errors.NotArrived),
    "sums of a warpgroup that are not waited for": (_warpgroups, "product", "finish(sums, shared, 0, 0)", "pass", NOTICED),
    "a warpgroup's slab that is overwritten while others read it": (
        _warpgroups, "product", "cuda.syncthreads()   # the slab after the next one is there for all, and all are done with this one",
        "pass", errors.KernelError),
}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_seen(name, monkeypatch):
    look, kernel, right, wrong, seen = BUGS[name]
    kernel = _launched(look, kernel, monkeypatch)
    monkeypatch.setattr(kernel, "function", _with(kernel.function, right, wrong))
    with pytest.raises(seen):
        look()
