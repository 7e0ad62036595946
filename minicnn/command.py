"""What the commands share: how they end, a mistake being one sentence on standard error and an exit code, never a traceback; --device."""
import os
import sys

from minicnn import cuda, device
from minicnn.errors import InputError, RunError


def run(main, arguments=None):
    """Call main(arguments) and exit: 0, 2 for what was given wrongly, 1 for what went wrong while running, 130 for Ctrl-C, and 141, as
    the shell has it, if nobody reads the output any more."""
    try:
        code = main(arguments)
        sys.stdout.flush()
        sys.exit(code)
    except (InputError, RunError, MemoryError) as error:
        complain(error)
        sys.exit(2 if isinstance(error, InputError) else 1)
    except KeyboardInterrupt:
        complain("interrupted")
        sys.exit(130)
    except BrokenPipeError:   # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())   # or Python would complain when it ends
        sys.exit(141)


def add_device(parser):
    """The option --device; `chosen_device` says what is meant."""
    parser.add_argument("--device", choices=("auto", *device.NAMES), help="what computes: the processor, an NVIDIA GPU, or a simulation of "
                                                                          "one, which is slow (default: auto, the GPU if there is one)")


def chosen_device(name):
    """The device that a person has named: "auto" is the GPU if there is one. InputError if it is not here."""
    if name == "auto":
        return "cuda" if cuda.is_available() else "cpu"
    if name != "cpu":
        device.machine(name)
    return name


def spare(path, default, inputs=(), option="--out"):
    """A file that is to be written may replace one only if it has the name that the command chooses by itself, and no input lies there;
    and it has the ending of that name. Else InputError."""
    if default is not None and path.suffix.lower() != default.suffix:
        raise InputError(f"{default.suffix[1:].upper()} is what is written: choose a name for {option} that ends in {default.suffix}, "
                         f"not {path}")
    if path.exists() and (path != default or path.resolve() in {file.resolve() for file in inputs}):
        raise InputError(f"{path} exists already and would be overwritten; choose another name for {option}")


def complain(problem):
    """Say what is wrong, and where: among the results there is nothing else."""
    print(f"minicnn: {problem}", file=sys.stderr)
