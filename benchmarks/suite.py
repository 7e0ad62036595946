"""Running the cases: each framework in its process, first asked for its result, then timed."""
import contextlib
import time

import numpy as np

from benchmarks import cases, frameworks, startup, timer
from benchmarks.worker import Worker, available_threads
from minicnn.errors import InputError, RunError

_AGREE = 1e-3   # relative difference of two results that float32 may explain


def everything():
    """All cases, in the order of the table."""
    return [*cases.ALL, *startup.CASES]


def select(words, full):
    """The cases that have one of the words in their name, in whatever case of letters; all, if there are none. Without `full`
    the quick ones, unless the words ask for others only."""
    matching = [case for case in everything() if not words or any(word.lower() in _name(case) for word in words)]
    if not matching:
        groups = list(dict.fromkeys(case.group for case in everything()))
        raise InputError(f"no benchmark has {' or '.join(map(repr, words))} in its name; there are: {', '.join(groups)}, "
                         "and whatever the table shows")
    return matching if full else [case for case in matching if case.quick] or matching


def _name(case):
    return f"{case.group} {case.subject} {case.aspect}".lower()


def run(chosen, thread_counts, effort, names, told=lambda text: None):
    """Measure: yields a record for each case and number of threads, and before and after each such row {"machine": ...}.

    names   of the frameworks, the first being ours
    told    called with the name of what comes next
    """
    kernels = [case for case in chosen if isinstance(case, cases.Case)]
    processes = [case for case in chosen if isinstance(case, startup.StartupCase)]
    for place, threads in enumerate(thread_counts if kernels else ()):
        # What threads do for plain NumPy is nobody's question.
        measured = names if place == 0 else [name for name in names if name != frameworks.DEFINITION]
        yield from _run_kernels(kernels, threads, effort, measured, told)
    if processes:
        told("whole processes")
        for case, measurements in startup.measure(processes, names, available_threads()):
            yield record(case, available_threads(), measurements, unit="bytes" if case.quantity == "peak_memory" else "s")


def _run_kernels(chosen, threads, effort, names, told):
    with contextlib.ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(name, threads)) for name in names}

        def own_seconds():
            return time.process_time() + sum(worker.processor_seconds() for worker in workers.values())

        told("the machine's peak")
        yield {"machine": workers[frameworks.OURS].machine()}
        for case in chosen:
            told(f"{case.subject}, {case.aspect}")
            part = {name: worker for name, worker in workers.items() if case.on_definition or name != frameworks.DEFINITION}
            first_calls = _prepare(case, part)
            measurements = timer.interleave({name: worker.run for name, worker in part.items()}, effort, own_seconds)
            yield record(case, threads, measurements, first_calls)
        yield {"machine": workers[frameworks.OURS].machine()}   # whoever was busy at the beginning may be done


def _prepare(case, workers):
    """Make the case ready everywhere; the results must agree. Returns how long the first calls took, in seconds."""
    first_calls, samples = {}, {}
    for name, worker in workers.items():
        first_calls[name], sample = worker.prepare(cases.key_of(case))
        samples[name] = np.array(sample)
    ours = samples[frameworks.OURS]
    for name, sample in samples.items():
        difference = np.linalg.norm(sample - ours) / max(np.linalg.norm(sample), 1e-30)
        if not difference < _AGREE:
            raise RunError(f"{cases.key_of(case)}: {frameworks.OURS} and {name} give different results, by {difference:.1e} of "
                           "their size; there is no point in timing that")
    return first_calls


def record(case, threads, measurements, first_calls=None, unit="s"):
    """What the JSON file holds of a case at a number of threads. Rates are those of our median; a multiply-add counts as two."""
    facts = {"group": case.group, "subject": case.subject, "aspect": case.aspect, "threads": threads, "unit": unit,
             "contenders": {name: measurement._asdict() for name, measurement in measurements.items()}}
    for name, seconds in (first_calls or {}).items():
        facts["contenders"][name]["first_call"] = seconds
    ours = measurements[frameworks.OURS].median
    if getattr(case, "multiply_adds", 0):
        facts["multiply_adds"] = case.multiply_adds
        facts["gflops"] = 2e-9 * case.multiply_adds / ours
    if getattr(case, "bytes", 0):
        facts["bytes"] = case.bytes
        facts["gigabytes_per_second"] = 1e-9 * case.bytes / ours
    return facts
