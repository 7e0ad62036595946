"""A case: one thing that is measured on a GPU, written once for all contenders."""
from typing import Callable, NamedTuple

from benchmarks.cuda.contenders import PRECISIONS


class Case(NamedTuple):
    """What is measured.

    group, subject, aspect  where it stands in the table: "convolution", "VGG-16: 64 to 64, ...", "forward"
    prepare                 prepare(contender) makes the arrays and returns a function without arguments: its calls are timed, and
                            what it returns is compared
    multiply_adds           how many one call takes by the definition, whatever an algorithm saves
    bytes                   how many must be moved at least: each input read once, each output written once
    quick                   measured also without --full
    precisions              in which it is measured: what multiplies no matrices is the same in both
    recorded                is the call recorded as a graph, so that only the GPU's own time counts? Whole steps are called
                            as users call them, or record themselves
    tolerance               relative difference of two results in single precision that rounding may explain
    """

    group: str
    subject: str
    aspect: str
    prepare: Callable
    multiply_adds: int = 0
    bytes: int = 0
    quick: bool = True
    precisions: tuple = PRECISIONS
    recorded: bool = True
    tolerance: float = 1e-3


def key_of(case):
    """A name for it that no other has."""
    return f"{case.group}: {case.subject}: {case.aspect}"
