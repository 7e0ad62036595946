"""What kernels do wrong, one class for each kind of mistake, and the sentence that says where."""
import linecache
import os


class KernelError(RuntimeError):
    """A mistake of a kernel. The kinds below say which; these attributes say where (None where that is not known):

    kernel, block, thread   the kernel's name, and the indices (x, y, z)
    file, line              where in the source
    problem                 what happened, without the place
    """

    kernel = block = thread = file = line = culprit = None

    def __init__(self, problem, place=None):
        super().__init__(problem)
        self.problem, self.place = problem, place   # place: (file, line), where it is not what runs

    def of(self, thread):
        """It is that thread's, not the running one's."""
        self.culprit = thread
        return self

    def locate(self, kernel, block, thread, place):
        """Fill in where it happened."""
        self.kernel, self.block, self.thread = kernel, block, thread
        self.file, self.line = self.place or place or (None, None)
        self.args = (str(self),)

    def __str__(self):
        if self.kernel is None:
            return self.problem
        where = "" if self.thread is None else f", thread {_triple(self.thread)} of block {_triple(self.block)}"
        if self.line is None:
            return f"kernel {self.kernel}{where}: {self.problem}"
        source = linecache.getline(self.file, self.line).strip()
        return (f"kernel {self.kernel}{where}, in line {self.line} of {os.path.basename(self.file)}: {self.problem}"
                + (f"\n    {source}" if source else ""))


class OutOfRange(KernelError):
    """An index that is negative or too large."""


class Uninitialised(KernelError):
    """A read of what nobody has written; also of what a shuffle brings from a lane that takes no part."""


class NotArrived(Uninitialised):
    """A read of what `copy_async` has not yet brought: `copy_wait` is missing."""


class Misaligned(KernelError):
    """A vector load, a vector store or an asynchronous copy at an address that is not a multiple of its size."""


class DataRace(KernelError):
    """Two threads use one number, one of them at least writes it, and nothing says who comes first."""


class BarrierError(KernelError):
    """Threads wait for others that never come, or that wait elsewhere."""


class WrongValue(KernelError):
    """A value that an array, a type or an operation cannot take."""


class LaunchError(KernelError):
    """A grid, a block or shared memory larger than a GPU has, or arguments that do not fit."""


class NotSimulated(KernelError):
    """Something that a GPU could do and the simulator cannot."""


def _triple(index):
    return "({}, {}, {})".format(*index)
