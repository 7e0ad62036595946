"""The network with ImageNet weights. Those who share it leave it as it is."""
import pytest

from minicnn import models


@pytest.fixture(scope="package")
def squeezenet():
    return models.get("squeezenet", weights="imagenet")
