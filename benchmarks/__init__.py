"""How fast the kernels are: against their definition in NumPy, and against PyTorch and onnxruntime where they are installed.

    python -m benchmarks                 something of everything, in some minutes; --full for all layers and networks, in an hour or two
    python -m benchmarks lenet conv      what has a word in its name that begins like one of these

`compare` times a few functions of one's own against each other.
"""

__all__ = ["compare"]


def __getattr__(name):
    """Imported when asked for: a process that measures how long an import takes must not find it done."""
    if name == "compare":
        from benchmarks.comparison import compare

        return compare
    raise AttributeError(f"module 'benchmarks' has no attribute {name!r}")
