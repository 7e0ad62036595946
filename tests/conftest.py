"""What tests share."""
import importlib

import pytest


@pytest.fixture(scope="session")
def torch():
    """PyTorch, where it is installed, to compare with."""
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError:
        pytest.skip("PyTorch is not installed, so there is nothing to compare with: pip install -e '.[reference]'")
