"""What the tests of networks share."""
import importlib

import pytest


@pytest.fixture(scope="session")
def torch_networks(torch):
    """tests/models/torch_networks.py, which is written in PyTorch."""
    return importlib.import_module("tests.models.torch_networks")
