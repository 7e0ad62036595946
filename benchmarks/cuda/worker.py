"""A process for each contender: its memory and its settings are its own, and if it breaks the GPU's context, only that is lost.

A Worker is the handle; `python -m benchmarks.cuda.worker NAME PRECISION` the process. They talk in lines of JSON. All processes use
the same GPU, one after the other.
"""
import contextlib
import json
import os
import select
import subprocess
import sys
import time
import traceback

import numpy as np

from benchmarks.cuda import cases, contenders, rehearsing
from benchmarks.worker import available_threads, environment
from minicnn.errors import RunError

_PATIENCE = 90        # seconds after which an answer is no longer waited for
_SAMPLE = 1000        # numbers of a result that are compared
_RECORDED = 0.002     # seconds that a recorded graph takes at least, by repetition,
_MOST_CALLS = 20      # as long as it holds no more calls than these


class Lost(RunError):
    """The process has ended, or does not answer."""


class Worker:
    """A contender in a process of its own."""

    def __init__(self, name, precision):
        self.name, self.precision = name, precision
        self._start()

    def _start(self):
        self.process = subprocess.Popen([sys.executable, "-m", "benchmarks.cuda.worker", self.name, self.precision],
                                        env=environment(available_threads()), stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self):
        self.process.kill()
        for stream in self.process.stdin, self.process.stdout:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        self.process.wait()

    def restart(self):
        self.close()
        self._start()
        self.ask("ready")

    def tell(self, *question):
        """Ask, but do not wait: several may work at once."""
        with contextlib.suppress(BrokenPipeError):   # it has ended; `answer` says so
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()

    def answer(self):
        """RunError with the reason if it did not succeed."""
        ready, _, _ = select.select([self.process.stdout], [], [], _PATIENCE)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            raise Lost("the process has ended" if ready else f"no answer in {_PATIENCE} seconds")
        answer = json.loads(line)
        if "error" in answer:
            raise RunError(answer["error"])
        return answer["answer"]

    def ask(self, *question):
        self.tell(*question)
        return self.answer()


class Process:
    """The other end: answers what a Worker asks."""

    def __init__(self, contender):
        self.contender, self.program, self.calls = contender, None, 1

    def ready(self):
        return True

    def prepare(self, key):
        """Make a case ready: how many seconds its first call took, and a sample of its result."""
        self.forget()
        case, contender = cases.get(key), self.contender
        program = case.prepare(contender)
        started = time.perf_counter()
        result = program()
        sample = contender.sample(result, lambda size: np.random.default_rng(0).integers(0, size, _SAMPLE))
        seconds = time.perf_counter() - started
        for _ in range(3):   # of a recorded step the third call records, and the fourth shows whether that went well
            program()
        self.program, self.calls = program, 1
        if case.recorded:
            once = min(contender.seconds(program) for _ in range(2))
            self.calls = min(_MOST_CALLS, max(1, round(_RECORDED / max(once, 1e-7))))
            self._kept = program   # and the arrays that the graph reads
            self.program, _ = contender.record(self._repeated(program))
        return seconds, sample.astype(float).tolist()

    def _repeated(self, program):
        def several():
            for _ in range(self.calls - 1):
                program()
            return program()
        return several

    def run(self, repetitions):
        """Seconds of one call, on the GPU, as the mean of several."""
        def work():
            for _ in range(repetitions):
                self.program()
        return self.contender.seconds(work) / (repetitions * self.calls)

    def forget(self):
        self.program = self._kept = None
        self.contender.release()

    def facts(self):
        """What ours finds here: the GPU's name, and its peaks."""
        from benchmarks.cuda import peak

        found = peak.measure(self.contender.machine)
        self.contender.release()
        return {"gpu": self.contender.machine.name, "compute_capability": list(self.contender.machine.compute_capability), **found}


def serve(process, questions, answers):
    """Answer questions, lines from one stream to another, until they end."""
    for line in questions:
        question, *arguments = json.loads(line)
        try:
            answer = {"answer": getattr(process, question)(*arguments)}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


class _Unable:
    """In place of a contender that does not run here."""

    def __init__(self, reason):
        self.reason = reason

    def ready(self):
        raise RunError(self.reason)


def main(name, precision):
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)   # Ctrl-C is for the process that asks
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)   # so that nothing a library prints gets between the answers
    with contextlib.ExitStack() as stack:
        if name == rehearsing.NAME:
            process = rehearsing.Process()
        else:
            try:
                process = Process(stack.enter_context(contenders.CONTENDERS[name](precision)))
            except Exception as error:
                process = _Unable(f"{error}")
        serve(process, sys.stdin, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
