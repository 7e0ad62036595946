"""Where a benchmark was run: the machine, and the versions of what it ran on."""
import datetime
import importlib.metadata
import os
import platform

from benchmarks.worker import available_threads

_PACKAGES = ("minicnn", "numpy", "numba", "llvmlite", "torch", "onnxruntime")


def describe(more_packages=()):
    """Facts for the JSON file."""
    return {"processor": processor(), "cores": os.cpu_count(), "threads": available_threads(),
            "system": f"{platform.system()} {platform.release()}", "python": platform.python_version(),
            "versions": {package: version for package in (*_PACKAGES, *more_packages) if (version := _version(package))},
            "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds")}


def processor():
    """The processor's name as its maker has it, where the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
