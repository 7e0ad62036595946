"""What a case asks of the GPU, found out without one: how many kernels it launches, and which have to be compiled."""
import contextlib

from benchmarks.arrays import unseen
from benchmarks.cuda import cases, contenders
from kernels.cuda.rehearsal import Rehearsal

NAME = "rehearsal"


class _Recording:
    """In place of a graph that a step is recorded in: numbers that change lie on the device."""

    def __init__(self, machine):
        self.machine, self.changed = machine, []

    def varying(self, number, dtype):
        return self.machine.empty((), dtype)

    def made(self, array):
        return True   # what may not be recorded, the GPU says

    def keep(self, arguments):
        pass

    def hold(self, memory):
        pass


class Stage(Rehearsal):
    """A rehearsal that can be said to record."""

    recording = None

    def synchronize(self):
        pass


@contextlib.contextmanager
def recording(stage):
    """Inside the `with`, what is launched is what a graph would record."""
    stage.recording = _Recording(stage)
    try:
        yield
    finally:
        stage.recording = None


def rehearse(case, precision):
    """Launches, three lists of rehearsal.Launch: of all up to the first call, of a later one, of one that is recorded."""
    stage = Stage()
    with contenders.minicnn(precision, stage) as contender, unseen():
        call = case.prepare(contender)
        call()
        first = len(stage.launches)
        call()
        later = len(stage.launches)
        with recording(stage):
            call()
    return stage.launches[:first], stage.launches[first:later], stage.launches[later:]


def to_compile(chosen, precisions, told=lambda text: None):
    """{(kernel, types)} of all that these cases launch."""
    found = {}
    for case in chosen:
        for precision in precisions:
            if precision in case.precisions:
                told(f"{case.subject}, {case.aspect}")
                for launches in rehearse(case, precision):
                    for launch in launches:
                        found.setdefault((launch.kernel, launch.types), None)
    return list(found)


class Process:
    """Answers how many kernels a call launches."""

    def ready(self):
        return True

    def launches(self, key, precision):
        return len(rehearse(cases.get(key), precision)[1])
