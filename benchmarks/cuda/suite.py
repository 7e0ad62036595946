"""Running the cases on a GPU: the contenders take turns, and what fails is said and left out."""
import contextlib
import subprocess
import sys
import time

import numpy as np

from benchmarks import suite as suite_of_processors
from benchmarks import timer
from benchmarks.cuda import cases, rehearsing
from benchmarks.cuda.case import key_of
from benchmarks.cuda.contenders import OURS, PYTORCH, SINGLE, TF32, available_precisions
from benchmarks.cuda.worker import Worker
from benchmarks.worker import available_threads, environment
from minicnn.errors import InputError, RunError

_TOLERANCE_OF_TF32 = 10   # times as much as in single precision


def select(words, full):
    """As benchmarks.suite.select, of the cases for a GPU."""
    return suite_of_processors.among(cases.ALL, words, full)


class Suite:
    """The processes, and what they are asked.

    effort    a timer.Effort
    """

    def __init__(self, effort, worker=Worker):
        self.effort = effort
        self.workers = {(name, precision): worker(name, precision) for precision in available_precisions()
                        for name in (OURS, PYTORCH)}
        self.rehearsal = worker(rehearsing.NAME, SINGLE)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for worker in [*self.workers.values(), self.rehearsal]:
            worker.close()

    def begin(self):
        """Wait for all: {name: why it does not run here}. Without ours there is nothing to measure."""
        left_out = {}
        for worker in self.workers.values():
            worker.tell("ready")
        for (name, precision), worker in list(self.workers.items()):
            try:
                worker.answer()
            except RunError as error:
                if (name, precision) == (OURS, SINGLE):
                    raise
                worker.close()
                del self.workers[name, precision]
                left_out[f"{name} in {precision}"] = str(error)
        return left_out

    def facts(self):
        return self.workers[OURS, SINGLE].ask("facts")

    def measure(self, case):
        """A list of records, one for each precision, and {who: why} of those that failed."""
        key, failed = key_of(case), {}
        part = {who: worker for who, worker in self.workers.items() if who[1] in case.precisions}
        precisions = list(dict.fromkeys(precision for _, precision in part))
        for worker in part.values():
            worker.tell("prepare", key)
        launches = self._launches(key, precisions)
        first_calls, samples = {}, {}
        for who, worker in list(part.items()):
            with self._watched(who, part, failed):
                first_calls[who], samples[who] = worker.answer()
        rounds = self._take_turns(part, failed)
        for who, worker in list(part.items()):
            with self._watched(who, part, failed):
                worker.ask("forget")
        records = [_record(case, precision, rounds, first_calls, samples, launches, self.effort) for precision in precisions]
        return [record for record in records if record], failed

    def _launches(self, key, precisions):
        """How many kernels a call launches, where that can be told."""
        found = {}
        for precision in precisions:
            try:
                found[precision] = self.rehearsal.ask("launches", key, precision)
            except RunError:
                self.rehearsal.restart()
        return found

    def _take_turns(self, part, failed):
        repetitions, rounds = {}, []
        for who, worker in list(part.items()):
            with self._watched(who, part, failed):
                fastest = min(worker.ask("run", 1) for _ in range(2))
                repetitions[who] = max(1, min(2000, round(self.effort.least / max(fastest, 1e-7))))
        started = time.perf_counter()
        while part and len(rounds) < self.effort.rounds and (len(rounds) < 2 or time.perf_counter() - started < self.effort.patience):
            turns, seconds = list(part)[::-1 if len(rounds) % 2 else 1], {}
            for who in turns:
                with self._watched(who, part, failed):
                    part[who].ask("run", max(1, repetitions[who] // 4))   # wakes it
                    seconds[who] = part[who].ask("run", repetitions[who])
            rounds.append(timer.Round(0.0, seconds))
        return rounds

    @contextlib.contextmanager
    def _watched(self, who, part, failed):
        """Whoever fails inside takes no more part in this case. Its process starts anew: a kernel may have spoilt the GPU for it."""
        try:
            yield
        except RunError as error:
            failed[" ".join(who)] = str(error)
            part.pop(who, None)
            try:
                self.workers[who].restart()
            except RunError as lost:
                failed[" ".join(who)] += f"; and it does not start again: {lost}"
                del self.workers[who]


def _record(case, precision, rounds, first_calls, samples, launches, effort):
    """What the JSON file holds of a case in a precision; None if ours did not run."""
    names = [name for name in (OURS, PYTORCH) if any((name, precision) in taken.seconds for taken in rounds)]
    if OURS not in names:
        return None
    own = [timer.Round(0.0, {name: taken.seconds[name, precision] for name in names if (name, precision) in taken.seconds})
           for taken in rounds if (OURS, precision) in taken.seconds]
    names = [name for name in names if any(name in taken.seconds for taken in own)]
    measurements = timer.summarize(own, names, effort.rounds)
    facts = suite_of_processors.record(case, precision, measurements, {name: first_calls[name, precision] for name in names})
    facts["precision"] = facts.pop("threads")
    if precision in launches:
        facts["launches"] = launches[precision]
    ours, theirs = samples[OURS, precision], samples.get((PYTORCH, precision))
    if theirs is not None:
        facts["difference"] = suite_of_processors.difference(np.array(ours), np.array(theirs))
        facts["agree"] = bool(facts["difference"] < case.tolerance * (_TOLERANCE_OF_TF32 if precision == TF32 else 1))
    return facts


def run(chosen, effort, seconds, on_gpu=True, told=lambda text: None, worker=Worker):
    """Measure: yields records, and {"facts": ...}, {"left_out": ...}, {"failed": ...} as they turn up.

    seconds   after which no further case is begun
    """
    from benchmarks.cuda import compilation

    started = time.perf_counter()
    told("kernels are compiled")
    for name, error in compilation.compile_all(chosen, on_gpu=on_gpu, told=told).items():
        yield {"failed": {name: error}}
    yield {"facts": {"compilation": time.perf_counter() - started}}
    with Suite(effort, worker=worker) as suite:
        yield {"left_out": suite.begin()}
        told("the GPU's peaks")
        yield {"facts": suite.facts()}
        for place, case in enumerate(chosen):
            if time.perf_counter() - started > seconds:
                yield {"left_out": {f"{len(chosen) - place} of {len(chosen)} cases": "the time was over"}}
                return
            told(f"{case.subject}, {case.aspect}")
            records, failed = suite.measure(case)
            if failed:
                yield {"failed": {f"{key_of(case)}: {name}": error for name, error in failed.items()}}
            yield from records
            if (OURS, SINGLE) not in suite.workers:
                raise RunError("minicnn does not start any more on this GPU")


def no_gpu():
    """InputError with the sentence that says what is missing for a benchmark on a GPU, if something is. Another process looks: once
    this one had the GPU, those that are forked from it could not."""
    asked = subprocess.run([sys.executable, "-c", "from minicnn import cuda; print(cuda.why_not() or '')"], stdout=subprocess.PIPE,
                           text=True, env=environment(available_threads()))
    reason = asked.stdout.strip() if asked.returncode == 0 else "looking for a GPU failed"
    if reason:
        raise InputError(f"--device cuda: {reason}")
