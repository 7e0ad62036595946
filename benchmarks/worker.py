"""A process for each framework: its threads, its settings and its memory are its own, as they are for those who use it alone.

In one process they would meddle with each other. PyTorch brings a second copy of the library that Numba's threads come from, and
which of the two both then use, and with what settings, depends on who was imported first.

A Worker is the handle; `python -m benchmarks.worker NAME` the process. They talk in lines of JSON.
"""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
import traceback

import numpy as np

from benchmarks import cases, frameworks, timer
from kernels.geometry import output_shape
from minicnn.errors import RunError

ROOT = pathlib.Path(__file__).parent.parent
_THREAD_SETTINGS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_SAMPLE = 1000   # numbers of a result that are compared


class Worker:
    """A framework in a process of its own. Leaving the `with` ends it."""

    def __init__(self, name, threads):
        self.name = name
        self.process = subprocess.Popen([sys.executable, "-m", "benchmarks.worker", name], env=environment(threads),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if error[0] is not None:   # it may be in the middle of something
            self.process.kill()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def wait(self):
        """Until the framework has been imported; RunError with the reason if it cannot be used here."""
        self._ask("ready")

    def prepare(self, key):
        """Make a case ready and run it once: how long that took, in seconds, and a sample of the result."""
        return self._ask("prepare", key)

    def run(self, repetitions):
        """Seconds for that many calls."""
        return self._ask("run", repetitions)

    def forget(self):
        """Give back the memory of the case that was made ready."""
        self._ask("forget")

    def algorithm(self, key):
        """The name of the algorithm that our kernels choose for a case; None for what is no convolution."""
        return self._ask("algorithm", key)

    def processor_seconds(self):
        """How much processor time the process has used."""
        return self._ask("processor_seconds")

    def machine(self):
        """What kernels find here; for minicnn only."""
        return self._ask("machine")

    def _ask(self, *question):
        with contextlib.suppress(BrokenPipeError):   # it may have ended, and said why
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RunError(f"the process of {self.name} ended while it was asked for {' '.join(map(str, question))}")
        answer = json.loads(answer)
        if "error" in answer:
            raise RunError(f"{self.name} failed at {' '.join(map(str, question))}: {answer['error']}")
        return answer["answer"]


def environment(threads, **settings):
    """The environment of a process that is to find our packages, and to use so many threads.

    For all threads that there are, nothing is set: each library uses what it uses by itself. Idle threads of OpenBLAS, which
    NumPy may use, are told to sleep after 2^4 cycles; after 2^26, as they would, it would be another framework's turn.
    """
    settings["OPENBLAS_THREAD_TIMEOUT"] = "4"
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    if threads != available_threads():
        settings.update(dict.fromkeys(_THREAD_SETTINGS, str(threads)))
    return {**os.environ, "PYTHONPATH": path, **settings}


def available_threads():
    """How many threads can run at once here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class _Process:
    """The other end: answers what a Worker asks."""

    def __init__(self, framework):
        self.framework = framework
        self.program = None

    def ready(self):
        return True

    def prepare(self, key):
        self.program = cases.get(key).prepare(self.framework)
        started = time.perf_counter()
        result = self.program()
        seconds = time.perf_counter() - started
        return seconds, sample(self.framework.numpy(result))

    def run(self, repetitions):
        return timer.repeat(self.program)(repetitions)

    def forget(self):
        self.program = None

    def algorithm(self, key):
        geometry = cases.get(key).geometry
        if geometry is None:
            return None
        x, weight, *settings, groups = geometry
        y = x[0], weight[0], *output_shape(x[2:], weight[2:], *settings)
        return self.framework.kernels.algorithm_of(x, weight, y, *settings, groups, np.dtype(np.float32))

    def processor_seconds(self):
        return time.process_time()

    def machine(self):
        import numba

        from benchmarks import peak
        from kernels.cpu.machine import VECTOR_UNIT

        gflops = peak.measure()
        return {"peak": gflops, "threads": numba.get_num_threads(), "threading_layer": numba.threading_layer(),
                "vector_bits": 8 * VECTOR_UNIT.bytes}


def sample(result):
    """Some numbers of an array, always from the same places: enough to see that two results agree."""
    places = np.random.default_rng(0).integers(0, result.size, _SAMPLE)
    return result.reshape(-1)[places].astype(float).tolist()


def serve(name, questions, answers):
    """Answer questions, lines from one stream to another, until they end."""
    def tell(**answer):
        print(json.dumps(answer), file=answers, flush=True)

    with contextlib.ExitStack() as stack:
        try:
            framework = stack.enter_context(frameworks.FRAMEWORKS[name]())
        except RunError as error:
            tell(error=str(error))   # whatever was asked
            return
        process = _Process(framework)
        for line in questions:
            question, *arguments = json.loads(line)
            try:
                tell(answer=getattr(process, question)(*arguments))
            except Exception as error:
                traceback.print_exc()
                tell(error=f"{type(error).__name__}: {error}")


def main():
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)   # Ctrl-C is for the process that asks, which then closes the pipe
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)   # so that nothing a library prints gets between the answers
    serve(sys.argv[1], sys.stdin, answers)


if __name__ == "__main__":
    main()
