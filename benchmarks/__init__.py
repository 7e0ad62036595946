"""How fast the kernels are: against their definition in NumPy, and against PyTorch where it is installed.

    python -m benchmarks                 everything, in about a minute; --full for all layers and more rounds
    python -m benchmarks lenet conv      what has one of these words in its name

`compare` times a few functions of one's own against each other.
"""

__all__ = ["compare"]


def __getattr__(name):
    """Imported when asked for: a process that measures how long an import takes must not find it done."""
    if name == "compare":
        from benchmarks.comparison import compare

        return compare
    raise AttributeError(f"module 'benchmarks' has no attribute {name!r}")
