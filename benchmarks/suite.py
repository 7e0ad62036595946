"""Running the cases: each framework in its process, first asked for its result, then timed."""
import contextlib
import re
import time

import numpy as np

from benchmarks import cases, frameworks, startup, timer
from benchmarks.worker import Worker, available_threads
from minicnn.errors import InputError, RunError


def everything():
    """All cases, in the order of the table."""
    return [*cases.ALL, *startup.CASES]


def select(words, full):
    """The cases that have one of the words in their name, in whatever case of letters; all, if there are none. Without `full`
    the quick ones, unless the words ask for others only."""
    return among(everything(), words, full)


def among(everything, words, full):
    matching = [case for case in everything if not words or any(_has(case, word) for word in words)]
    if not matching:
        groups = list(dict.fromkeys(case.group for case in everything))
        raise InputError(f"no benchmark has {' or '.join(map(repr, words))} in its name; there are: {', '.join(groups)}, "
                         "and whatever the table shows")
    return matching if full else [case for case in matching if case.quick] or matching


def _has(case, word):
    """Does one of the words of a case's name begin so? LeNet is not in GoogLeNet."""
    return re.search(r"(?<!\w)" + re.escape(word), f"{case.group} {case.subject} {case.aspect}", re.IGNORECASE)


def run(chosen, thread_counts, effort, names, told=lambda text: None):
    """Measure: yields a record for each case and number of threads, before and after each such row {"machine": ...}, and
    {"left_out": {name: why}} for a framework that turns out not to run here.

    names   of the frameworks, the first being ours
    told    called with the name of what comes next
    """
    names = list(names)
    kernels = [case for case in chosen if isinstance(case, cases.Case)]
    processes = [case for case in chosen if isinstance(case, startup.StartupCase)]
    for place, threads in enumerate(thread_counts if kernels else ()):
        # What threads do for plain NumPy is nobody's question, and rounding errors do not depend on them.
        once = (frameworks.DEFINITION, frameworks.EXACT) if place > 0 else ()
        for facts in _run_kernels(kernels, threads, effort, [name for name in names if name not in once], told):
            names = [name for name in names if name not in facts.get("left_out", ())]
            yield facts
    if processes:
        told("whole processes")
        for case, measurements in startup.measure(processes, names, available_threads()):
            yield record(case, available_threads(), measurements, unit="bytes" if case.quantity == "peak_memory" else "s")


def _run_kernels(chosen, threads, effort, names, told):
    with contextlib.ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(name, threads)) for name in names if any(case.is_for(name) for case in chosen)}
        for name, worker in list(workers.items()):
            try:
                told(f"{name} starts")
                worker.wait()
            except RunError as error:
                if name == frameworks.OURS:
                    raise
                del workers[name]
                yield {"left_out": {name: str(error)}}

        def own_seconds():
            return time.process_time() + sum(worker.processor_seconds() for worker in workers.values())

        told("the machine's peak")
        yield {"machine": workers[frameworks.OURS].machine()}
        for case in chosen:
            told(f"{case.subject}, {case.aspect}")
            part = {name: worker for name, worker in workers.items() if case.is_for(name)}
            first_calls, errors = _prepare(case, part)
            measurements = timer.interleave({name: worker.run for name, worker in part.items() if name != frameworks.EXACT},
                                            effort, own_seconds)
            for worker in part.values():
                worker.forget()
            yield record(case, threads, measurements, first_calls, errors, workers[frameworks.OURS].algorithm(cases.key_of(case)))
        yield {"machine": workers[frameworks.OURS].machine()}   # whoever was busy at the beginning may be done


def _prepare(case, workers):
    """Make the case ready everywhere; the results must agree.

    Returns how long the first calls took, {name: seconds}, and how far results are from the one in float64, {name: error}, which
    is empty where nobody computes in float64.
    """
    first_calls, samples = {}, {}
    for name, worker in workers.items():
        first_calls[name], sample = worker.prepare(cases.key_of(case))
        samples[name] = np.array(sample)
    for name in samples:
        found = difference(samples[frameworks.OURS], samples[name])
        if not found < case.tolerance:
            raise RunError(f"{cases.key_of(case)}: {frameworks.OURS} and {name} give different results, by {found:.1e} of "
                           "their size; there is no point in timing that")
    exact = samples.pop(frameworks.EXACT, None)
    first_calls.pop(frameworks.EXACT, None)
    errors = {} if exact is None else {name: difference(sample, exact) for name, sample in samples.items()}
    return first_calls, errors


def difference(sample, other):
    """The Euclidean norm of the difference, relative to that of `other`."""
    return float(np.linalg.norm(sample - other) / max(np.linalg.norm(other), 1e-30))


def record(case, threads, measurements, first_calls=None, errors=None, algorithm=None, unit="s"):
    """What the JSON file holds of a case at a number of threads. Rates are those of our median; a multiply-add counts as two."""
    facts = {"group": case.group, "subject": case.subject, "aspect": case.aspect, "threads": threads, "unit": unit,
             "contenders": {name: measurement._asdict() for name, measurement in measurements.items()}}
    if algorithm:
        facts["algorithm"] = algorithm
    for quantity, values in {"first_call": first_calls or {}, "error": errors or {}}.items():
        for name, value in values.items():
            facts["contenders"][name][quantity] = value
    ours = measurements[frameworks.OURS].median
    if getattr(case, "multiply_adds", 0):
        facts["multiply_adds"] = case.multiply_adds
        facts["gflops"] = 2e-9 * case.multiply_adds / ours
    if getattr(case, "bytes", 0):
        facts["bytes"] = case.bytes
        facts["gigabytes_per_second"] = 1e-9 * case.bytes / ours
    return facts
