"""Whole processes, seen from outside: how soon the first training step is done, and how much memory a training run takes.

The program is benchmarks.program. It runs with the kernels' machine code on disk, as it is from the second start on; LeNet's also
with an empty cache, as on the day of installation, when the kernels are compiled first.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from benchmarks import frameworks, timer
from benchmarks.worker import environment
from minicnn.errors import RunError

STEPS, BATCH = 100, 64   # LeNet's
_ROUNDS = 3
_STEPS_OF_OTHERS = 2      # from the second step on, the optimiser's state is there
_WITH_PROGRAM = frameworks.OURS, frameworks.PYTORCH


class Run(NamedTuple):
    """One process: seconds that the import took, seconds from the process's start to the end of the first step, bytes or None."""

    imported: float
    first_step: float
    peak_memory: float


class StartupCase(NamedTuple):
    """What of a Run is looked at, and whether the kernels are compiled first."""

    group: str
    subject: str
    aspect: str
    quantity: str        # a field of Run
    compiled_first: bool = False
    quick: bool = True
    network: tuple = ("LeNet", BATCH)   # which one learns, and from how many images at a time


def _memory_case(name, batch, quick):
    return StartupCase("process", "peak memory of a training step", f"{name}, batch {batch}", "peak_memory", quick=quick,
                       network=(name, batch))


_MEMORY = f"peak memory of {STEPS} training steps of LeNet"
CASES = [
    StartupCase("process", "start of a program", "import", "imported"),
    StartupCase("process", "start of a program", "first training step", "first_step"),
    StartupCase("process", "start of a program", "the same, nothing compiled", "first_step", compiled_first=True),
    StartupCase("process", _MEMORY, "machine code on disk", "peak_memory"),
    StartupCase("process", _MEMORY, "nothing compiled", "peak_memory", compiled_first=True),
    _memory_case("ResNet-18", 16, quick=True),
    _memory_case("VGG-16", 2, quick=False),
]


def measure(cases, names, threads):
    """Yields each of the cases that can be measured here with its {name: Measurement} in seconds or bytes."""
    names = [name for name in names if name in _WITH_PROGRAM]
    for network in dict.fromkeys(case.network for case in cases):
        own = [case for case in cases if case.network == network]
        rounds, compiled = (_lenet_rounds if network[0] == "LeNet" else _other_rounds)(own, names, threads)
        for case in own:
            if getattr(rounds[0][1][frameworks.OURS], case.quantity) is None:
                continue
            taken = [timer.Round(disturbance, {name: getattr(run, case.quantity) for name, run in runs.items()})
                     for disturbance, runs in (compiled if case.compiled_first else rounds)]
            yield case, timer.summarize(taken, names, _ROUNDS)


def _lenet_rounds(cases, names, threads):
    """Rounds with machine code on disk, and one without, if a case needs it."""
    rounds = []
    for number in range(_ROUNDS):
        rounds.append(_take_round(names[::-1] if number % 2 else names, threads))
    compiled = []
    if any(case.compiled_first for case in cases):
        with tempfile.TemporaryDirectory() as folder:
            compiled.append(_take_round(names, threads, NUMBA_CACHE_DIR=folder))
    return rounds, compiled


def _other_rounds(cases, names, threads):
    """One round, since memory is the same in all, after one step of ours that compiles what is not on disk yet."""
    program = {"network": cases[0].network, "steps": _STEPS_OF_OTHERS}
    run_program(frameworks.OURS, threads, **{**program, "steps": 1})
    return [_take_round(names, threads, **program)], []


def _take_round(names, threads, **settings):
    """What others took of the machine meanwhile, and each one's Run."""
    others = timer.Others(_own_seconds)
    runs = {name: run_program(name, threads, **settings) for name in names}
    return others.share(), runs


def run_program(name, threads, steps=STEPS, network=("LeNet", BATCH), **settings):
    """Run benchmarks.program in a process with these environment variables."""
    facts = {}
    started = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.program", name, *map(str, network), str(steps)]
    variables = environment(threads, **settings)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=variables, text=True, encoding="utf-8") as process:
        for line in process.stdout:
            facts.update(json.loads(line))
            if "first_step" in facts:
                facts.setdefault("seconds", time.perf_counter() - started)
    if process.returncode:
        raise RunError(f"the program that trains {network[0]} with {name} ended with exit code {process.returncode}")
    return Run(facts["imported"], facts.get("seconds", 0.0), facts["peak_memory"])


def _own_seconds():
    """Processor time of this process and of those that it has started and seen the end of."""
    return sum(os.times()[:4])
