"""What tests share."""
import importlib
import os

import hypothesis
import pytest

from minicnn import command

# Two threads at least, so that what must not depend on their number is asked on any machine; Numba reads this when it is imported.
os.environ.setdefault("NUMBA_NUM_THREADS", str(max(2, os.cpu_count())))

# The same examples in every run: a failure on one machine is a failure on all.
hypothesis.settings.register_profile("minicnn", derandomize=True, database=None, deadline=None, max_examples=50)
hypothesis.settings.load_profile("minicnn")


@pytest.fixture(scope="session")
def torch():
    """PyTorch, where it is installed, to compare with."""
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError:
        pytest.skip("PyTorch is not installed, so there is nothing to compare with: pip install -e '.[reference]'")


@pytest.fixture
def call(capsys):
    """call(main, argument, ...) runs a command as the shell would: (exit code, standard output, standard error)."""
    def call(main, *arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            command.run(main, [str(argument) for argument in arguments])
        return ended.value.code, *capsys.readouterr()
    return call
