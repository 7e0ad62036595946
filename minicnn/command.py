"""How the commands end: a mistake is one sentence on standard error and an exit code, never a traceback."""
import sys

from minicnn.errors import InputError, RunError


def run(main, arguments=None):
    """Call main(arguments) and exit: 0, 2 for what was given wrongly, 1 for what went wrong while running, 130 for Ctrl-C."""
    try:
        sys.exit(main(arguments))
    except (InputError, RunError) as error:
        complain(error)
        sys.exit(2 if isinstance(error, InputError) else 1)
    except KeyboardInterrupt:
        complain("interrupted")
        sys.exit(130)


def complain(problem):
    """Say what is wrong, and where: among the results there is nothing else."""
    print(f"minicnn: {problem}", file=sys.stderr)
